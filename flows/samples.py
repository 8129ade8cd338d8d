"""A few rows that somebody pasted or named, as a sample of what they have."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson

from steps.errors import SpecError

ROWS = 20
SAMPLE_BYTES = 2_000_000


def sample_rows(text: str) -> list[dict[str, Any]]:
    """The first rows of JSON lines, a JSON list or CSV, as they are pasted.

    Raises:
        SpecError: They are none of these.
    """
    if not text.strip():
        return []
    if len(text) > SAMPLE_BYTES:
        raise SpecError(f"the sample has more than {SAMPLE_BYTES / 1e6:.0f} MB", f"give its first {ROWS} rows")
    lines = text.strip().splitlines()
    try:
        if text.lstrip().startswith("["):
            rows = orjson.loads(text)
        elif text.lstrip().startswith("{"):
            rows = [orjson.loads(line) for line in lines[:ROWS] if line.strip()]
        else:
            rows = list(csv.DictReader(io.StringIO(text), strict=True))[:ROWS]
    except (orjson.JSONDecodeError, csv.Error) as error:
        raise SpecError(
            f"the sample rows cannot be read: {error}", "paste JSON lines, a JSON list of objects, or CSV"
        ) from error
    rows = rows[:ROWS]
    if not rows or not all(isinstance(row, dict) and row and None not in row for row in rows):
        raise SpecError("the sample has no rows with columns", "paste JSON lines, a JSON list of objects, or CSV with a header")
    return [dict(row) for row in rows]
