"""Models behind a server that the run starts (`serve: true`): real processes, well and sick."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steps.errors import ModelNotFound, RunError
from tests.fakes import llama_server
from tests.flows.commands import ROOT, wait_for
from tests.flows.engine.running import run_steps
from tests.flows.engine.test_local_models import is_alive, load

Serve = Callable[..., dict[str, Any]]


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    return tmp_path / "pids"


@pytest.fixture
def serve(tmp_path: Path, pids: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """A step that asks a served model; keywords say how its server is sick."""
    program, weights = tmp_path / "llama-server", tmp_path / "m.gguf"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests/fakes/llama_server.py"} "$@"\n')
    program.chmod(0o755)
    weights.touch()
    monkeypatch.setenv("DISTILFLOW_LLAMA_SERVER", str(program))

    def step(name: str = "ask", after: str = "load", **sick: Any) -> dict[str, Any]:
        if sick:
            monkeypatch.setenv(llama_server.VARIABLE, json.dumps({"pids": str(pids), **sick}))
        llm = {"use": "LlamaCppLLM", "model_path": str(weights), "serve": True}
        return {
            "name": name,
            "use": "TextGeneration",
            "after": after,
            "with": {"llm": llm},
            "output_mappings": {"generation": name, "model_name": f"{name}_model"},
        }

    return step


def started(pids: Path) -> list[int]:
    return list(map(int, pids.read_text().split()))


def test_steps_that_share_a_server_start_it_once_and_nothing_of_it_stays(tmp_path: Path, pids: Path, serve: Serve) -> None:
    steps = [load(20), serve("a", has_children=sys.platform == "linux", is_deaf=True), serve("b", "a")]

    result = run_steps(tmp_path / "run", steps, in_threads=False)

    server, *others = started(pids)
    assert [row["a"] for row in result.only] == [f"{server} q{number}" for number in range(20)]
    assert all(row["b"].startswith(f"{server} ") for row in result.only)
    assert len(others) == (2 if sys.platform == "linux" else 0)
    wait_for(lambda: not any(map(is_alive, [server, *others])), 1)


def test_a_server_that_dies_is_started_anew_and_no_row_is_lost(tmp_path: Path, pids: Path, serve: Serve) -> None:
    step = serve(dies_of="q17", dies_once=str(tmp_path / "died"))

    result = run_steps(tmp_path / "run", [load(30), step], in_threads=False)

    assert len(result.only) == 30
    assert len(started(pids)) == 2
    assert any("it was killed" in text for _, text in result.said)


def test_a_row_that_every_server_dies_of_goes_alone_and_is_told_why(tmp_path: Path, serve: Serve) -> None:
    result = run_steps(tmp_path / "run", [load(12), serve(dies_of="q7")], in_threads=False)

    assert len(result.only) == 11
    [failure] = result.failures
    assert failure.row["instruction"] == "q7"
    assert "it was killed" in failure.message


def test_a_server_that_refuses_everything_ends_the_run_with_its_words(tmp_path: Path, pids: Path, serve: Serve) -> None:
    with pytest.raises((ModelNotFound, RunError), match="it said 404"):
        run_steps(tmp_path / "run", [load(30), serve(status=404)], in_threads=False)

    assert len(started(pids)) == 1


def test_a_server_that_cannot_load_is_started_once(tmp_path: Path, pids: Path, serve: Serve) -> None:
    with pytest.raises(RunError, match="does not fit into memory"):
        run_steps(
            tmp_path / "run", [load(5), serve(says="error: failed to allocate buffer", dies_loading=True)], in_threads=False
        )

    assert len(started(pids)) == 1
