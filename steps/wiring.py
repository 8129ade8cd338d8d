"""How steps find the pipeline that is being written: `with Pipeline("name"): load >> [a, b] >> group`.

The pipeline itself lives in `flows`; steps only know that one may be open, and tell it what is added and connected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from random import Random
from typing import Any, Protocol, TypeVar, overload

from pydantic import ConfigDict

from steps import registry
from steps.components import Component

T = TypeVar("T", bound="Wired")


class OpenPipeline(Protocol):
    """What an open `with Pipeline(...)` block offers to the steps made inside it."""

    def add(self, step: Any) -> None: ...

    def connect(self, source: Any, target: Any, router: Router | None = None) -> None: ...


open_pipeline: ContextVar[OpenPipeline | None] = ContextVar("open_pipeline", default=None)


class Router(Component):
    """Chooses, for each batch, which of the next steps get it: `load >> sample_n_steps(2) >> [a, b, c]`.

    Its fields are its parameters. `steps.routers` has the built-in ones and `@router`, which makes one of a function.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init__(self, *values: Any, **params: Any) -> None:
        fields = list(type(self).model_fields)
        if len(values) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} parameters: {fields}")
        super().__init__(**dict(zip(fields, values, strict=False)), **params)

    @property
    def name(self) -> str:
        """What a pipeline file says after `use:`."""
        return registry.name_of(type(self), "routers")

    @property
    def params(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def choose(self, steps: Sequence[str], batch_number: int, rng: Random) -> list[str]:
        """Which of `steps` get this batch, by name. Chance comes from `rng` alone: a resumed run chooses as before."""
        raise NotImplementedError(f"{type(self).__name__}.choose")

    def check(self, steps: Sequence[str]) -> Iterable[str]:
        """Say what is wrong when these steps follow, one sentence each."""
        return ()

    def in_short(self, steps: int) -> str:
        """How it chooses from so many steps, in a word or two: what stands at the parting of the ways on the canvas."""
        return self.name.rpartition(":")[2]

    def __rshift__(self, targets: Any) -> Any:
        raise TypeError(f"a router stands between steps; write step >> {type(self).__name__}(...) >> [a, b]")


class Routed:
    """A step and the router after it, until the list of steps to choose from is named."""

    def __init__(self, source: Wired, router: Router) -> None:
        self.source = source
        self.router = router

    def __rshift__(self, targets: list[T]) -> list[T]:
        if not isinstance(targets, (list, tuple)):
            raise TypeError(f"router {self.router.name!r} needs a list of steps to choose from, not {targets!r}")
        self.source.connect(*targets, router=self.router)
        return targets


class Wired:
    """The `>>` of steps."""

    def join_open_pipeline(self) -> None:
        pipeline = open_pipeline.get()
        if pipeline is not None:
            pipeline.add(self)

    def connect(self, *targets: Wired, router: Router | None = None) -> None:
        """Send this step's rows to each of these steps, or each batch to those that the router chooses."""
        if router is not None and ":" in router.name:  # from the user's own file
            registry.allow_class(type(router))
        for target in targets:
            _pipeline().connect(self, target, router)

    @overload
    def __rshift__(self, target: T) -> T: ...
    @overload
    def __rshift__(self, target: list[T]) -> list[T]: ...
    @overload
    def __rshift__(self, target: Router | type[Router]) -> Routed: ...
    def __rshift__(self, target: Any) -> Any:
        if isinstance(target, type) and issubclass(target, Router):
            target = target()
        if isinstance(target, Router):
            return Routed(self, target)
        self.connect(*(target if isinstance(target, (list, tuple)) else [target]))
        return target

    def __rrshift__(self: T, sources: Sequence[Wired]) -> T:
        for source in sources:
            source.connect(self)
        return self


def _pipeline() -> OpenPipeline:
    pipeline = open_pipeline.get()
    if pipeline is None:
        raise RuntimeError("steps are connected inside a `with Pipeline(...)` block")
    return pipeline
