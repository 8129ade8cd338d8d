"""Writing Parquet: memory, large rows and failures."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.parquet import file_name, write_rows, writing
from steps.errors import RowError


class Counted(dict[str, Any]):
    """A row that knows how many of its kind are alive."""

    alive = most = 0

    def __init__(self, row: dict[str, Any]) -> None:
        super().__init__(row)
        Counted.alive += 1
        Counted.most = max(Counted.most, Counted.alive)

    def __del__(self) -> None:
        Counted.alive -= 1


@pytest.mark.parametrize("drift", [False, True], ids=["steady", "drifting"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, drift: bool) -> None:
    def rows(count: int) -> Iterator[dict[str, Any]]:
        for number in range(count):
            yield Counted({"n": number if not drift or number < count - 5 else 0.5, "text": f"row {number} " * 20})

    write_rows(rows(10), tmp_path)  # imports
    Counted.most = 0
    tracemalloc.start()
    try:
        assert write_rows(rows(100_000), tmp_path) == 100_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert Counted.most <= 3 * writing.CHUNK_ROWS
    assert peak < 12e6  # all rows at once take 50 MB
    assert pq.read_metadata(tmp_path / file_name()).num_rows == 100_000


def test_large_rows_make_small_chunks(tmp_path: Path) -> None:
    write_rows(({"text": "x" * 2**20} for _ in range(40)), tmp_path)

    assert pq.read_metadata(tmp_path / file_name()).num_row_groups == 3


@pytest.mark.parametrize("bad", [ValueError("broken"), None], ids=["source-fails", "value-cannot-be-stored"])
def test_a_failure_leaves_the_old_file_and_no_parts(tmp_path: Path, bad: Exception | None) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from ({"x": number} for number in range(5000))
        if bad:
            raise bad
        yield {"x": object()}

    write_rows([{"x": "old"}], tmp_path)
    with pytest.raises(ValueError if bad else RowError, match="broken" if bad else "'x' holds a object"):
        write_rows(rows(), tmp_path)

    assert pq.read_table(tmp_path / file_name()).to_pylist() == [{"x": "old"}]
    assert [path.name for path in tmp_path.iterdir()] == [file_name()]
