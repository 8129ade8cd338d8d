"""Our side of `equal_steps.py`: steps get their rows as the engine hands them over."""

from __future__ import annotations

from typing import Any

from benchmarks.equal_turns import BATCH, Work, serve
from steps import registry
from steps.base import GeneratorStep, GlobalStep, JoinStep, Step


def prepare(name: str, parameters: dict[str, Any]) -> Work:
    step: Any = registry.resolve(name)(**parameters)
    if isinstance(step, GeneratorStep):

        def read(_: Any) -> list[dict[str, Any]]:
            step.load()
            return list(step.generate())

        return read
    step.load()
    match step:
        case JoinStep():
            return lambda branches: [step.combine(parts) for parts in zip(*branches, strict=True)]
        case GlobalStep():
            return lambda branches: list(step.process(branches[0]))
        case Step():
            size = 1 if step.may_change_rows() else BATCH
            return lambda branches: [
                row for at in range(0, len(branches[0]), size) for row in step.process(branches[0][at : at + size])
            ]
    raise TypeError(f"{name} is of a kind that is not compared")


if __name__ == "__main__":
    serve(prepare)
