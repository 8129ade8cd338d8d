"""Models by a short name, as the command line takes them: `openai/gpt-4o-mini`, `ollama/llama3.2`, `rehearsal`."""

from __future__ import annotations

from typing import Any

from flows.spec import PipelineSpec
from flows.spec.parameters import with_sampling_of
from steps import registry
from steps.errors import SpecError
from steps.llms.base import LLM
from steps.models import Model, models_of
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

    In a rehearsal all other models are made up too.

    Raises:
        SpecError: `text` names no model.
    """
    llm = parse_model(text)
    is_rehearsal = llm["use"] == LLM.rehearsal
    steps = []
    for step in spec.steps:
        places = _models_of(step.use)
        changed: dict[str, Any] = {}
        for name, kind in places.items():
            if issubclass(kind, LLM):
                changed[name] = with_sampling_of(step.params.get(name), llm)
            elif is_rehearsal:
                changed[name] = {"use": kind.rehearsal}
        steps.append(step.model_copy(update={"params": {**step.params, **changed}}) if changed else step)
    return spec.read_as(steps, spec.unread)


def _models_of(use: str) -> dict[str, type[Model]]:
    try:
        return models_of(registry.resolve(use))
    except registry.UnknownComponent:
        return {}  # plan() reports it
