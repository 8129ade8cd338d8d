from __future__ import annotations

from typing import Any

import pytest

from flows.models import CLASSES, parse_model, with_llm
from steps.errors import SpecError
from steps.llms.base import LLM
from tests.flows.describing import chain


@pytest.mark.parametrize(
    ("text", "llm"),
    [
        ("rehearsal", {"use": "RehearsalLLM"}),
        ("openai/gpt-4o-mini", {"use": "OpenAILLM", "model": "gpt-4o-mini"}),
        ("ollama/llama3.2", {"use": "OllamaLLM", "model": "llama3.2"}),
        ("vllm/Qwen/Qwen3-8B", {"use": "ClientvLLM", "model": "Qwen/Qwen3-8B"}),
        ("together/meta-llama/Llama-3", {"use": "TogetherLLM", "model": "meta-llama/Llama-3"}),
        ("anthropic/claude-haiku-4-5", {"use": "AnthropicLLM", "model": "claude-haiku-4-5"}),
        ("litellm/bedrock/x", {"use": "LiteLLM", "model": "bedrock/x"}),
        ("vllm/Qwen/Q@http://box:1/v1", {"use": "ClientvLLM", "model": "Qwen/Q", "base_url": "http://box:1/v1"}),
        ("llama.cpp/m@001@https://box", {"use": "LlamaCppServerLLM", "model": "m@001", "base_url": "https://box"}),
        ("gemini/gemini@001", {"use": "GeminiLLM", "model": "gemini@001"}),
    ],
)
def test_a_short_name_stands_for_a_model(text: str, llm: dict[str, Any]) -> None:
    assert parse_model(text) == llm


@pytest.mark.parametrize("text", ["", "gpt-4o", "openai", "openai/", "openai/ ", "x" * 1000])
def test_what_is_no_short_name_is_told_the_providers(text: str) -> None:
    with pytest.raises(SpecError, match="provider/model") as caught:
        parse_model(text)

    assert "openai, anthropic" in caught.value.fix
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("text", ["antropic-cloud/claude-3", "/gpt-4o", "x" * 1000 + "/y"])
def test_a_provider_that_is_not_known_is_told_so_and_how_to_reach_it(text: str) -> None:
    with pytest.raises(SpecError, match="names a provider not known here") as caught:
        parse_model(text)

    assert all(said in caught.value.fix for said in ("openai, anthropic", "together", "base_url"))
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("vllm/m@box:8000", "vllm/m@http://box:8000/v1"),
        ("vllm/a/m@localhost", "vllm/a/m@http://localhost/v1"),
        ("openai/m@10.0.0.1:80/api", "openai/m@http://10.0.0.1:80/api"),
    ],
)
def test_an_address_without_a_scheme_is_told_how_to_write_it(text: str, meant: str) -> None:
    with pytest.raises(SpecError, match="without http:// or https://") as caught:
        parse_model(text)

    assert caught.value.fix == f"write {meant}"


@pytest.mark.parametrize("name", CLASSES)
def test_every_provider_can_be_asked_at_an_address(name: str) -> None:
    llm = LLM.model_validate(parse_model(f"{name}/some-model@http://box:9000/v1"))

    assert (llm.model_name, llm.endpoint) == ("some-model", "http://box:9000/v1")


@pytest.mark.parametrize(("text", "hint"), [("rehersal", "rehearsal"), ("opnai/gpt-4o", "openai")])
def test_a_misspelt_provider_is_recognised(text: str, hint: str) -> None:
    with pytest.raises(SpecError, match=f"Did you mean '{hint}'?"):
        parse_model(text)


@pytest.mark.parametrize("name", CLASSES)
def test_every_provider_can_be_named_and_its_class_takes_the_model(name: str) -> None:
    llm = LLM.model_validate(parse_model(f"{name}/org/some-model"))

    assert llm.model_name == "org/some-model"


def test_every_step_that_asks_gets_the_model_and_keeps_its_sampling() -> None:
    old = {"use": "OpenAILLM", "model": "old", "api_key": "${OLD_KEY}", "generation_kwargs": {"temperature": 0.2}}
    spec = chain(
        {"name": "a", "use": "TextGeneration", "with": {"llm": old, "num_generations": 2}},
        {"name": "b", "use": "TextGeneration"},
        {"name": "c", "use": "KeepColumns", "with": {"columns": ["generation"]}},
        {"name": "d", "use": "NoSuchStep"},
    )

    changed = with_llm(spec, "openai/new")

    new = {"use": "OpenAILLM", "model": "new"}
    assert changed.step("a").params == {"llm": {**new, "generation_kwargs": {"temperature": 0.2}}, "num_generations": 2}
    assert changed.step("b").params == {"llm": new}
    assert [changed.step(name) for name in "cd"] == [spec.step(name) for name in "cd"]
    assert spec.step("a").params["llm"] == old


@pytest.mark.parametrize("llm", [None, "gpt-4o", ["x"], {"generation_kwargs": None}, {"generation_kwargs": "x"}])
def test_a_model_of_the_wrong_form_is_replaced(llm: Any) -> None:
    changed = with_llm(chain({"name": "a", "use": "TextGeneration", "with": {"llm": llm}}), "rehearsal")

    assert changed.step("a").params["llm"]["use"] == "RehearsalLLM"


def test_a_rehearsal_loads_no_weights_pushes_nothing_and_needs_no_device() -> None:
    spec = chain(
        {
            "name": "a",
            "use": "RewardModelScore",
            "with": {"model": "me/x"},
            "pool": "gpu",
            "resources": {"gpus": 1, "replicas": 2},
        },
        {"name": "b", "use": "PairRM"},
        {"name": "c", "use": "PushToHub", "with": {"repo_id": "me/x"}},
        {"name": "d", "use": "KeepColumns", "pool": "gpu", "with": {"columns": ["x"]}},
    )

    changed = with_llm(spec, "rehearsal")

    assert [changed.step(name).params for name in "abc"] == [
        {"model": "me/x", "made_up": True},
        {"made_up": True},
        {"repo_id": "me/x", "push": False},
    ]
    resources = changed.step("a").resources
    assert resources is not None
    assert (changed.step("a").pool, resources.gpus, resources.replicas) == (None, None, 2)
    assert changed.step("d") == spec.step("d")
    assert [with_llm(spec, "openai/m").step(name) for name in "abcd"] == spec.steps[1:]
