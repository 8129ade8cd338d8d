"""Pipelines whose rows go by batch to a fake provider, and what comes of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.engine.engine import Engine
from flows.engine.journal import paid_in
from tests.fakes.providers.batches import FakeBatches, Kind
from tests.flows.engine.running import Result

KINDS: list[Kind] = ["openai", "azure", "anthropic", "mistral"]
each_kind = pytest.mark.parametrize("kind", KINDS)
each_filed_kind = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "anthropic"])
"""Those where requests are uploaded as a file first."""


def model(kind: Kind, url: str, **more: Any) -> dict[str, Any]:
    """A model at the fake provider."""
    common = {"batch_pause": 0.05, "api_key": "${BATCH_KEY}", "price": {"input": 1000, "output": 2000}}
    match kind:
        case "openai":
            return {"use": "OpenAILLM", "model": "gpt-4o-mini", "base_url": f"{url}/v1", **common, **more}
        case "azure":
            address = {"azure_endpoint": url, "api_version": "2024-10-21"}
            return {"use": "AzureOpenAILLM", "model": "some-model", **address, **common, **more}
        case "anthropic":
            return {"use": "AnthropicLLM", "model": "claude-haiku-4-5", "base_url": f"{url}/v1", **common, **more}
        case "mistral":
            return {"use": "MistralLLM", "model": "mistral-small-latest", "base_url": f"{url}/v1", **common, **more}


def steps(
    kind: Kind, url: str, prompts: list[str], *, batch: bool = True, more: dict[str, Any] | None = None, **llm: Any
) -> Any:
    data = [{"instruction": prompt} for prompt in prompts]
    told = {"llm": model(kind, url, **llm), "batch": batch, **(more or {})}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": told},
    ]


def questions(count: int) -> list[str]:
    return [f"question {number}" for number in range(count)]


def answers(result: Result) -> dict[str, str]:
    return {row["instruction"]: row["generation"] for row in result.only}


def costs(folder: Path) -> list[float]:
    return [entry["cost"] for entry in paid_in(folder / "journal")]


def stopping(fake: FakeBatches) -> Any:
    """Stop the run once it has looked at its batch."""

    async def stop(engine: Engine) -> None:
        while not fake.looks:
            await asyncio.sleep(0.01)
        engine.stop()

    return stop
