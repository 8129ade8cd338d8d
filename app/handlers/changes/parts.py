"""Parts of a pipeline as plain data, for changes of it: names, what comes after what, and the canvas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.handlers.routing import drop_needless

Data = dict[str, Any]
"""A pipeline as plain data, or a part of one."""


def free_name(stem: str, taken: Iterable[str]) -> str:
    """A name like this that nobody has: `judge`, `judge_2`."""
    known = set(taken)
    if stem not in known:
        return stem
    head, _, number = stem.rpartition("_")
    stem = head if head and number.isdecimal() else stem
    at = 2
    while f"{stem}_{at}" in known:
        at += 1
    return f"{stem}_{at}"


def names_in(data: Data) -> set[str]:
    return {step["name"] for step in data["steps"]}


def after_of(step: Data) -> list[str]:
    after = step.get("after", [])
    return [after] if isinstance(after, str) else list(after)


def set_after(step: Data, names: Sequence[str]) -> None:
    if names:
        step["after"] = list(names)
    else:
        step.pop("after", None)


def canvas_in(data: Data) -> Data:
    canvas: Data = data.get("canvas", {})
    return canvas


def positions_in(data: Data) -> Data:
    positions: Data = data.setdefault("canvas", {}).setdefault("positions", {})
    return positions


def forget(data: Data, gone: Iterable[str]) -> None:
    """Drop what is said elsewhere of steps that are gone."""
    for name in gone:
        canvas_in(data).get("positions", {}).pop(name, None)
        for group in canvas_in(data).get("groups", {}).values():
            group["steps"] = [step for step in group["steps"] if step != name]
    drop_empty_groups(data)
    drop_needless(data)


def drop_empty_groups(data: Data) -> None:
    groups = canvas_in(data).get("groups", {})
    for name in [name for name, group in groups.items() if not group["steps"]]:
        del groups[name]
        canvas_in(data).get("positions", {}).pop(name, None)


def rename_key(mapping: Data, old: str, new: str) -> None:
    """Give a key another name, in its place."""
    if old in mapping:
        entries = [(new if key == old else key, value) for key, value in mapping.items()]
        mapping.clear()
        mapping.update(entries)
