"""What people may do on a server that is open to everybody: nothing that reaches its files, its keys or its network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.spec import PipelineSpec
from steps import registry
from steps.errors import PlanError, Problem
from steps.llms import RehearsalLLM, ReplayLLM
from steps.llms.base import LLM
from steps.secrets import may_name_key
from steps.sources import LoadDataFromDisk, LoadDataFromFileSystem

READERS = (LoadDataFromFileSystem, LoadDataFromDisk, ReplayLLM)
"""Classes that read files."""
ELSEWHERE = "run it on a machine of your own, or in a copy of this Space"


def forget_keys() -> None:
    """Drop all keys from the environment of this process, and so from those it starts: strangers must not use them."""
    for name in [name for name in os.environ if may_name_key(name)]:
        del os.environ[name]


def check_strangers(spec: PipelineSpec, readable: Path) -> None:
    """Refuse what reaches beyond the folder `readable` and the models that are made up or recorded.

    Raises:
        PlanError: It names the steps.
    """
    root = readable.resolve()
    problems = []
    for step in spec.steps:
        for use, params in _components(step.use, step.params):
            if what := _reaches(use, params, root):
                problems.append(Problem("not-here", f"step {step.name!r}", what, ELSEWHERE, step.name))
    if problems:
        raise PlanError(problems)


def _components(use: str, params: dict[str, Any]) -> Iterator[tuple[type, dict[str, Any]]]:
    """The classes of a step and of what is nested in it, with their parameters."""
    groups: tuple[registry.Kind, ...] = ("steps", "llms")
    for group in groups:
        try:
            yield registry.resolve(use, group), params
        except registry.UnknownComponent:
            continue
    for value in params.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict) and isinstance(inner.get("use"), str):
                yield from _components(inner["use"], {key: entry for key, entry in inner.items() if key != "use"})


def _reaches(use: type, params: dict[str, Any], root: Path) -> str:
    """What a component reaches that strangers may not; empty for nothing."""
    if issubclass(use, LLM) and not issubclass(use, (RehearsalLLM, ReplayLLM)):
        return f"asks {use.__name__}; on this server, which is open to everybody, no model is asked"
    if issubclass(use, READERS):
        for text in _texts(params):
            path = Path(text)
            if ("/" in text or path.exists()) and ("://" in text or not path.resolve().is_relative_to(root)):
                return f"reads {text!r}; on this server, which is open to everybody, only files of the examples are read"
    return ""


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
