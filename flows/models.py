"""Models by a short name, as the command line takes them: `openai/gpt-4o-mini`, `ollama/llama3.2`, `rehearsal`."""

from __future__ import annotations

from typing import Any

from flows.spec import PipelineSpec
from flows.spec.parameters import with_sampling_of
from steps import registry
from steps.errors import SpecError
from steps.wording import did_you_mean, quoted

_SERVERS = {
    "openai": None,
    "ollama": "http://localhost:11434/v1",
    "vllm": "http://localhost:8000/v1",
    "llama.cpp": "http://localhost:8080/v1",
}


def parse_model(text: str) -> dict[str, Any]:
    """The `llm:` of a step for a short name.

    Raises:
        SpecError: The part before the slash is no provider that is known here.
    """
    if text == "rehearsal":
        return {"use": "RehearsalLLM"}
    provider, _, model = text.partition("/")
    if not model.strip() or provider not in _SERVERS:
        raise SpecError(
            f"--llm {quoted(text)} is not of the form provider/model.{did_you_mean(provider, ['rehearsal', *_SERVERS])}",
            f"providers: {', '.join(_SERVERS)}; for any other server write `llm: {{use: OpenAILLM, base_url: ...}}`",
        )
    url = _SERVERS[provider]
    return {"use": "OpenAILLM", "model": model, **({"base_url": url} if url else {})}


def with_llm(spec: PipelineSpec, text: str) -> PipelineSpec:
    """The pipeline with this model in every step that asks one; sampling parameters stay as they were.

    Raises:
        SpecError: `text` names no model.
    """
    llm = parse_model(text)
    steps = [
        step.model_copy(update={"params": {**step.params, "llm": with_sampling_of(step.params.get("llm"), llm)}})
        if _asks_a_model(step.use)
        else step
        for step in spec.steps
    ]
    return spec.read_as(steps, spec.unread)


def _asks_a_model(use: str) -> bool:
    try:
        return "llm" in getattr(registry.resolve(use), "model_fields", {})
    except registry.UnknownComponent:
        return False  # plan() reports it
