"""Steps that check a column and say what is wrong with it. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.validators.run_python import RunPython
    from steps.validators.validate_json import ValidateJSON
    from steps.validators.validate_python import ValidatePython
    from steps.validators.validate_regex import ValidateRegex
    from steps.validators.validate_sql import ValidateSQL
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "RunPython",
    "ValidateJSON",
    "ValidatePython",
    "ValidateRegex",
    "ValidateSQL",
]
