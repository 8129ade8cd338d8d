"""Runs that asked a server, whose replies later runs want."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.pipeline import Pipeline
from flows.spec import spec_from
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands


def steps(url: str, rows: int = 6, use: str = "TextGeneration", **llm: Any) -> list[dict[str, Any]]:
    data = [{"instruction": f"question {number:03d}", "generations": ["a", "b"]} for number in range(rows)]
    model = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", "max_retries": 0, **llm}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": use, "after": "load", "with": {"llm": model}},
    ]


def pipeline(url: str, rows: int = 6) -> Pipeline:
    return Pipeline.from_spec(spec_from({"distilflow": 1, "steps": steps(url, rows)})[0])


@contextmanager
def a_run(commands: Commands, rows: int = 6, **llm: Any) -> Iterator[FakeOpenAI]:
    """A finished run "a" of `pipeline.yaml`, and the server that answered it."""
    fake = FakeOpenAI()
    with running(fake) as url:
        commands.write(steps(url, rows, **llm))
        ended = commands("run", "pipeline.yaml", "--run-id", "a", "--no-prefect")
        assert ended.code == 0, ended.err
        yield fake


def results(commands: Commands, run: str) -> dict[str, bytes]:
    """The Distiset of a run, but for what tells of the run itself."""
    folder = commands.folder / "runs" / run / "distiset"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def fake_url(commands: Commands) -> str:
    pipeline = json.loads((commands.folder / "pipeline.yaml").read_text())
    return str(pipeline["steps"][1]["with"]["llm"]["base_url"]).removesuffix("/v1")
