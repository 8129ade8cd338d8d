"""What the requests of a run used, by step, model or row: read from its journal, so it counts all sessions."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flows.engine.journal import paid_in, tally_of
from flows.engine.tally import Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

By = Literal["step", "model", "row"]
COUNTS = [field.name for field in fields(Tally)]
KINDS = [float if field.type == "float" else int for field in fields(Tally)]
CSV_COUNTS = {"known_cost": "cost_usd", "unpriced": "requests_of_unknown_price"}
"""Columns of the CSV that are not named as in a tally."""
CSV_DIGITS = {"known_cost": 9, "seconds": 3}
CHUNK = 10_000
"""Entries that are added up at a time: rows are many, and 100 bytes each in arrays."""
PLACE_DIGITS = 10


class UsageTable:
    """Tallies by name, in its order; rows in that of their ids."""

    def __init__(self, by: By, names: NDArray[np.str_], counts: NDArray[np.float64]) -> None:
        self.by = by
        self._names = names
        self._counts = counts  # a column for each name, a line for each field of a tally

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[tuple[str, Tally]]:
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            for name, values in zip(self._names[part].tolist(), self._counts[:, part].T.tolist(), strict=True):
                yield _shown(name) if self.by == "row" else name, _tally(values)

    def dearest(self, count: int) -> list[tuple[str, Tally]]:
        """Those that cost most, then used most tokens."""
        import numpy as np

        least_to_most_important = ("input_tokens", "output_tokens", "known_cost")
        first = np.lexsort([-self._counts[COUNTS.index(name)] for name in least_to_most_important])[:count]
        return list(UsageTable(self.by, self._names[first], self._counts[:, first]))

    def total(self) -> Tally:
        return _tally(self._counts.sum(axis=1).tolist())

    def write_csv(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([self.by, *(CSV_COUNTS.get(name, name) for name in COUNTS)])
            writer.writerows((name, *_cells(tally)) for name, tally in self)


def read_usage(journal: Path, by: By) -> UsageTable:
    """Add up the requests in a journal."""
    import numpy as np

    entries = paid_in(journal)
    parts = [_added_up([], np.empty((len(COUNTS), 0)))]
    while chunk := [(entry[by], tally_of(entry)) for entry in islice(entries, CHUNK)]:
        names = [_sortable(name) if by == "row" else name for name, _ in chunk]
        parts.append(_added_up(names, np.array([[getattr(tally, count) for _, tally in chunk] for count in COUNTS])))
    names_of_all = np.concatenate([names for names, _ in parts])
    counts_of_all = np.concatenate([counts for _, counts in parts], axis=1)
    parts.clear()
    return UsageTable(by, *_added_up(names_of_all, counts_of_all))


def _added_up(
    names: Sequence[str] | NDArray[np.str_], counts: NDArray[np.float64]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """The names, each once and sorted, with their counts."""
    import numpy as np

    given = np.asarray(names, dtype=np.str_)
    if not len(given):
        return given, counts
    order = np.argsort(given, kind="stable")
    given = given[order]
    starts = np.flatnonzero(np.concatenate([[True], given[1:] != given[:-1]]))
    added = np.empty((len(counts), len(starts)))
    for at, line in enumerate(counts):  # one at a time: a sorted copy of all would take as much memory again
        added[at] = np.add.reduceat(line[order], starts)
    return given[starts], added


def _cells(tally: Tally) -> Iterator[int | float | None]:
    """The counts as a CSV has them; what nobody knows the cost of has none."""
    for name in COUNTS:
        value = getattr(tally, name)
        if name == "known_cost" and tally.requests == tally.unpriced:
            yield None
        else:
            yield round(value, CSV_DIGITS[name]) if name in CSV_DIGITS else value


def _tally(values: list[float]) -> Tally:
    return Tally(*(kind(value) for kind, value in zip(KINDS, values, strict=True)))  # type: ignore[arg-type] # ints are ints again


def _sortable(item_id: str) -> str:
    """The id of a row, whose places are numbers, as a text that sorts like it: 9 before 10, 9.2 before 9.10."""
    return ".".join(place.zfill(PLACE_DIGITS) for place in item_id.split("."))


def _shown(sortable: str) -> str:
    return ".".join(place.lstrip("0") or "0" for place in sortable.split("."))
