"""Vectors of rows as matrices: 32-bit numbers in a file of their own, so that memory does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from steps.base import Batch, Row, require_values
from steps.errors import RowError
from steps.filters.marking import at_row
from steps.wording import quoted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

CHUNK_ROWS = 1024
FIX = "name a column with a list of numbers, equally many in each row"


def check_vector(row: Row, column: str) -> None:
    """
    Raises:
        RowError: The row has no list of finite numbers there.
    """
    if _table([row], column, None) is None:
        _vector(row, column, None)


def read_vectors(rows: Iterable[Row], count: int, column: str) -> Matrix:
    """The vectors of `count` rows, one below the other.

    Raises:
        RowError: One is no list of finite numbers, or longer or shorter than those before it.
    """
    import numpy as np

    table: Any = np.empty((0, 0), np.float32)
    at = 0
    for batch, vectors in vectors_by_chunk(rows, column, CHUNK_ROWS):
        if at == 0:
            with TemporaryFile() as file:  # the map holds it open
                table = np.asarray(np.memmap(file, np.float32, "w+", shape=(count, vectors.shape[1])))
        table[at : at + len(batch)] = vectors
        at += len(batch)
    found: Matrix = table
    return found


def vectors_by_chunk(rows: Iterable[Row], column: str, size: int) -> Iterator[tuple[Batch, Matrix]]:
    """Some rows at a time, with their vectors.

    Raises:
        RowError: As `read_vectors`.
    """
    import numpy as np

    left, at, length = iter(rows), 0, None
    while batch := list(islice(left, size)):
        found = _table(batch, column, length)
        if found is None:  # something is odd about a row
            vectors = []
            for number, row in enumerate(batch, at):
                with at_row(number):
                    vectors.append(_vector(row, column, length))
                length = len(vectors[-1])
            found = np.stack(vectors)
        length = found.shape[1]
        at += len(batch)
        yield batch, found


def _table(batch: Batch, column: str, length: int | None) -> Matrix | None:
    """The vectors of these rows, if they are plain lists of numbers: all at once, which is many times faster."""
    import numpy as np

    values = [row.get(column) for row in batch]
    if not all(type(value) is list and value and type(value[0]) in (float, int) for value in values):
        return None
    try:
        found = np.asarray(values)
    except ValueError:  # lists of different lengths
        return None
    if found.ndim != 2 or found.dtype.kind not in "iuf" or length not in (None, found.shape[1]):
        return None
    with np.errstate(over="ignore"):
        table: Matrix = found.astype(np.float32)
    return table if np.isfinite(table).all() else None


def _vector(row: Row, column: str, length: int | None) -> Any:
    import numpy as np

    require_values(row, [column])
    value = row[column]
    try:
        found = np.asarray(value)
    except ValueError:  # lists of different lengths
        found = np.asarray(None)
    if found.ndim != 1 or found.dtype.kind not in "iuf" or not found.size:
        raise RowError(f"column {column!r} holds {quoted(value)}, not a list of numbers", FIX)
    if length is not None and len(found) != length:
        raise RowError(f"column {column!r} holds {len(found)} numbers, in the rows before it {length}", FIX)
    with np.errstate(over="ignore"):
        found = found.astype(np.float32)
    if not np.isfinite(found).all():
        raise RowError(f"column {column!r} holds a number that is not finite, or too large", FIX)
    return found


def unit_length(vectors: Matrix) -> None:
    """Give vectors the length 1, in place. Those of zeros stay as they are: they are like nothing."""
    import numpy as np

    for start in range(0, len(vectors), CHUNK_ROWS):
        part = vectors[start : start + CHUNK_ROWS]
        lengths = np.linalg.norm(part, axis=1, keepdims=True)
        np.divide(part, lengths, out=part, where=lengths > 0)
