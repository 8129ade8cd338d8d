"""What people may do on a server that is open to everybody: nothing that reaches its files, its keys or its network."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flows.spec import PipelineSpec
from steps import registry
from steps.base import BaseStep
from steps.components import LOCAL_FILES
from steps.errors import PlanError, Problem
from steps.models import Model
from steps.secrets import may_name_key
from steps.shipped import here_or_shipped

ELSEWHERE = "run it on a machine of your own, or in a copy of this Space"


def forget_keys() -> None:
    """Drop all keys from the environment of this process, and so from those it starts: strangers must not use them."""
    for name in [name for name in os.environ if may_name_key(name)]:
        del os.environ[name]


def without_folders(text: str) -> str:
    """A text in which files of this machine are named without their folders."""
    return re.sub(r"""(?<![:/\w.])/(?:[^/\s'"]+/)+""", "", text)


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
    for kind in ("steps", *registry.MODELS):
        try:
            yield registry.resolve(use, kind), params
        except registry.UnknownComponent:
            continue
    for value in params.values():
        yield from _nested(value)


def _nested(value: Any) -> Iterator[tuple[type, dict[str, Any]]]:
    """The classes that are named anywhere in a value: in lists, and in what is no component itself."""
    if isinstance(value, list):
        for inner in value:
            yield from _nested(inner)
    elif isinstance(value, dict) and isinstance(value.get("use"), str):
        yield from _components(value["use"], {key: entry for key, entry in value.items() if key != "use"})
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _nested(inner)


def _reaches(use: type, params: dict[str, Any], root: Path) -> str:
    """What a component reaches that strangers may not; empty for nothing."""
    if issubclass(use, Model) and not use.is_free:
        return f"asks {use.__name__}; on this server, which is open to everybody, no model is asked"
    if issubclass(use, BaseStep) and use.runs_code:
        return "runs programs; on this server, which is open to everybody, none are run for strangers"
    if issubclass(use, BaseStep) and use.in_preview:
        return "writes beyond this machine; on this server, which is open to everybody, nothing is written for strangers"
    if issubclass(use, BaseStep) and "api_url" in use.model_fields:
        return f"asks {use.reaches}; on this server, which is open to everybody, no other server is asked"
    for name in _file_params(use) & params.keys():
        for text in _texts(params[name]):
            if not _is_one_of(text, root):
                return f"reads {text!r}; on this server, which is open to everybody, only files of the examples are read"
    return ""


def _file_params(use: type) -> set[str]:
    """The parameters of a component that name files."""
    fields = use.model_fields if issubclass(use, BaseModel) else {}
    extras = {name: field.json_schema_extra for name, field in fields.items()}
    return {name for name, extra in extras.items() if isinstance(extra, dict) and extra.items() >= LOCAL_FILES.items()}


def _is_one_of(text: str, root: Path) -> bool:
    """Whether a text is the plain path of a file below a folder: no pattern, no home, no address."""
    if re.search(r"[~*?\[\]:]", text) or "\0" in text:
        return False
    path = here_or_shipped(text).resolve()
    return path.is_relative_to(root) and path.is_file()


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
