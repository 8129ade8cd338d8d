from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steps.errors import MissingValue, RowError
from steps.filters.vectors import CHUNK_ROWS, read_vectors, unit_length


def read(*vectors: Any) -> Any:
    return read_vectors(({"v": vector} for vector in vectors), len(vectors), "v")


def test_vectors_come_in_the_order_of_the_rows_however_many() -> None:
    count = 2 * CHUNK_ROWS + 1

    table = read(*([number, 0.5] for number in range(count)))

    assert table.dtype == np.float32
    assert table.tolist() == [[number, 0.5] for number in range(count)]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("0.1, 0.2", "not a list of numbers"),
        (["0.1", "0.2"], "not a list of numbers"),
        ([[0.1, 0.2]], "not a list of numbers"),
        ([[0.1], 0.2], "not a list of numbers"),
        ([0.1, None], "not a list of numbers"),
        ([True, False], "not a list of numbers"),
        ([], "not a list of numbers"),
        (0.1, "not a list of numbers"),
        ([0.1], "holds 1 numbers, in the rows before it 2"),
        ([0.1, float("nan")], "not finite"),
        ([0.1, 1e300], "not finite, or too large"),
        ([0.1, 10**400], "not a list of numbers"),
    ],
)
def test_what_is_no_vector_is_refused(bad: Any, what: str) -> None:
    with pytest.raises(RowError, match=f"row 2 .*'v' .*{what}"):
        read([0.1, 0.2], bad)


def test_a_row_without_a_vector_is_refused() -> None:
    with pytest.raises(MissingValue, match=r"row 1 .*nothing in 'v'"):
        read(None)


def test_a_vector_of_zeros_has_no_length_to_change() -> None:
    table = read([3, 4], [0, 0])

    unit_length(table)

    assert table.tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]
