"""Rows without a model: a source that counts, and steps that draw a value each. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.samplers.numbered_rows import NumberedRows
    from steps.samplers.sample_category import SampleCategory
    from steps.samplers.sample_date import SampleDate
    from steps.samplers.sample_later_date import SampleLaterDate
    from steps.samplers.sample_number import SampleNumber
    from steps.samplers.sample_person import SamplePerson
    from steps.samplers.sample_subcategory import SampleSubcategory
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "NumberedRows",
    "SampleCategory",
    "SampleDate",
    "SampleLaterDate",
    "SampleNumber",
    "SamplePerson",
    "SampleSubcategory",
]
