"""Checking the models of the pipeline that is being built."""

from __future__ import annotations

import json
from typing import Any

import httpx

from app.handlers.checking import check_text
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running


def asking(url: str, **more: Any) -> str:
    llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", **more}
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "hi"}]}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}},
    ]
    return json.dumps({"distilflow": 1, "name": "checked", "steps": steps})


async def test_the_page_hears_of_each_model_and_what_to_do(client: httpx.AsyncClient) -> None:
    with running(FakeOpenAI(Behaviour(rules=[Rule("", Fault.UNAUTHORIZED)]))) as url:
        reply = await client.post("/api/check", json={"text": asking(url)})

    assert reply.status_code == 200
    [model] = reply.json()["models"]
    assert (model["code"], model["steps"], reply.json()["is_usable"]) == ("auth-failed", ["answer"], False)
    assert "$OPENAI_API_KEY" in model["fix"]


def test_a_model_that_can_be_used_is_told_with_what_it_cost() -> None:
    with running(FakeOpenAI()) as url:
        found = check_text(asking(url))

    assert (found["notice"], found["is_usable"], found["cost"]) == (None, True, 0)
    assert found["models"][0]["seconds"] > 0


def test_a_problem_of_the_pipeline_comes_first() -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        found = check_text(asking(url, colour="red"))

    assert "colour" in str(found["notice"])
    assert fake.stats.requests == 0
