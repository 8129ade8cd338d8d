"""What steps that bring branches together share."""

from __future__ import annotations

from collections.abc import Sequence

from steps.base import METADATA, Row


def merged_metadata(rows: Sequence[Row]) -> Row:
    """The metadata of all branches as one column, none if there is none. Its keys carry the steps' names."""
    found = [row[METADATA] for row in rows if isinstance(row.get(METADATA), dict)]
    return {METADATA: {key: value for metadata in found for key, value in metadata.items()}} if found else {}
