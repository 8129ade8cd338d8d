"""Which vector of an answer belongs to which text."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from steps.embeddings.open_ai_embeddings import read_vectors
from steps.embeddings.packing import unpacked
from steps.errors import ServerFailed
from steps.llms.http import Answer
from steps.llms.provider_errors import Target


def vectors_in(*data: dict[str, Any]) -> list[list[float]]:
    answer = Answer(200, {}, orjson.dumps({"data": data}))
    return [unpacked(text) for text in read_vectors(answer, Target("m", "https://llm.example.org/v1"), len(data)).texts]


@pytest.mark.parametrize(
    ("numbers", "order"),
    [([2, 0, 1], [1.0, 2.0, 0.0]), ([None] * 3, [0.0, 1.0, 2.0]), ([0, 0, 0], [0.0, 1.0, 2.0])],
    ids=["numbered", "none", "all-alike"],
)
def test_vectors_are_in_the_order_of_their_texts(numbers: list[int | None], order: list[float]) -> None:
    data = [{"index": number, "embedding": [float(at)]} for at, number in enumerate(numbers)]
    assert vectors_in(*data) == [[one] for one in order]


@pytest.mark.parametrize("numbers", [[0, 0, 1], [7, -3, 2], [1, None, 0], [[0], 1, 2]])
def test_vectors_that_may_be_anybodys_are_nobodys(numbers: list[Any]) -> None:
    with pytest.raises(ServerFailed, match="to which text each belongs"):
        vectors_in(*({"index": number, "embedding": [1.0]} for number in numbers))


def test_vectors_of_different_lengths_are_refused() -> None:
    with pytest.raises(ServerFailed, match="different lengths"):
        vectors_in({"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": [1.0]})
