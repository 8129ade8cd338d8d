"""Models by a short name, as the command line takes them: `openai/gpt-4o-mini`, `ollama/llama3.2`, `rehearsal`.

An address may follow: `vllm/Qwen/Qwen3-8B@http://box:8000/v1`.
"""

from __future__ import annotations

import re
from typing import Any

from flows.spec import PipelineSpec, StepSpec
from flows.spec.parameters import with_sampling_of
from steps import registry
from steps.base import BaseStep
from steps.errors import SpecError
from steps.llms.base import LLM
from steps.models import Model, with_models
from steps.providers import PROVIDERS
from steps.wording import did_you_mean, quoted

CLASSES = {**{provider.name: provider.class_name for provider in PROVIDERS}, "litellm": "LiteLLM"}
"""What may stand before the slash, and the class that asks there."""
_AT_ADDRESS = re.compile(r"(?P<model>.*?)@(?P<address>https?://.*)", re.DOTALL)
_AT_HOST = re.compile(r"(?P<model>.*)@(?P<host>localhost|[\w.-]+:\d{2,5})(?P<path>/.*)?", re.DOTALL)
"""Names of models hold an @ too (`gemini@001`): an address has a scheme."""


def parse_model(text: str) -> dict[str, Any]:
    """The `llm:` of a step for a short name.

    Raises:
        SpecError: The part before the slash is no provider that is known here, or an address has no scheme.
    """
    if text == "rehearsal":
        return {"use": "RehearsalLLM"}
    provider, _, model = text.partition("/")
    if provider not in CLASSES or not model.strip():
        raise _not_a_model(text, provider, model)
    if (at := _AT_ADDRESS.fullmatch(model)) and at["model"]:
        return {"use": CLASSES[provider], "model": at["model"], "base_url": at["address"]}
    if (at := _AT_HOST.fullmatch(model)) and at["model"]:
        meant = f"{provider}/{at['model']}@http://{at['host']}{at['path'] or '/v1'}"
        raise SpecError(f"--llm {quoted(text)} has an address without http:// or https://", f"write {meant}")
    return {"use": CLASSES[provider], "model": model}


def _not_a_model(text: str, provider: str, model: str) -> SpecError:
    near = "" if provider in CLASSES else did_you_mean(provider, ["rehearsal", *CLASSES])
    what = f"names a provider not known here: {quoted(provider)}" if model.strip() else "is not of the form provider/model"
    other = "another server of OpenAI's protocol is openai/MODEL@http://host:port/v1, in a file OpenAILLM with base_url"
    return SpecError(f"--llm {quoted(text)} {what}.{near}", f"providers: {', '.join(CLASSES)}; {other}")


def with_llm(spec: PipelineSpec, text: str) -> PipelineSpec:
    """The pipeline with this model in every step that asks one; sampling parameters stay as they were.

    In a rehearsal all other models are made up too, and nothing needs a device.

    Raises:
        SpecError: `text` names no model.
    """
    llm = parse_model(text)
    is_rehearsal = llm["use"] == LLM.rehearsal

    def change(kind: type[Model], before: Any) -> Any:
        if issubclass(kind, LLM):
            return with_sampling_of(before, llm)
        return {"use": kind.rehearsal} if is_rehearsal else before

    steps = []
    for step in spec.steps:
        found = _class_of(step.use)
        params = with_models(found, step.params, change) if found is not None else step.params
        if is_rehearsal and found is not None:
            params = {**params, **found.in_rehearsal}
        if params != step.params:
            step = step.model_copy(update={"params": params, **(_anywhere(step) if is_rehearsal else {})})
        steps.append(step)
    return spec.read_as(steps, spec.unread)


def _class_of(use: str) -> type[BaseStep] | None:
    try:
        found = registry.resolve(use)
    except registry.UnknownComponent:
        return None  # plan() reports it
    return found if issubclass(found, BaseStep) else None


def _anywhere(step: StepSpec) -> dict[str, Any]:
    """Where a step works that needs no device, since what stands in for its model needs none."""
    resources = step.resources and step.resources.model_copy(update={"gpus": None})
    return {"pool": None if step.pool in ("gpu", "async") else step.pool, "resources": resources}
