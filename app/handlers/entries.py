"""What a person entered in a field, as the value that it stands for."""

from __future__ import annotations

from typing import Any

from app.handlers.drafts import CannotEdit
from app.handlers.fields import UNSET, FormField
from flows.samples import read_rows
from flows.spec.text import parse
from steps.errors import DistilflowError


def read_entry(entry: FormField, said: Any) -> Any:
    """The value that an entry stands for, or `UNSET` where the parameter is to be left out.

    Raises:
        CannotEdit: It cannot be understood.
    """
    value = _read(entry, said)
    if value is UNSET or (entry.default is not UNSET and value == entry.default and type(value) is type(entry.default)):
        return UNSET
    return value


def _read(entry: FormField, said: Any) -> Any:
    match entry.kind:
        case "flag":
            return bool(said)
        case "number" | "slider":
            return UNSET if said is None or said == "" else _number(entry, said)
        case "choice":
            text = "" if said is None else str(said)
            is_flag = [value for _, value in entry.choices] == ["", "true", "false"]
            return UNSET if not text else (text == "true") if is_flag else text
        case "list":
            items = split_items(str(said or ""))
            if not items:
                return UNSET
            return items[0] if entry.takes_text_or_list and len(items) == 1 else items
        case "text" | "area":
            text = str(said or "")
            return text if text.strip() or (entry.default not in (UNSET, None) and entry.kind == "area") else UNSET
        case "rows":
            return _read_rows(entry, str(said or ""))
        case "yaml":
            return _read_yaml(entry, str(said or ""))
        case "secret":
            raise CannotEdit("keys are set as environment variables", "export the variable and start the app again")
    raise AssertionError(entry.kind)


def _number(entry: FormField, said: Any) -> int | float:
    try:
        number = float(said)
    except (TypeError, ValueError):
        raise CannotEdit(f"{entry.label}: {said!r} is no number", "enter a number") from None
    if (entry.minimum is not None and number < entry.minimum) or (entry.maximum is not None and number > entry.maximum):
        low = "" if entry.minimum is None else f" from {entry.minimum:g}"
        high = "" if entry.maximum is None else f" to {entry.maximum:g}"
        raise CannotEdit(f"{entry.label}: {number:g} is out of range", f"enter a number{low}{high}")
    return int(number) if entry.is_integer else number


def _read_yaml(entry: FormField, text: str) -> Any:
    if not text.strip():
        return UNSET
    try:
        return parse(text)[0]
    except DistilflowError as error:
        raise CannotEdit(f"{entry.label}: {error.message}", error.fix) from error


def _read_rows(entry: FormField, text: str) -> Any:
    try:
        return read_rows(text) or UNSET
    except DistilflowError as error:
        raise CannotEdit(f"{entry.label}, {error.message}", error.fix) from error


def split_items(text: str) -> list[str]:
    """Items of a list as people type it: one a line, or with commas between them on one line."""
    separator = "\n" if "\n" in text else ","
    return [item.strip() for item in text.split(separator) if item.strip()]
