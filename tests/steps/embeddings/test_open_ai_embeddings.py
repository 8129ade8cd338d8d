"""What a server says that gives no vectors (what providers do: tests/flows/test_providers.py)."""

from __future__ import annotations

from typing import Any

import pytest

from steps.embeddings import OpenAIEmbeddings
from steps.errors import ServerFailed
from tests.fakes.serving import running
from tests.steps.llms.serving import answering, asking

VECTOR = {"index": 0, "embedding": [0.5, 1.0]}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"text": "<html>welcome"}, "not with vectors: it is not JSON; it said 200: <html>welcome"),
        ({"text": ""}, "not with vectors: it is empty"),
        ({"body": []}, "not with vectors: it is not an object"),
        ({"body": {"choices": []}}, "it has no list of data"),
        ({"body": {"data": []}}, "it has 0 vectors of 1 texts"),
        ({"body": {"data": [VECTOR, VECTOR]}}, "it has 2 vectors of 1 texts"),
        ({"body": {"data": [{"index": 0}]}}, "a vector that is none"),
        ({"body": {"data": [{"index": 0, "embedding": []}]}}, "a vector without numbers"),
        ({"body": {"data": [{"index": 0, "embedding": ["a"]}]}}, "a vector that is none"),
        ({"body": {"data": [{"index": 0, "embedding": "?"}]}}, "no base64 of numbers"),
    ],
)
async def test_an_answer_without_a_vector_for_each_text_says_what_it_is(answer: dict[str, Any], why: str) -> None:
    with running(answering(**answer)) as url:
        model = OpenAIEmbeddings(model="m", base_url=f"{url}/v1")
        await model.load()
        with pytest.raises(ServerFailed) as caught:
            await model.complete(asking())
        await model.unload()

    assert why in caught.value.message
    assert "the model is one for vectors" in caught.value.fix
