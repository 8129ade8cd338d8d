"""The rows of a result, page by page and one by one, with the changes that were made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from app.handlers.cells import WHOLE, rows_as_cells
from app.handlers.columns import columns_in
from app.handlers.duck import Table, table_of
from app.handlers.selecting import BadQuery, Query, position_of, select
from flows.distiset.by_hand import Applied, Standing
from flows.distiset.parts import Stamp, by_hand, chosen, parts_of, standing_of
from flows.runs import RunFolder
from steps.base import Row
from steps.errors import RunError

PAGE_ROWS = 50


class Result:
    """What there is of a run's result, and one part of it."""

    def __init__(self, run: RunFolder, part: str | None = None) -> None:
        self.run = run
        self.parts = parts_of(run)
        self.part = chosen(run, self.parts, part)

    @property
    def standing(self) -> Standing:
        return standing_of(self.run, self.parts)

    @property
    def applied(self) -> Applied:
        return self.standing.of(self.part.name)

    @property
    def applied_stamp(self) -> Stamp:
        return by_hand(self.run).stamp()

    def places(self, query: Query) -> Any:
        """Places of the rows that are asked for, in order."""
        return select(self.part, self.applied, self.applied_stamp, query)


def page(
    run: RunFolder, part: str | None = None, number: int = 1, query: Query | None = None, shown: Sequence[str] = ()
) -> dict[str, Any]:
    """One page of rows as cells; of the files only those row groups are read that it lies in.

    `shown`: the columns to read; all when empty.

    Raises:
        RunError: There is no such part, or a file of it is torn.
        BadQuery: The query does not fit the columns.
    """
    query = query or Query()
    if not parts_of(run):
        return {"parts": [], "part": None, "columns": [], "rows": [], "total": 0, "matched": 0, "page": 1, "size": PAGE_ROWS}
    result = Result(run, part)
    table, applied, standing = table_of(result.part), result.applied, result.standing
    places = result.places(query)
    pages = max(1, -(-len(places) // PAGE_ROWS))
    number = min(max(1, number), pages)
    start = (number - 1) * PAGE_ROWS
    chosen = [int(place) for place in places[start : start + PAGE_ROWS]]
    names = [column.name for column in table.columns if not shown or column.name in shown] or [
        one.name for one in table.columns
    ]
    return {
        "parts": list(result.parts),
        "part": result.part.name,
        "columns": [column.described() for column in table.columns],
        "shown": names,
        "rows": rows_as_cells(_read(table, applied, chosen, names)),
        "places": chosen,
        "edited": [list(applied.values.get(place, {})) for place in chosen],
        "total": table.total - len(applied.dropped),
        "matched": len(places),
        "dropped": sum(len(standing.of(name).dropped) for name in result.parts),
        "page": number,
        "pages": pages,
        "size": PAGE_ROWS,
        "start": start,
        "changes": {"applied": len(standing.applied), "lost": len(standing.lost)},
        "stamp": str(abs(hash((result.part.stamp, result.applied_stamp)))),
    }


def _read(table: Table, applied: Applied, places: Sequence[int], names: Sequence[str]) -> list[Row]:
    """Rows at some places, in this order."""
    if not places or not names:
        return [{} for _ in places]
    columns = [table.by_name[name] for name in names]
    low, high = min(places), max(places)
    is_run = high - low < 2 * len(places)
    where = f"i BETWEEN {low} AND {high}" if is_run else f"i IN ({', '.join(map(str, places))})"
    with table.asking(Applied()) as question:
        found = question.arrow(f"SELECT i, {', '.join(column.sql for column in columns)} FROM {{rows}} WHERE {where}")
    order = {place: at for at, place in enumerate(found.column(0).to_pylist())}
    values = [_as_stored(found.column(at + 1), column.type).to_pylist() for at, column in enumerate(columns)]
    rows: list[Row] = []
    for place in places:
        at = order[place]
        row = {name: of[at] for name, of in zip(names, values, strict=True)}
        edits = applied.values.get(place, {})
        rows.append({**row, **{name: edits[name] for name in names if name in edits}})
    return rows


def _as_stored(found: Any, stored: Any) -> Any:
    """A column as the file has it: DuckDB knows fewer types, and hands on durations as numbers."""
    import pyarrow as pa

    if found.type != stored:
        with suppress(pa.ArrowException):
            return found.cast(stored)
    return found


def read_row(result: Result, index: int) -> Row:
    """One row with its edits, dropped or not.

    Raises:
        RunError: There is no such row.
    """
    row = result.part.row(index)
    if row is None:
        raise RunError(f"the part {result.part.name!r} has no row {index + 1:,}")
    return result.applied.row(index, row)


def whole_row(run: RunFolder, part: str, index: int, query: Query | None = None) -> dict[str, Any]:
    """One row with its long texts, and where it stands among the rows that are asked for.

    Raises:
        RunError: There is no such part or row.
    """
    result = Result(run, part)
    row = read_row(result, index)
    applied = result.applied
    columns = columns_in(_schema(result))
    return {
        "index": index,
        "row": rows_as_cells([row], WHOLE)[0],
        "columns": [column.name for column in columns],
        "edited": list(applied.values.get(index, {})),
        "is_dropped": index in applied.dropped,
        **_neighbours(result, index, query or Query()),
    }


def _neighbours(result: Result, index: int, query: Query) -> dict[str, Any]:
    try:
        places = result.places(query)
    except BadQuery:  # the sheet shows its row whatever the table is asked for
        places = result.places(Query())
    position = position_of(places, index)
    found: dict[str, Any] = {"position": position, "matched": len(places)}
    for name, step in (("previous", -1), ("next", 1)):
        there = None if position is None else position + step
        is_one = there is not None and 0 <= there < len(places)
        found[name] = int(places[there]) if is_one else None
        found[f"{name}_page"] = there // PAGE_ROWS + 1 if there is not None and is_one else None
    return found


def _schema(result: Result) -> Any:
    return table_of(result.part).schema
