"""What changes in a text, line by line, with what stays the same folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, TypedDict

from steps.wording import counted

MOST_COMPARED = 5_000
"""Lines between the first and the last that differ; of more, all are said to be replaced."""
MOST_SHOWN = 2_000
LONGEST_LINE = 500
CONTEXT = 3
"""Lines that are shown around a change within a long step."""
LONG = 10
"""Lines of a step, or beside steps, that are shown though they stay the same."""

Lines = Sequence[tuple[str, int, int]]
"""Steps with their first and last line, counted from 1."""


class Line(TypedDict):
    """A line of the comparison: one that stays, comes or goes, or many that stay. `number` is that of the new text."""

    kind: Literal["same", "added", "removed", "fold"]
    number: int | None
    text: str


def line_changes(before: str, after: str, steps: Lines = ()) -> list[Line]:
    """The lines of `after`, and those of `before` that it has not; `steps` says where the steps of `after` stand.

    Steps that stay as they are become one line, and so do long runs of other lines. Nothing for two texts that are the same.
    """
    if before == after:
        return []
    old, new = before.splitlines(), after.splitlines()
    found: list[Line] = []
    for kind, first, last, start, end in _blocks(old, new):
        if kind == "equal":
            found += _same(new, start, end, steps)
        else:
            found += [Line(kind="removed", number=None, text=_cut(line)) for line in old[first:last]]
            found += [Line(kind="added", number=at, text=_cut(new[at - 1])) for at in range(start + 1, end + 1)]
    if len(found) > MOST_SHOWN:
        rest = len(found) - MOST_SHOWN
        return [*found[:MOST_SHOWN], Line(kind="fold", number=None, text=f"{counted(rest, 'more line')} of changes")]
    return found


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """Blocks as difflib gives them; equal beginnings and ends need no search."""
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    tail = next((at for at in range(shorter - head) if old[-1 - at] != new[-1 - at]), shorter - head)
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if head:
        yield "equal", 0, head, 0, head
    if max(len(middle_old), len(middle_new)) > MOST_COMPARED:
        yield "replace", head, head + len(middle_old), head, head + len(middle_new)
    else:
        for kind, first, last, start, end in SequenceMatcher(None, middle_old, middle_new).get_opcodes():
            yield kind, first + head, last + head, start + head, end + head
    if tail:
        yield "equal", len(old) - tail, len(old), len(new) - tail, len(new)


def _same(new: list[str], start: int, end: int, steps: Lines) -> Iterator[Line]:
    """Lines `start` to `end` (counted from 0) of the new text, folded."""
    whole = [step for step in steps if step[1] > start and step[2] <= end]
    at = start
    if whole:
        first, last = whole[0][1] - 1, whole[-1][2]
        yield from _short(new, at, first, is_start=at == 0)
        if len(whole) > 1 or last - first > LONG:
            names = whole[0][0] if len(whole) == 1 else f"{whole[0][0]} … {whole[-1][0]}"
            what = "unchanged" if len(whole) == 1 else f"{len(whole)} steps unchanged"
            yield Line(kind="fold", number=None, text=f"{names}, {what}")
        else:
            yield from _shown(new, first, last)
        at = last
    yield from _short(new, at, end, is_start=at == 0)


def _short(new: list[str], start: int, end: int, *, is_start: bool) -> Iterator[Line]:
    if end - start <= LONG:
        yield from _shown(new, start, end)
        return
    before, after = (0 if is_start else CONTEXT), (0 if end == len(new) else CONTEXT)
    yield from _shown(new, start, start + before)
    hidden = end - after - (start + before)
    yield Line(kind="fold", number=None, text=f"{counted(hidden, 'line')} unchanged")
    yield from _shown(new, end - after, end)


def _shown(new: list[str], start: int, end: int) -> Iterator[Line]:
    for at in range(start, end):
        yield Line(kind="same", number=at + 1, text=_cut(new[at]))


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
