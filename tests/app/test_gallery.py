"""What the cards of the gallery say of a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.context import AppContext
from app.handlers.gallery import RUNS, card_of, examples
from flows.spec import spec_from

LOAD = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "hi"}]}}
ELSEWHERE = {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": "elsewhere.jsonl"}}


def card_with(*llms: dict[str, Any], load: dict[str, Any] = LOAD, **more: Any) -> dict[str, Any]:
    asking = [
        {"name": f"ask_{at}", "use": "TextGeneration", "after": "load", "with": {"llm": llm}} for at, llm in enumerate(llms)
    ]
    return card_of(spec_from({"distilflow": 1, "steps": [load, *asking, *more.values()]})[0])


@pytest.mark.parametrize(
    ("llm", "lacks"),
    [
        ({"use": "OpenAILLM", "model": "gpt-4o"}, ["a key"]),
        ({"use": "GroqLLM", "model": "llama"}, ["a key"]),
        ({"use": "ReplayLLM", "path": "elsewhere.jsonl"}, ["a file of recordings"]),
        ({"use": "OllamaLLM", "model": "llama", "base_url": "localhost"}, []),
        ({"use": "RehearsalLLM"}, []),
    ],
    ids=lambda value: value["use"] if isinstance(value, dict) else "",
)
def test_a_card_says_what_its_models_lack(llm: dict[str, Any], lacks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    assert card_with(llm)["lacks"] == lacks


def test_a_pipeline_with_other_problems_is_not_said_to_need_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    card = card_with({"use": "OpenAILLM", "model": "gpt-4o"}, load=ELSEWHERE)

    assert (card["is_ready"], card["lacks"]) == (False, [])


@pytest.mark.parametrize("push", [True, False])
def test_a_step_that_pushes_nothing_needs_no_hub(push: bool) -> None:
    sink = {"name": "push", "use": "PushToHub", "after": "load", "with": {"repo_id": "me/rows", "push": push}}

    card = card_with(sink=sink)

    assert (card["is_ready"], card["reaches"], RUNS in card["tags"]) == (True, ["the Hub"] if push else [], not push)


def test_all_examples_that_need_nothing_run_as_they_are_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    cards = examples(AppContext(tmp_path / "runs").examples_dir)

    assert {
        card["file"]: [card["is_ready"], *card["reaches"]] for card in cards if card["reaches"] or not card["is_ready"]
    } == {"prometheus.yaml": [True, "the Hub", "a model server"]}
    assert cards[0]["file"] == "quickstart.yaml"
