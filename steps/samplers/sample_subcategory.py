"""One of several values that belong to the value of another column."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from pydantic import Field

from steps.base import Row
from steps.errors import Complaint, RowError
from steps.samplers.base import Sampler, named
from steps.wording import listed


class SampleSubcategory(Sampler):
    """Adds a column with one of the values that belong to a row's category.

    A value that is listed twice is drawn twice as often. A row whose category has no values goes to the quarantine.
    Equal rows draw equally: number them (`NumberedRows`).

    Example:
        >>> step = SampleSubcategory(column="topic", of="subject", values={"maths": ["algebra"], "art": ["music", "film"]})
        >>> step.process([{"subject": "maths"}])
        [{'subject': 'maths', 'topic': 'algebra'}]
    """

    of: str = Field(min_length=1, title="Category column", description="Column with the category.", examples=["subject"])
    values: dict[str, list[str]] = Field(
        min_length=1,
        description="Category: list of its values.",
        examples=[{"maths": ["algebra", "geometry"], "art": ["music", "film"]}],
    )

    def needs(self) -> list[str]:
        return [self.of]

    def check(self) -> Iterable[Complaint]:
        for category in (category for category, values in self.values.items() if not values):
            yield f"values: {category!r} has no values", "list at least one, or leave the category out"

    def draw(self, row: Row, rng: Random) -> str:
        category = named(row, self.of)
        if not self.values.get(category):
            known = listed(self.values)
            raise RowError(
                f"column {self.of!r} holds {category[:60]!r}, which has no values here: {known}", "add it to `values`"
            )
        return rng.choice(self.values[category])
