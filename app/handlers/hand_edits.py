"""Editing and dropping rows by hand: a form of a row's values, checked against its columns, and the list of changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.handlers.cells import cell
from app.handlers.columns import ResultColumn, columns_in, type_words
from app.handlers.duck import table_of
from app.handlers.results import Result, read_row
from flows.distiset.by_hand import Change, in_words, row_hash
from flows.distiset.parts import by_hand, standing_of
from flows.parquet.values import json_text
from flows.runs import RunFolder
from steps.errors import DistilflowError, RunError

MAX_VALUE = 2_000_000
LISTED = 500
MOST_ITEMS = 200
"""Messages of a chat, or items of a list, that are fields of their own."""


class NotEdited(DistilflowError):
    """Values of a row were not changed: some are none of their column. `of` says why, by column."""

    code = "not-edited"

    def __init__(self, of: dict[str, str]) -> None:
        super().__init__("nothing was saved: " + "; ".join(f"{name}: {why}" for name, why in of.items()), "correct these")
        self.of = of


# ---- the form


def form_of(run: RunFolder, part: str, index: int) -> dict[str, Any]:
    """The values of a row as fields of a form; `seen` has to come back with them.

    Raises:
        RunError: There is no such row.
    """
    result = Result(run, part)
    row = read_row(result, index)
    columns = columns_in(table_of(result.part).schema)
    return {
        "index": index,
        "seen": row_hash(row),
        "fields": [_field(column, row[column.name]) for column in columns],
    }


def _field(column: ResultColumn, value: Any) -> dict[str, Any]:
    field = {"name": column.name, "type": type_words(column.type), "kind": _form_kind(column), "value": None}
    if field["kind"] != "fixed" and value is not None:
        field["value"] = _as_typed(column, value)
    if field["kind"] == "json":
        field["kind"] = _items_kind(column, value)
    return field


def _items_kind(column: ResultColumn, value: Any) -> str:
    """How a nested value is edited: "chat" by message, "texts" item by item, or as "json"."""
    items = value or []
    if len(items) > MOST_ITEMS:
        return "json"
    if _is_chat(column.type) and all(turn and all(isinstance(said, str) for said in turn.values()) for turn in items):
        return "chat"
    return "texts" if _is_texts(column.type) and all(isinstance(item, str) for item in items) else "json"


def _is_chat(stored: Any) -> bool:
    import pyarrow.types as kinds

    if not (kinds.is_list(stored) or kinds.is_large_list(stored)) or not kinds.is_struct(stored.value_type):
        return False
    fields = {field.name: field.type for field in stored.value_type}
    return fields.keys() == {"role", "content"} and all(_is_text(one) for one in fields.values())


def _is_texts(stored: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_list(stored) or kinds.is_large_list(stored)) and _is_text(stored.value_type)


def _is_text(stored: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_string(stored) or kinds.is_large_string(stored))


def _form_kind(column: ResultColumn) -> str:
    if column.kind in ("text", "int", "float", "bool"):
        return column.kind
    return "fixed" if column.kind in ("other", "time") or _holds_bytes(column.type) else "json"


def _holds_bytes(stored: Any) -> bool:
    import pyarrow.types as kinds

    if kinds.is_struct(stored):
        return any(_holds_bytes(stored.field(at).type) for at in range(stored.num_fields))
    if kinds.is_list(stored) or kinds.is_large_list(stored):
        return _holds_bytes(stored.value_type)
    return bool(kinds.is_binary(stored) or kinds.is_large_binary(stored))


def _as_typed(column: ResultColumn, value: Any) -> str:
    match column.kind:
        case "text":
            return str(value)
        case "bool":
            return "true" if value else "false"
        case "int" | "float":
            return str(value)
    return json.dumps(json.loads(json_text(value)), ensure_ascii=False, indent=1)


# ---- saving


def save_row(run: RunFolder, part: str, index: int, seen: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """Record the values of a row that differ from what it has. `values` are as typed; None is null.

    Raises:
        NotEdited: Some are no values of their columns; nothing is saved.
        RunError: There is no such row, it was changed meanwhile, or the run is going on.
    """
    result = _changeable(run, part)
    row = read_row(result, index)
    if row_hash(row) != seen:
        raise RunError("this row was changed meanwhile, in another tab or by another run", "close the form and open it again")
    columns = table_of(result.part).by_name
    wrong: dict[str, str] = {}
    changes = []
    engine_row = result.part.row(index)
    assert engine_row is not None
    for name, typed in values.items():
        if name not in columns:
            wrong[name] = "there is no such column"
            continue
        try:
            after = _value(columns[name], typed)
        except ValueError as error:
            wrong[name] = str(error)
            continue
        if after != row[name]:
            changes.append(Change("edit", part, index, row_hash(engine_row), name, row[name], after))
    if wrong:
        raise NotEdited(wrong)
    by_hand(run).add(changes)
    return {"saved": len(changes)}


def _value(column: ResultColumn, typed: str | None) -> Any:
    import pyarrow as pa

    if typed is None:
        return None
    if len(typed) > MAX_VALUE:
        raise ValueError(f"longer than {MAX_VALUE:,} characters")
    try:
        match _form_kind(column):
            case "text":
                found: Any = typed
            case "int":
                found = int(typed.strip())
            case "float":
                found = float(typed.strip())
            case "bool":
                found = {"true": True, "false": False}[typed.strip()]
            case "json":
                found = json.loads(typed)
            case _:
                raise ValueError("it cannot be edited here")
    except KeyError as error:
        raise ValueError("true or false is needed") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} (line {error.lineno}, column {error.colno})") from error
    except ValueError as error:
        raise ValueError(str(error) if _form_kind(column) == "fixed" else f"{typed[:40]!r} is no {column.kind}") from error
    try:
        stored = pa.array([found], type=column.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeEncodeError) as error:
        raise ValueError(f"not of the form {type_words(column.type)}") from error
    kept = stored.to_pylist()[0]
    if _form_kind(column) == "json" and _lost(found, kept):
        raise ValueError(f"it has fields that the column lacks; its form is {type_words(column.type)}")
    return kept


def _lost(given: Any, kept: Any) -> bool:
    """Whether a dict had a key that Arrow left out."""
    match given, kept:
        case dict(), dict():
            return bool(given.keys() - kept.keys()) or any(_lost(value, kept[key]) for key, value in given.items())
        case list(), list():
            return any(map(_lost, given, kept))
    return False


def drop_row(run: RunFolder, part: str, index: int, seen: str | None = None) -> dict[str, Any]:
    """Record that a row is dropped.

    Raises:
        RunError: There is no such row, it is dropped already, or the run is going on.
    """
    result = _changeable(run, part)
    row = result.part.row(index)
    if row is None or index in result.applied.dropped:
        raise RunError(f"there is no row {index + 1:,} to drop", "it may be dropped already")
    change = Change("drop", part, index, row_hash(row), before=_longest_text(row))
    by_hand(run).add([change])
    return {"dropped": index, "change": change.id}


def _longest_text(row: Mapping[str, Any]) -> str | None:
    """Something to know a row by that is not shown any more."""
    return max((value for value in row.values() if isinstance(value, str)), key=len, default="")[:200] or None


def _changeable(run: RunFolder, part: str) -> Result:
    if run.is_alive():
        raise RunError(f"run {run.run_id!r} is going on", "rows can be changed when it has ended: it writes them anew then")
    return Result(run, part)


# ---- what was changed


def list_changes(run: RunFolder) -> dict[str, Any]:
    """What was changed by hand, newest first, and whether it applies to the rows as they are now."""
    standing = standing_of(run)
    applied = {one.id: one for one in standing.applied}
    every = sorted([*standing.applied, *standing.lost], key=lambda one: one.at)
    shown = [{**_listed(one), "applies": one.id in applied} for one in reversed(every)]
    return {
        "total": len(every),
        "applied": len(standing.applied),
        "lost": len(standing.lost),
        "words": in_words(standing),
        "changes": shown[:LISTED],
    }


def _listed(change: Change) -> dict[str, Any]:
    found = {"id": change.id, "kind": change.kind, "part": change.part, "row": change.row, "column": change.column}
    name = change.column or ""
    return {
        **found,
        "by": change.by,
        "at": change.at,
        "before": cell(name, change.before, 200),
        "after": cell(name, change.after, 200),
    }


def undo_change(run: RunFolder, change_id: str) -> dict[str, Any]:
    """Undo one change.

    Raises:
        UnknownChange: There is no such change.
        RunError: The run is going on.
    """
    if run.is_alive():
        raise RunError(f"run {run.run_id!r} is going on", "wait for its end")
    change = by_hand(run).undo(change_id)
    return {"undone": change.id, "kind": change.kind, "row": change.row}
