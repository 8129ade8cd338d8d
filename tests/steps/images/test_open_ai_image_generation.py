"""What a server says that gives no pictures (what runs make of pictures: tests/flows/test_vectors_and_pictures.py)."""

from __future__ import annotations

from typing import Any

import pytest

from steps.errors import EmptyReply, LLMError, ServerFailed
from steps.images import OpenAIImageGeneration
from tests.fakes.serving import running
from tests.steps.llms.serving import answering, asking


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        ({"text": "<html>welcome"}, ServerFailed, "not with images: it is not JSON; it said 200: <html>welcome"),
        ({"body": {"choices": []}}, ServerFailed, "it has no list of data"),
        ({"body": {"data": []}}, EmptyReply, "made no image"),
        ({"body": {"data": [{}]}}, ServerFailed, "an entry has no image"),
        ({"body": {"data": [{"b64_json": "?"}]}}, ServerFailed, "an image is no base64"),
        ({"body": {"data": [{"b64_json": "aGVsbG8="}]}}, ServerFailed, "what it calls an image is none"),
    ],
)
async def test_an_answer_without_a_picture_says_what_it_is(answer: dict[str, Any], error: type[LLMError], why: str) -> None:
    with running(answering(**answer)) as url:
        model = OpenAIImageGeneration(model="m", base_url=f"{url}/v1")
        await model.load()
        with pytest.raises(error) as caught:
            await model.complete(asking())
        await model.unload()

    assert why in caught.value.message
