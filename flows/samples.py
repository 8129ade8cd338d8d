"""Rows as people paste them: JSON in its usual forms, CSV, or a YAML list."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from flows.spec.text import parse
from steps.errors import SpecError
from steps.wording import counted

ROWS = 20
SAMPLE_BYTES = 2_000_000
ROWS_BYTES = 5_000_000
"""More is for files."""
AS_JSON = 'write each row as a JSON object, such as {"instruction": "Say hi"}'
_BETWEEN = re.compile(r"[\s,]*")


def sample_rows(text: str) -> list[dict[str, Any]]:
    """The first rows of what somebody pasted or named, as a sample of what they have.

    Raises:
        SpecError: They cannot be read; it names the line.
    """
    if len(text) > SAMPLE_BYTES:
        raise SpecError(f"the sample has more than {SAMPLE_BYTES / 1e6:.0f} MB", f"give its first {ROWS} rows")
    try:
        return read_rows(text, ROWS)
    except SpecError as error:
        raise SpecError(f"the sample rows cannot be read: {error.message}", error.fix) from error


def read_rows(text: str, most: int | None = None) -> list[dict[str, Any]]:
    """Rows of a JSON list, of JSON objects one after the other, of CSV (also with tabs) with a header, or of a YAML list.

    Of CSV every value is a text. With `most`, what comes after so many rows is not looked at, but for a list.

    Raises:
        SpecError: They cannot be read; it names the line.
    """
    if len(text) > ROWS_BYTES:
        raise SpecError(f"this is more than {ROWS_BYTES / 1e6:.0f} MB", "put it into a file, and read that")
    start = text.lstrip("\ufeff \t\r\n")[:2]
    if not start:
        return []
    if start[0] == "[":
        found = _json_list(text)
    elif start[0] == "{":
        found = _json_objects(text)
    elif start.startswith("-"):
        found = _yaml_list(text)
    else:
        found = _csv_rows(text)
    return list(itertools.islice(found, most))


def _json_list(text: str) -> Iterator[dict[str, Any]]:
    try:
        items = json.loads(text.strip("\ufeff"), parse_constant=_no_number, parse_float=_finite)
    except ValueError as error:
        _refuse_json(text, error)
    except RecursionError:
        raise SpecError("the values are nested too deep", "give rows that are nested less") from None
    for at, item in enumerate(items, 1):
        yield _row(item, f"item {at}")


def _json_objects(text: str) -> Iterator[dict[str, Any]]:
    """One object, JSON lines, or objects over several lines each."""
    decoder = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)
    text = text.strip("\ufeff \t\r\n")
    at, line, counted_to = 0, 1, 0
    while at < len(text):
        line, counted_to = line + text.count("\n", counted_to, at), at
        try:
            item, at = decoder.raw_decode(text, at)
        except ValueError as error:
            _refuse_json(text, error, line)
        except RecursionError:
            raise SpecError(f"line {line}: the values are nested too deep", "give rows that are nested less") from None
        yield _row(item, f"line {line}")
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at


def _yaml_list(text: str) -> Iterator[dict[str, Any]]:
    items = parse(text)[0]
    for at, item in enumerate(items if isinstance(items, list) else [items], 1):
        yield _row(item, f"item {at}")


def _csv_rows(text: str) -> Iterator[dict[str, Any]]:
    text = text.strip("\ufeff\r\n")
    header = text.partition("\n")[0]
    delimiter = next((sign for sign in ("\t", ",", ";") if sign in header), ",")
    if delimiter not in header and not re.fullmatch(r"[\w-]+", header.strip()):
        raise SpecError(f"line 1: {header.strip()[:60]!r} is no row and no header", AS_JSON)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip() for name in next(reader)]
        if "" in columns or len(set(columns)) < len(columns):
            raise SpecError("line 1: the header has columns without a name, or of the same name", "name each column once")
        is_empty = True
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                seen = f"line {reader.line_num}: {counted(len(cells), 'value')} for {counted(len(columns), 'column')}"
                raise SpecError(seen, f"give one for each of {', '.join(columns)}; quote what has the sign {delimiter!r} in it")
            is_empty = False
            yield dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise SpecError(
            f"line {reader.line_num}: this is no CSV: {error}", "close each quote, and double those within"
        ) from error
    if is_empty:
        raise SpecError("line 1 is taken for a CSV header, and no rows follow", AS_JSON)


def _row(item: Any, where: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise SpecError(f"{where}: {json.dumps(item)[:60]} is no row: it has no columns", AS_JSON)
    if not item:
        raise SpecError(f"{where}: the row has no columns", AS_JSON)
    return item


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is larger than a number can be")
    return number


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON; null stands for what is not there")


def _refuse_json(text: str, error: ValueError, line: int = 1) -> NoReturn:
    if not isinstance(error, json.JSONDecodeError):
        raise SpecError(f"near line {line}: {error}", "put null, or a text in quotes") from error
    lines = text.split("\n")
    at = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
    near = at[error.colno - 1 :][:40].strip() or at[-20:].strip()
    what, fix = next((told for said, *told in _MISTAKES if said in error.msg), (error.msg, AS_JSON))
    seen = f"line {error.lineno}, character {error.colno}: {what}{f', near `{near}`' if near else ''}"
    raise SpecError(seen, _IN_DOUBLE_QUOTES if near.startswith("'") else fix) from error


_IN_DOUBLE_QUOTES = "put names and texts in double quotes"
_MISTAKES = (
    ("Unterminated string", "a text is not closed", "close it with a double quote"),
    ("control character", "a line break stands in a text", "close the text with a double quote, or write the break as \\n"),
    ("escape", "a backslash starts nothing known", "write a backslash as \\\\"),
    ("property name", "a name in double quotes is missing", f"{_IN_DOUBLE_QUOTES}, and no comma after the last one"),
    ("trailing comma", "there is a comma too many", "take out the one after the last value"),
    ("':' delimiter", "a colon is missing", "put one between a name and its value"),
    ("',' delimiter", "a comma or bracket is missing", "put a comma between two values, and close each { and [ again"),
    ("Expecting value", "a value is missing", f"{_IN_DOUBLE_QUOTES}; true, false and null are written so"),
    ("Extra data", "something follows the end of the list", "put all rows into one list, or one object a line"),
)
"""What Python's reader of JSON says, what that means, and what to do. Each release of it says a little more."""
