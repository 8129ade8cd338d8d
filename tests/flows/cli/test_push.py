"""`--push`: what cannot be pushed is refused before the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.cli.pipelines import LOAD
from tests.flows.commands import Commands


@pytest.mark.parametrize(("push", "fix"), [("foo", "owner/foo"), ("my org/foo", "user/name")])
@pytest.mark.parametrize("command", [["run", "pipeline.yaml"], ["resume", "r"], ["retry", "r"]], ids=lambda words: words[0])
def test_a_push_that_cannot_work_is_refused_before_the_run(commands: Commands, command: list[str], push: str, fix: str) -> None:
    commands.write([LOAD])

    ended = commands(*command, "--push", push, "--no-prefect")

    assert (ended.code, fix in ended.err) == (2, True)
    assert not (commands.folder / "runs").exists()


@pytest.mark.parametrize("command", [["run", "pipeline.yaml", "--rehearse"], ["resume", "r"]], ids=lambda words: words[0])
def test_rows_that_are_made_up_are_not_pushed(tmp_path: Path, command: list[str]) -> None:
    commands = Commands(tmp_path, HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN="hf_" + "x" * 34)
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"columns": ["i"], "template": "{{ i }}"}}
    if command[0] == "resume":
        commands("run", commands.write([LOAD, ask]), "--run-id", "r", "--no-prefect")
        sessions = commands.report()["sessions"]
    else:
        commands.write([LOAD, ask])

    ended = commands(*command, "--push", "me/rows", "--no-prefect")

    assert (ended.code, "a rehearsal pushes nothing" in ended.err, "made up in ask" in ended.err) == (2, True, True), ended.err
    if command[0] == "resume":
        assert commands.report()["sessions"] == sessions
    else:
        assert not (tmp_path / "runs").exists()


def test_a_push_that_failed_says_how_to_push_again_and_shows_no_bars(tmp_path: Path) -> None:
    commands = Commands(tmp_path, HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN="hf_" + "x" * 34)

    ended = commands("run", commands.write([LOAD]), "--run-id", "r", "--push", "me/rows", "--no-prefect")

    assert ended.code == 1
    assert "distilflow resume r --push me/rows --no-prefect" in ended.err
    assert "%|" not in ended.err
    assert "Creating parquet" not in ended.err
