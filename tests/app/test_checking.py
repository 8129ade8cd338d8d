"""Checking the models of the pipeline that is being built."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from app.handlers.checking import check_text, signs
from app.handlers.drafts import new_draft, view
from flows.checking import Checked
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running

OPENAI = {"use": "OpenAILLM", "model": "m", "base_url": "http://127.0.0.1:9/v1"}


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
    assert model["word"] == "Key refused"
    assert [(sign["what"], sign["state"]) for sign in model["signs"]] == [
        ("Reachable", "fine"),
        ("Key refused", "wrong"),
        ("Model not tried", "unknown"),
    ]


def test_a_model_that_can_be_used_is_told_with_what_it_cost() -> None:
    with running(FakeOpenAI()) as url:
        found = check_text(asking(url))

    assert (found["notice"], found["is_usable"], found["cost"]) == (None, True, 0)
    [model] = found["models"]
    assert model["seconds"] > 0
    assert {sign["state"] for sign in model["signs"]} == {"fine"}


def test_a_problem_of_the_pipeline_comes_first() -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        found = check_text(asking(url, colour="red"))

    assert "colour" in str(found["notice"])
    assert fake.stats.requests == 0


@pytest.mark.parametrize(
    ("code", "json", "states"),
    [
        ("unreachable", "", ["wrong", "unknown", "unknown"]),
        ("model-not-found", "", ["fine", "fine", "wrong"]),
        ("rate-limited", "", ["fine", "unknown", "unknown"]),
        ("model-unfit", "", ["fine", "fine", "fine"]),
        ("", "no", ["fine", "fine", "fine", "odd"]),
        ("", "yes", ["fine", "fine", "fine", "fine"]),
        ("", "not known", ["fine", "fine", "fine", "unknown"]),
    ],
)
def test_each_sign_says_how_far_a_model_came(code: str, json: str, states: list[str]) -> None:
    found = signs(Checked("m", "https://host/v1", ["answer"], "$KEY", code=code, json=json))

    assert [sign["state"] for sign in found] == states


def test_what_a_server_does_not_say_is_shown_as_not_known() -> None:
    found = signs(Checked("m", "https://host/v1", ["paint"], "$KEY", is_known=False))

    assert [sign["state"] for sign in found] == ["fine", "unknown", "unknown"]


def test_a_model_that_is_loaded_in_a_run_is_named_and_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_models")
    llm = {"use": "tests.flows.engine.own_models:NotToBeLoaded"}
    found = check_text(asking("http://127.0.0.1:9").replace(json.dumps(OPENAI), json.dumps(llm)))

    assert found["models"] == []
    [left] = found["not_asked"]
    assert (left["model"], left["steps"]) == ("none", ["answer"])
    assert "when the run starts" in left["why"]


def test_what_can_be_checked_is_counted_so_that_the_page_offers_it() -> None:
    assert view(new_draft(asking("http://127.0.0.1:9")))["facts"]["paid"] == 1
    made_up = asking("http://127.0.0.1:9").replace(json.dumps(OPENAI), '{"use": "RehearsalLLM"}')
    assert view(new_draft(made_up))["facts"]["paid"] == 0
