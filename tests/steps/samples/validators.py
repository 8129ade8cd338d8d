from __future__ import annotations

from steps.validators.run_python import RunPython
from steps.validators.validate_json import ValidateJSON
from steps.validators.validate_python import ValidatePython
from steps.validators.validate_regex import ValidateRegex
from steps.validators.validate_sql import ValidateSQL
from tests.steps.samples.rows import answer
from tests.steps.samples.sample import Sample, Samples

SAMPLES: Samples = {
    "RunPython": [Sample(RunPython(wall_s=2, cpu_s=1), answer)],
    "ValidateJSON": [Sample(ValidateJSON(), answer), Sample(ValidateJSON(json_schema={"type": "object"}), answer)],
    "ValidatePython": [Sample(ValidatePython(), answer)],
    "ValidateRegex": [Sample(ValidateRegex(pattern=".*"), answer)],
    "ValidateSQL": [Sample(ValidateSQL(dialect="postgres"), answer)],
}
