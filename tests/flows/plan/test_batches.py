"""What a plan says of steps that go by batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.models import with_llm
from flows.plan import examine
from flows.plan.batches import batch_notes
from flows.pools import Pools
from flows.spec import PipelineSpec, spec_from
from tests.flows.commands import Commands


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "some-key")


def _spec(llm: dict[str, Any], **more: Any) -> PipelineSpec:
    ask = {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm, "batch": True}, **more}
    steps = [{"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "why"}]}}, ask]
    return spec_from({"distilflow": 1, "steps": steps})[0]


def test_it_says_where_a_step_goes_and_what_that_saves() -> None:
    plan, problems = examine(_spec({"use": "OpenAILLM", "model": "gpt-4o-mini"}))
    assert not problems
    [note] = batch_notes(plan)
    assert "to OpenAI" in note
    assert "50% of the price ($0.075 per million tokens in and $0.30 out, instead of $0.15 and $0.60)" in note


def test_of_a_server_that_no_provider_is_known_for_nothing_is_promised() -> None:
    plan, problems = examine(_spec({"use": "OpenAILLM", "model": "m", "base_url": "http://localhost:4000/v1"}))
    assert not problems
    assert "is not known here" in batch_notes(plan)[0]


@pytest.mark.parametrize(
    "llm",
    [
        {"use": "GroqLLM", "model": "llama-3.3-70b-versatile"},
        {"use": "TransformersLLM", "model": "some/model"},
        {"use": "ClientvLLM", "model": "some/model", "base_url": "http://localhost:8000/v1"},
    ],
    ids=["groq", "transformers", "vllm"],
)
def test_a_model_without_a_batch_endpoint_is_refused_with_words(llm: dict[str, Any]) -> None:
    _, problems = examine(_spec(llm))
    [problem] = [one for one in problems if one.code == "no-batch-endpoint"]
    assert llm["use"] in problem.what
    assert "OpenAILLM" in problem.fix


def test_one_member_without_is_enough_to_refuse() -> None:
    members = [{"use": "GroqLLM", "model": "llama-3.3-70b-versatile"}]
    mixed = {"use": "MixtureOfAgentsLLM", "aggregator_llm": {"use": "OpenAILLM", "model": "gpt-4o"}, "proposers_llms": members}
    _, problems = examine(_spec(mixed))
    assert [one.code for one in problems] == ["no-batch-endpoint"]


def test_a_pool_of_workers_is_refused() -> None:
    _, problems = examine(_spec({"use": "OpenAILLM", "model": "gpt-4o-mini"}, pool="process"), Pools())
    assert [one.code for one in problems] == ["wrong-pool"]


def test_a_rehearsal_just_runs() -> None:
    plan, problems = examine(with_llm(_spec({"use": "GroqLLM", "model": "m"}), "rehearsal"))
    assert not problems
    assert batch_notes(plan) == []


def test_the_command_line_says_it_too(tmp_path: Path) -> None:
    commands = Commands(tmp_path, ANTHROPIC_API_KEY="some-key")
    told = _spec({"use": "AnthropicLLM", "model": "claude-haiku-4-5"}).to_dict()
    commands.write(told["steps"])
    ended = commands("plan", "pipeline.yaml")
    assert ended.code == 0, ended.err
    assert "goes by batch, to Anthropic" in " ".join(ended.out.split())
