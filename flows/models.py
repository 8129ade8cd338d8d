"""Models by a short name, as the command line takes them: `openai/gpt-4o-mini`, `ollama/llama3.2`, `rehearsal`."""

from __future__ import annotations

from typing import Any

from flows.spec import PipelineSpec, spec_from
from steps import registry
from steps.errors import PlanError, SpecError

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
    provider, slash, model = text.partition("/")
    if not slash or not model or provider not in _SERVERS:
        raise SpecError(
            f"--llm {text!r} is not of the form provider/model",
            f"providers: {', '.join(_SERVERS)}; for any other server write `llm: {{use: OpenAILLM, base_url: ...}}`",
        )
    url = _SERVERS[provider]
    return {"use": "OpenAILLM", "model": model, **({"base_url": url} if url else {})}


def with_llm(spec: PipelineSpec, text: str) -> PipelineSpec:
    """The pipeline with this model in every step that asks one; sampling parameters stay as they were."""
    llm = parse_model(text)
    data = spec.to_dict()
    for step in data.get("steps", []):
        if not _asks_a_model(step["use"]):
            continue
        before = step.get("with", {}).get("llm")
        kept = (
            {"generation_kwargs": before["generation_kwargs"]}
            if isinstance(before, dict) and "generation_kwargs" in before
            else {}
        )
        step.setdefault("with", {})["llm"] = {**llm, **kept}
    changed, problems = spec_from(data)
    if problems:
        raise PlanError(problems)
    return changed


def _asks_a_model(use: str) -> bool:
    try:
        return "llm" in getattr(registry.resolve(use), "model_fields", {})
    except registry.UnknownComponent:
        return False  # plan() reports it
