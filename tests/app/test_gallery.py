"""What the cards of the gallery say of a pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.handlers.gallery import card_of
from flows.spec import load_spec, spec_from

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.yaml"


def test_a_pipeline_whose_files_are_elsewhere_is_not_said_to_need_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    card = card_of(load_spec(QUICKSTART))

    assert (card["is_ready"], card["needs_key"]) == (False, False)


def test_a_pipeline_that_lacks_nothing_else_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "hi"}]}}
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": {"use": "OpenAILLM", "model": "gpt-4o"}}}

    card = card_of(spec_from({"distilflow": 1, "steps": [load, ask]})[0])

    assert (card["is_ready"], card["needs_key"]) == (False, True)
