"""The job of `cheap_steps.py` and `data_plane.py`: rows, pipeline, and how its result is compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any


def make_rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows of six columns and about 400 bytes of JSON."""
    for at in range(count):
        yield {
            "id": at,
            "instruction": f"Question {at}: what is the use of {'one more of these things and ' * 3}of number {at % 97}?",
            "response": f"Answer {at}: {'it can be of use to somebody, ' * 5}as number {at % 89} was.",
            "topic": f"topic {at % 17}",
            "tags": [f"tag {at % 5}", f"tag {at % 7}"],
            "score": at % 100 / 100,
        }


def spec(data: Path, batch: int) -> dict[str, Any]:
    """The same four steps as in `distilabel_cheap_steps.py`."""
    steps = [
        ("response", "TruncateTextColumn", {"column": "response", "max_length": 120}),
        ("labels", "MergeColumns", {"columns": ["topic", "tags"], "output_column": "labels"}),
        ("question", "TruncateTextColumn", {"column": "instruction", "max_length": 100}),
        ("keep", "KeepColumns", {"columns": ["id", "instruction", "response", "labels"]}),
    ]
    load = {"name": "load", "use": "LoadDataFromFileSystem", "batch_size": batch, "with": {"data_files": str(data)}}
    named = [load, *({"name": name, "use": use, "batch_size": batch, "with": params} for name, use, params in steps)]
    for before, step in pairwise(named):
        step["after"] = before["name"]
    return {"distilflow": 1, "name": "cheap-steps", "steps": named}


def read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of a result: Parquet of ours, Arrow of distilabel's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in sorted((folder / "default").glob("*.parquet")):
        yield from pq.read_table(path).to_pylist()
    for path in sorted((folder / "default" / "train").glob("*.arrow")):
        with pa.memory_map(str(path)) as source:
            yield from pa.ipc.open_stream(source).read_all().to_pylist()


def digest(rows: Iterator[dict[str, Any]]) -> str:
    """How many rows there are, and a hash of all their cells, in order."""
    found, count = hashlib.blake2b(digest_size=8), 0
    for row in rows:
        found.update(json.dumps(row, sort_keys=True).encode())
        count += 1
    return f"{count} rows, {found.hexdigest()}"
