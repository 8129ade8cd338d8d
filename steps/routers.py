"""Routers: which of the next steps get a batch. The built-in one, and `@router` for your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING

from pydantic import Field, create_model

from steps.errors import RunError
from steps.signatures import fields_of
from steps.wiring import Router


class sample_n_steps(Router):
    """Sends each batch to `n` of the next steps, drawn at random.

    Example:
        >>> from random import Random
        >>> sample_n_steps(n=2).choose(["a", "b", "c"], 0, Random(1))
        ['a', 'c']
    """

    n: int = Field(ge=1, title="Steps per batch", description="How many of the next steps get each batch.", examples=[1])

    if TYPE_CHECKING:

        def __init__(self, n: int) -> None: ...

    def choose(self, steps: Sequence[str], batch_number: int, rng: Random) -> list[str]:
        drawn = set(rng.sample(range(len(steps)), min(self.n, len(steps))))
        return [step for at, step in enumerate(steps) if at in drawn]

    def in_short(self, steps: int) -> str:
        return f"{self.n} of {steps}"

    def check(self, steps: Sequence[str]) -> Iterable[str]:
        if self.n > len(steps):
            yield f"sample_n_steps draws {self.n} steps, but only {len(steps)} follow: {list(steps)}"


def router(function: Callable[..., Sequence[str]]) -> type[Router]:
    """Make a router of a function `(steps, batch_number, rng) -> the steps that get the batch`.

    Further parameters of the function are the router's own. Pipeline files name it `module:function`.

    Example:
        >>> @router
        ... def by_turns(steps, batch_number, rng, every: int = 1):
        ...     return [steps[batch_number // every % len(steps)]]
        >>> by_turns(every=2).choose(["a", "b"], 2, Random(0))
        ['b']
    """

    class FunctionRouter(Router):
        def choose(self, steps: Sequence[str], batch_number: int, rng: Random) -> list[str]:
            chosen = list(function(steps, batch_number, rng, **dict(self)))
            if not chosen or (unknown := set(chosen) - set(steps)):
                what = "no step" if not chosen else ", ".join(map(repr, sorted(unknown)))
                raise RunError(f"router {function.__name__!r} chose {what}", f"it may choose some of {list(steps)}")
            return chosen

    return create_model(
        function.__name__,
        __base__=FunctionRouter,
        __module__=function.__module__,
        __doc__=function.__doc__,
        **fields_of(function, 3),
    )
