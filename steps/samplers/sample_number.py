"""A number of a distribution."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from steps.base import Row
from steps.errors import Complaint, RowError
from steps.samplers.base import Sampler

if TYPE_CHECKING:
    from numpy.random import RandomState

Distribution = Literal["uniform", "normal", "lognormal", "exponential", "poisson", "binomial", "bernoulli"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Bound = Annotated[float, Field(ge=-1e15, le=1e15)]

_NEEDS: dict[Distribution, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "normal": ("mean", "deviation"),
    "lognormal": ("mean", "deviation"),
    "exponential": ("mean",),
    "poisson": ("mean",),
    "binomial": ("trials", "chance"),
    "bernoulli": ("chance",),
}
"""Parameters that a distribution cannot do without. `low` and `high` may bound any."""
_SHAPES = ("mean", "deviation", "trials", "chance")
_WHOLE = ("poisson", "binomial", "bernoulli")
MOST = 1e15
"""Largest mean of counts: beyond it numbers are not exact."""


class SampleNumber(Sampler):
    """Adds a column with a number, drawn from a distribution.

    | distribution | what it takes |
    |---|---|
    | uniform | `low`, `high`: any number between them, both included |
    | normal | `mean`, `deviation` |
    | lognormal | `mean` and `deviation` of the number's natural logarithm |
    | exponential | `mean` |
    | poisson | `mean`: how often something happens on average |
    | binomial | `trials`, and the `chance` of each; the number that succeed |
    | bernoulli | `chance` of 1, else 0 |

    Beyond uniform, a number below `low` becomes `low`, and one above `high` becomes `high`. `decimals: 0` makes whole
    numbers. Equal rows draw equally: number them (`NumberedRows`).

    Example:
        >>> step = SampleNumber(column="age", distribution="normal", mean=40, deviation=0, decimals=0)
        >>> step.process([{"number": 1}])
        [{'number': 1, 'age': 40}]
    """

    distribution: Distribution = Field(default="uniform", description="What numbers are drawn from.")
    low: Bound | None = Field(
        default=None, description="Smallest number; empty for no limit, which uniform cannot do without.", examples=[1]
    )
    high: Bound | None = Field(
        default=None, description="Largest number; empty for no limit, which uniform cannot do without.", examples=[10]
    )
    mean: Finite | None = Field(default=None, description="For normal, exponential and poisson; lognormal: of the logarithm.")
    deviation: Finite | None = Field(
        default=None, ge=0, description="Standard deviation, for normal; lognormal: of the logarithm."
    )
    trials: int | None = Field(default=None, ge=0, le=10**15, description="How many trials, for binomial.")
    chance: float | None = Field(default=None, ge=0, le=1, description="Probability, for binomial and bernoulli.")
    decimals: int | None = Field(
        default=None, ge=0, le=12, description="Digits after the point: 0 for whole numbers, empty for all."
    )

    def check(self) -> Iterable[Complaint]:
        needed = _NEEDS[self.distribution]
        for name in needed:
            if getattr(self, name) is None:
                yield f"{name}: {self.distribution} needs it", f"give `{name}` a number"
        for name in _SHAPES:
            if getattr(self, name) is not None and name not in needed:
                takes = " and ".join(f"`{one}`" for one in needed)
                yield f"{name}: {self.distribution} has no use for it, it takes {takes}", f"empty `{name}`"
        if self.mean is not None and self.distribution in ("exponential", "poisson") and not 0 <= self.mean <= MOST:
            yield f"mean: {self.mean:g} is not between 0 and {MOST:g}, as {self.distribution} needs"
        if self.low is not None and self.high is not None:
            if self.low > self.high:
                yield f"low: {self.low:g} is larger than `high`, {self.high:g}"
            elif (digits := self._digits()) is not None and _steps(self.low, digits, up=True) > _steps(self.high, digits):
                kind = f"number with {digits} decimals" if digits else "whole number"
                yield f"low: there is no {kind} between {self.low:g} and {self.high:g}"

    def draw(self, row: Row, rng: Random) -> int | float:
        digits = self._digits()
        try:
            if self.distribution == "uniform":
                return self._uniform(rng, digits)
            return self._bounded(self._drawn_number(rng), digits)
        except OverflowError as error:
            raise RowError(
                "the number that was drawn is too large", "choose a smaller `mean` or `deviation`, or a `high`"
            ) from error

    def _digits(self) -> int | None:
        return 0 if self.distribution in _WHOLE else self.decimals

    def _uniform(self, rng: Random, digits: int | None) -> int | float:
        low, high = self._number("low"), self._number("high")
        if digits is None:
            return min(max(rng.uniform(low, high), low), high)
        return _of_steps(rng.randint(_steps(low, digits, up=True), _steps(high, digits)), digits)  # the ends as often as others

    def _bounded(self, number: float, digits: int | None) -> int | float:
        if digits is None:
            number = number if self.low is None else max(number, self.low)
            return number if self.high is None else min(number, self.high)
        steps = round(number * 10.0**digits)
        steps = steps if self.low is None else max(steps, _steps(self.low, digits, up=True))
        steps = steps if self.high is None else min(steps, _steps(self.high, digits))
        return _of_steps(steps, digits)

    def _drawn_number(self, rng: Random) -> float:
        match self.distribution:
            case "normal":
                return rng.gauss(self._number("mean"), self._number("deviation"))
            case "lognormal":
                return rng.lognormvariate(self._number("mean"), self._number("deviation"))
            case "exponential":
                return rng.expovariate(1) * self._number("mean")
            case "poisson":
                return int(_numpy(rng).poisson(self._number("mean")))
            case "binomial":
                return int(_numpy(rng).binomial(int(self._number("trials")), self._number("chance")))
        return int(rng.random() < self._number("chance"))

    def _number(self, name: str) -> float:
        value = getattr(self, name)
        if value is None:  # `check` says so before a run
            raise RowError(f"{self.distribution} needs `{name}`", f"give `{name}` a number")
        return float(value)


def _steps(number: float, digits: int, *, up: bool = False) -> int:
    """How many units of the last digit a number has: of those that are whole the nearest above, or below."""
    scaled = round(number * 10.0**digits, 6)  # 0.29 * 100 is 28.999999999999996
    return math.ceil(scaled) if up else math.floor(scaled)


def _of_steps(steps: int, digits: int) -> int | float:
    return round(steps / 10.0**digits, digits) if digits else steps


def _numpy(rng: Random) -> RandomState:
    """What draws counts. This class of numpy draws the same numbers in all its versions."""
    from numpy.random import RandomState

    return RandomState([rng.getrandbits(32) for _ in range(4)])
