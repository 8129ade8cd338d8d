"""What was entered in fields and cannot be understood: kept as it was typed, and in the way of a run until it is put right."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypedDict

from steps.errors import DistilflowError, Problem

CODE = "wrong-entry"


class WrongEntry(TypedDict):
    """One field whose entry makes no value. The pipeline still has the value of before."""

    step: str
    field: str
    """Id of the field."""
    said: Any
    """What was entered."""
    what: str
    fix: str


WrongEntries = dict[str, WrongEntry]
"""By step and field."""


def with_wrong(entries: WrongEntries, step: str, field: str, said: Any, error: DistilflowError) -> WrongEntries:
    """These entries and one more."""
    entry = WrongEntry(step=step, field=field, said=said, what=error.message, fix=error.fix)
    return {**entries, _key(step, field): entry}


def without(entries: WrongEntries, step: str, field: str) -> WrongEntries:
    """These entries but one: it was put right, or given up."""
    return {key: entry for key, entry in entries.items() if key != _key(step, field)}


def without_part(entries: WrongEntries, step: str, prefix: str) -> WrongEntries:
    """These entries but those of fields that a step has no more."""
    return {key: entry for key, entry in entries.items() if not key.startswith(_key(step, prefix))}


def of_steps(entries: WrongEntries, names: Collection[str]) -> list[WrongEntry]:
    """The entries for steps that are still there."""
    return [entry for entry in entries.values() if entry["step"] in names]


def said_in(entries: WrongEntries, step: str, field: str) -> Any:
    """What was entered in a field; None where all is well."""
    entry = entries.get(_key(step, field))
    return entry["said"] if entry else None


def as_problem(entry: WrongEntry) -> Problem:
    return Problem(CODE, f"step {entry['step']!r}", entry["what"], entry["fix"], entry["step"])


def _key(step: str, field: str) -> str:
    return f"{step}/{field}"
