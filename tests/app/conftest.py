"""A finished run with rows in quarantine, made once by the command line, and what tests build around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.api import add_routes
from app.context import AppContext
from flows.runs import RunFolder

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "examples" / "quickstart.yaml"

PIPELINE = """\
distilflow: 1
name: sample
steps:
  - name: load
    use: LoadDataFromDicts
    with:
      data:
        - {instruction: "Say hi", note: "<script>window.hacked = 1</script>"}
        - {instruction: "Say <b>bye</b>", note: "![x](http://example.com/x.png)"}
        - {instruction: "unknown to the recordings", note: plain}
  - name: answer
    use: TextGeneration
    after: load
    with:
      llm: {use: ReplayLLM, path: RECORDINGS, reply: answer}
  - name: chat
    use: FormatTextGenerationSFT
    after: answer
"""
RECORDINGS = """\
{"instruction": "Say hi", "answer": "hi <img src=x onerror=alert(1)>"}
{"instruction": "Say <b>bye</b>", "answer": "bye"}
"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of three rows, one of which is in quarantine."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "recordings.jsonl").write_text(RECORDINGS)
    spec = folder / "sample.yaml"
    spec.write_text(PIPELINE.replace("RECORDINGS", str(folder / "recordings.jsonl")))
    command = [sys.executable, "-m", "flows.cli", "run", str(spec), "--run-id", "sample-1", "--no-prefect"]
    command += ["--runs-dir", str(folder / "runs")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 3, done.stderr
    return RunFolder(folder / "runs" / "sample-1")


@pytest.fixture
def ctx(tmp_path: Path, finished: RunFolder) -> AppContext:
    """An app of its own whose runs folder holds a copy of the finished run."""
    shutil.copytree(finished.path, tmp_path / "runs" / finished.run_id)
    return AppContext(tmp_path / "runs", no_prefect=True)


@pytest.fixture
def quickstart(monkeypatch: pytest.MonkeyPatch) -> str:
    """Text of the quickstart; its paths start from the root of the repository."""
    monkeypatch.chdir(ROOT)
    return QUICKSTART.read_text()


@pytest.fixture
async def client(ctx: AppContext) -> AsyncIterator[httpx.AsyncClient]:
    server = FastAPI()
    add_routes(server, ctx)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://app") as found:
        yield found
