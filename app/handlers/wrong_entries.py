"""What was entered in fields and cannot be understood: kept as it was typed, and in the way of a run until it is put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from flows.spec import PipelineSpec
from steps.errors import DistilflowError, Problem

CODE = "wrong-entry"
MOST_KEPT = 200_000
"""Characters of them that a browser keeps over a reload."""


class WrongEntry(TypedDict):
    """One field whose entry makes no value. The pipeline still has the value of before."""

    step: str
    field: str
    """Id of the field."""
    path: list[str]
    """Its place in the data of the step."""
    over: str
    """What the pipeline had there, and the classes that the field belongs to: where these are others, the entry is past."""
    said: Any
    """What was entered."""
    what: str
    fix: str


WrongEntries = dict[str, WrongEntry]
"""By step and field."""


def with_wrong(
    entries: WrongEntries, spec: PipelineSpec, step: str, field: str, path: Sequence[str], said: Any, error: DistilflowError
) -> WrongEntries:
    """These entries and one more."""
    over = _at(spec.to_dict(), step, path)
    entry = WrongEntry(step=step, field=field, path=[*path], over=over, said=said, what=error.message, fix=error.fix)
    return {**entries, _key(step, field): entry}


def without(entries: WrongEntries, step: str, field: str) -> WrongEntries:
    """These entries but one: it was put right, or given up."""
    return {key: entry for key, entry in entries.items() if key != _key(step, field)}


def renamed(entries: WrongEntries, old: str, new: str) -> WrongEntries:
    """These entries where a step has another name."""
    moved = (WrongEntry(**{**entry, "step": new}) if entry["step"] == old else entry for entry in entries.values())
    return {_key(entry["step"], entry["field"]): entry for entry in moved}


def standing(entries: WrongEntries, spec: PipelineSpec) -> WrongEntries:
    """The entries that are still in the way: whose step, field and value nobody has changed since."""
    if not entries:
        return {}
    data = spec.to_dict()
    return {key: entry for key, entry in entries.items() if _at(data, entry["step"], entry["path"]) == entry["over"]}


def said_in(entries: WrongEntries, step: str, field: str) -> Any:
    """What was entered in a field; None where all is well."""
    entry = entries.get(_key(step, field))
    return entry["said"] if entry else None


def as_problem(entry: WrongEntry) -> Problem:
    return Problem(CODE, f"step {entry['step']!r}", entry["what"], entry["fix"], entry["step"])


def kept(entries: WrongEntries) -> WrongEntries:
    """Those that a browser may keep; none where they are too long."""
    return entries if len(repr(entries)) <= MOST_KEPT else {}


def recalled(told: Any) -> WrongEntries:
    """Entries that a browser kept; none where it made something else of them."""
    try:
        return _READER.validate_python(told) if told else {}
    except ValidationError:
        return {}


_READER: TypeAdapter[WrongEntries] = TypeAdapter(WrongEntries)


def _at(data: Mapping[str, Any], step: str, path: Sequence[str]) -> str:
    """What the pipeline says at a field, and which classes the field belongs to; empty where there is no such step."""
    found: Any = next((one for one in data.get("steps", []) if one["name"] == step), None)
    if found is None:
        return ""
    path, router = [*path], data.get("routing", {}).get(step)
    classes = [found["use"], _use(found.get("with", {}).get(path[1])) if path[0] == "with" and len(path) > 2 else None]
    if path[:1] == ["router"]:
        classes, found, path = [_use(router)], router, path[1:]
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return repr((classes, found))


def _use(component: Any) -> Any:
    return component.get("use") if isinstance(component, Mapping) else None


def _key(step: str, field: str) -> str:
    return f"{step}/{field}"
