"""Steps that write rows in the form that training wants. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
    from steps.formats.format_text_generation_sft import FormatTextGenerationSFT
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "FormatTextGenerationDPO",
    "FormatTextGenerationSFT",
]
