"""What is in a Parquet file, for people: its columns, their types in words, and a value of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

LOOKED_AT = 50


class Column(NamedTuple):
    """A column: its name, its type in words, and the first value that is not null among the first rows."""

    name: str
    type: str
    example: Any = None


def describe_columns(path: Path) -> list[Column]:
    """The columns of a Parquet file; reads the first few rows only."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        rows: list[dict[str, Any]] = next((batch.to_pylist() for batch in file.iter_batches(LOOKED_AT, use_threads=False)), [])
        return [
            Column(one.name, in_words(one.type), next((v for row in rows if (v := row[one.name]) is not None), None))
            for one in file.schema_arrow
        ]


def in_words(stored: Any) -> str:
    """`list<struct<role: string>>` as "list of {role}"."""
    import pyarrow.types as kinds

    if kinds.is_list(stored) or kinds.is_large_list(stored):
        return f"list of {in_words(stored.value_type)}"
    if kinds.is_struct(stored):
        names = [stored.field(at).name for at in range(stored.num_fields)]
        if names == ["bytes", "path"]:
            return "image or file"
        return "{" + ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") + "}"
    return str(stored)
