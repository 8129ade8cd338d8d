from __future__ import annotations

from steps.base import Row
from steps.samplers.numbered_rows import NumberedRows
from steps.samplers.sample_category import SampleCategory
from steps.samplers.sample_date import SampleDate
from steps.samplers.sample_later_date import SampleLaterDate
from steps.samplers.sample_number import SampleNumber
from steps.samplers.sample_person import SamplePerson
from steps.samplers.sample_subcategory import SampleSubcategory
from tests.steps.samples.rows import texts
from tests.steps.samples.sample import Sample, Samples


def _no_row(text: str) -> Row:
    return {}


def _order(text: str) -> Row:
    return {"text": text, "level": "easy", "ordered": "2024-02-28"}


SAMPLES: Samples = {
    "NumberedRows": [Sample(NumberedRows(num_rows=3), _no_row)],
    "SampleCategory": [
        Sample(SampleCategory(column="level", values=["easy", "hard"], weights={"hard": 2}), texts),
        Sample(SampleCategory(column="tone", values=["warm", "dry"], by="text", weights_by={"a": {"dry": 0}}), texts),
    ],
    "SampleSubcategory": [Sample(SampleSubcategory(column="topic", of="level", values={"easy": ["sums", "colours"]}), _order)],
    "SampleNumber": [
        Sample(SampleNumber(column="n", distribution="uniform", low=1, high=6, decimals=0), texts),
        Sample(SampleNumber(column="n", distribution="poisson", mean=3), texts),
        Sample(SampleNumber(column="n", distribution="normal", mean=3, deviation=1, low=0), texts),
    ],
    "SampleDate": [Sample(SampleDate(column="day", start="2024-01-01", end="2024-12-31"), texts)],
    "SampleLaterDate": [Sample(SampleLaterDate(column="delivered", of="ordered"), _order)],
    "SamplePerson": [Sample(SamplePerson(), texts), Sample(SamplePerson(locale="ja_JP", flat=True), texts)],
}
