"""One of several values."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Annotated

from pydantic import Field

from steps.base import Row
from steps.errors import Complaint
from steps.samplers.base import Sampler, named
from steps.wording import did_you_mean, listed

Weights = dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]


class SampleCategory(Sampler):
    """Adds a column with one of several values, drawn by their weights.

    `weights` says how often a value is drawn beside the others; one that is not named there weighs 1, and 0 leaves it out.
    `weights_by` has weights of their own for some values of another column; rows with other values take `weights`.
    Equal rows draw equally: number them (`NumberedRows`).

    Example:
        >>> step = SampleCategory(column="level", values=["easy", "hard"], by="age", weights_by={"child": {"hard": 0}})
        >>> step.process([{"age": "child"}])
        [{'age': 'child', 'level': 'easy'}]
    """

    values: list[str] = Field(min_length=1, description="Values to draw from.", examples=[["easy", "medium", "hard"]])
    weights: Weights = Field(default_factory=dict, description="Value: weight. A value that is not named weighs 1.")
    by: str | None = Field(
        default=None, title="By the column", description="Column whose values have weights of their own in `weights_by`."
    )
    weights_by: dict[str, Weights] = Field(
        default_factory=dict, description="Value of the column in `by`: weights. Values that are not named take `weights`."
    )

    def needs(self) -> list[str]:
        return [self.by] if self.by else []

    def check(self) -> Iterable[Complaint]:
        if self.weights_by and not self.by:
            yield "weights_by: no column is named", "name the column with these values in `by`"
        if self.by and not self.weights_by:
            yield f"by: nothing depends on {self.by!r}", "give weights in `weights_by`, or empty `by`"
        for where, weights in [
            ("weights", self.weights),
            *((f"weights_by: {key}", some) for key, some in self.weights_by.items()),
        ]:
            for value in weights.keys() - set(self.values):
                yield f"{where}: {value!r} is none of the values: {listed(self.values)}.{did_you_mean(value, self.values)}"
            if not any(weights.get(value, 1) for value in self.values):
                yield f"{where}: all values weigh 0", "give one of them a weight above 0"

    def draw(self, row: Row, rng: Random) -> str:
        weights = self.weights_by.get(named(row, self.by), self.weights) if self.by else self.weights
        [value] = rng.choices(self.values, [weights.get(value, 1) for value in self.values] if weights else None)
        return value
