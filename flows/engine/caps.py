"""How much a run may use, as people say it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flows.engine.options import RunOptions
from flows.engine.tally import money
from flows.plan import Plan
from steps.errors import SpecError
from steps.llms.prices import VARIABLE


@dataclass(frozen=True, slots=True)
class Caps:
    """How much a run may use in all its sessions: USD, and tokens of input and output together. None: as much as it takes.

    Raises:
        SpecError: One of them is no amount that could be spent.
    """

    cost: float | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        if self.cost is not None and not (math.isfinite(self.cost) and self.cost > 0):
            raise SpecError(f"a budget of {self.cost} USD buys nothing", "give --max-cost an amount above 0, such as 0.50")
        if self.tokens is not None and self.tokens <= 0:
            raise SpecError(f"a budget of {self.tokens} tokens buys nothing", "give --max-tokens a number above 0")

    @staticmethod
    def of(options: RunOptions) -> Caps:
        return Caps(options.max_cost, options.max_tokens)

    def __bool__(self) -> bool:
        return self.cost is not None or self.tokens is not None


def check_prices(plan: Plan, caps: Caps) -> None:
    """Check that money can be counted, if it is to be kept below a cap.

    Raises:
        SpecError: Nobody knows what one of the models costs.
    """
    if caps.cost is None:
        return
    unknown = [f"{llm.model_name!r} of step {step!r}" for step, llm in plan.every_llm if llm.find_price() is None]
    if unknown:
        raise SpecError(
            f"the price of {', '.join(unknown)} is not known, so {money(caps.cost)} cannot be kept as a budget",
            "add `price: {input: 0.15, output: 0.60}` to the model, in USD per million tokens, "
            f"or name a file of prices in ${VARIABLE}; or limit tokens instead: --max-tokens",
        )
