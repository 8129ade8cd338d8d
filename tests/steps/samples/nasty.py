"""What data sets hold where a step expects something else."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from typing import Any

from steps.base import Row

Path = tuple[Any, ...]

DEEP: list[Any] = []
for _ in range(200):  # JSON may be nested so deep and still be stored
    DEEP = [DEEP]

MISSING: dict[str, float | None] = {"none": None, "nan": float("nan")}
"""What stands where there is no value."""


def put(row: Row, path: Path, value: Any) -> Row:
    """The row with this value there."""
    changed = copy.deepcopy(row)
    inside: Any = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return changed


def paths(value: Any) -> Iterator[Path]:
    """Each place in a row: its columns, and what lies inside them; of lists the first item."""
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else []
    for key, found in inner:
        yield (key,)
        yield from ((key, *path) for path in paths(found))


WRONG: dict[str, Any] = {
    "a whole number": 7,
    "a number beyond 64 bits": 10**30,
    "a number": 1.5,
    "an infinite number": float("inf"),
    "a truth value": True,
    "an empty text": "",
    "a blank text": " \n",
    "a text": "hello",
    "half a character": "\ud83e",
    "a zero byte": "\x00",
    "marks of templates": "{x} {0} {{ y }} {% z %} %s $a \\1 \\g<0>",
    "JSON": '{"a": 1}',
    "JSON nested deep": "[" * 20_000,
    "an empty list": [],
    "a list of texts": ["a"],
    "a list of nothing": [None],
    "a list of NaN": [float("nan")],
    "a list of numbers": [1, 2],
    "a list of lists": [["a"], []],
    "a list of dicts": [{"a": 1}],
    "a list of half a character": ["\ud83e"],
    "an empty dict": {},
    "a dict of nothing": {"a": None},
    "a message": {"role": "user", "content": "x"},
    "a chat without content": [{"role": "user", "content": None}],
    "a chat without role": [{"role": None, "content": "x"}],
    "a chat of a number": [{"role": "user", "content": 7}],
    "a chat of parts without text": [{"role": "user", "content": [{"type": "text"}]}],
    "a chat of odd parts": [{"role": "user", "content": [None, b"\xff"]}],
    "a chat with an odd call": [{"role": "user"}, {"role": "assistant", "content": "x", "tool_calls": [None]}],
    "a chat with calls that are text": [{"role": "assistant", "tool_calls": "x"}],
    "bytes": b"\xff",
    "a day": dt.date(2024, 1, 1),
    "a time": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    "a tuple": ("a",),
    "something nested deep": DEEP,
}
"""Values of each kind that rows may hold."""
