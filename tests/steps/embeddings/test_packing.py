from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.embeddings.packing import in_short, packed, unpacked


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_a_vector_comes_back_as_float32_has_it(vector: list[float]) -> None:
    assert unpacked(packed(vector)) == vector


@given(st.lists(st.floats(-1e30, 1e30), min_size=1))
def test_numbers_are_rounded_to_float32_and_no_further(vector: list[float]) -> None:
    assert unpacked(packed(vector)) == [struct.unpack("<f", struct.pack("<f", one))[0] for one in vector]


@pytest.mark.parametrize("vector", [[], [math.nan], [math.inf], ["a"], [None], "no base64!", "", "AAA="])
def test_what_is_no_vector_is_refused(vector: list[float] | str) -> None:
    with pytest.raises(ValueError, match=r"vector|base64"):
        packed(vector)


@pytest.mark.parametrize("text", ["", "hello", "data:image/png;base64,AAAA"])
def test_any_other_text_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="vector"):
        unpacked(text)
    assert in_short(text) == text
