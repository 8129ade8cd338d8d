from __future__ import annotations

from pathlib import Path

import pytest

from app.handlers import estimating
from app.handlers.drafts import new_draft, view

PAID = """\
name: paid
steps:
  - {name: load, use: LoadDataFromDicts, with: {data: [{instruction: a}, {instruction: b}, {instruction: c}]}}
  - {name: answer, use: TextGeneration, after: load, with: {llm: {use: OpenAILLM, model: gpt-4o-mini}}}
"""


def test_what_a_run_takes_is_told_for_free_and_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    found = estimating.estimate_text(PAID, tmp_path)

    assert found["notice"] is None
    assert (found["rows"], found["requests"]["mean"], found["is_rehearsal"]) == (3, 3, True)
    assert found["cost"]["mean"] > 0
    assert [step["step"] for step in found["steps"]] == ["load", "answer"]


def test_a_sample_that_needs_a_key_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    found = estimating.estimate_text(PAID, tmp_path, with_models=True)

    assert "OPENAI_API_KEY" in found["notice"]["what"]


def test_a_pipeline_without_models_is_estimated_too(tmp_path: Path) -> None:
    text = PAID.partition("  - {name: answer")[0]

    found = estimating.estimate_text(text, tmp_path)

    assert (found["rows"], found["requests"]["mean"]) == (3, 0)


def test_of_a_step_with_several_models_each_has_its_own_figures(tmp_path: Path) -> None:
    judges = "judges: [{name: a, llm: {use: OpenAILLM, model: gpt-4o-mini}}, {name: b, llm: {use: OpenAILLM, model: gpt-4o}}]"
    question = "question: {title: Is it so?, labels: [right, wrong]}, columns: [instruction]"
    panel = f"  - {{name: panel, use: JudgePanel, after: load, with: {{{question}, {judges}}}}}\n"

    found = estimating.estimate_text(PAID.partition("  - {name: answer")[0] + panel, tmp_path)

    one, other = found["steps"][1]["models"]
    assert (one["asked_as"], one["model"], one["requests"]["low"], one["requests"]["high"]) == ("a", "gpt-4o-mini", 3, 3)
    assert 0 < one["cost"]["mean"] < other["cost"]["mean"]
    assert found["requests"]["mean"] == 6


def test_whether_rows_come_from_elsewhere_is_known() -> None:
    hub = "name: x\nsteps:\n  - {name: load, use: LoadDataFromHub, with: {repo_id: a/b}}\n"

    assert view(new_draft(hub))["facts"]["reaches"]
    assert not view(new_draft(PAID))["facts"]["reaches"]
