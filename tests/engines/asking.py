"""Pipelines that ask the tiny model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from steps.llms.base import Completion, Request
from steps.llms.local_llm import LocalLLM
from tests.flows.commands import Commands, kill, wait_for

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}, "stars": {"enum": [1, 2, 3]}},
    "required": ["label", "stars"],
    "additionalProperties": False,
}
LABELS = {"format": "json", "schema": SCHEMA}


def load(rows: int) -> dict[str, Any]:
    data = [{"instruction": f"Say something about {number}."} for number in range(rows)]
    return {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}, "batch_size": 20}


def ask(llm: dict[str, Any], name: str = "answer", after: str = "load", **params: Any) -> dict[str, Any]:
    outputs = {"generation": name, "model_name": f"{name}_model"}
    params = {"llm": llm, **params}
    return {
        "name": name,
        "use": "TextGeneration",
        "after": after,
        "pool": "process",
        "with": params,
        "output_mappings": outputs,
    }


def complete(llm: LocalLLM, *requests: Request) -> list[Completion]:
    """The model's replies to requests that come at the same time."""

    async def go() -> list[Completion]:
        await llm.load()
        try:
            return await asyncio.gather(*map(llm.complete, requests))
        finally:
            await llm.unload()

    return asyncio.run(go())


def says(text: str, n: int = 1, **more: Any) -> Request:
    return Request([{"role": "user", "content": text}], n=n, **more)


def journal_bytes(run: Path) -> int:
    return sum(file.stat().st_size for file in (run / "journal").glob("*"))


def run_killed_once(
    commands: Commands, steps: list[dict[str, Any]], after_bytes: int, timeout_s: float = 300
) -> dict[str, Any]:
    """Run a pipeline whose engine is killed when so much was answered, and let it go on; the report of the second session."""
    process = commands.start("run", commands.write(steps), "--run-id", "r", "--no-prefect")
    wait_for(lambda: process.poll() is not None or journal_bytes(commands.folder / "runs/r") > after_bytes, timeout_s)
    assert process.poll() is None, process.communicate()
    kill(process)
    process.communicate()
    commands.wait_until_gone(30)
    before = journal_bytes(commands.folder / "runs/r")

    ended = commands("resume", "r", "--no-prefect", timeout_s=timeout_s)

    assert ended.code == 0, ended.err
    assert journal_bytes(commands.folder / "runs/r") > before, "it was over when it was killed"
    return commands.report()
