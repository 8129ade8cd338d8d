"""Cassettes in runs: in Python, on the command line, and in a user's own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows import Pipeline, cassette
from steps.llms import OpenAILLM
from steps.sources import LoadDataFromDicts
from steps.tasks import TextGeneration
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.commands import ROOT, Commands


def pipeline(url: str, rows: int = 6, **llm: Any) -> Pipeline:
    with Pipeline("taped") as found:
        data = [{"instruction": f"question {at}"} for at in range(rows)]
        asked = OpenAILLM(model="m", base_url=f"{url}/v1", **llm)
        LoadDataFromDicts(data=data) >> TextGeneration(llm=asked)
    return found


def test_a_run_in_python_is_recorded_and_repeated_without_a_server(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    limited = Rule("question 3", Fault.RATE_LIMITED, times=1, retry_after="0.1")
    fake = FakeOpenAI(Behaviour(rules=[limited, Rule("question 5", Fault.CONTEXT_LENGTH)]))
    with running(fake) as url:
        with cassette(tape, "record"), pytest.warns(UserWarning, match="context-too-long"):
            before = pipeline(url).run(runs_dir=tmp_path / "first")
        assert fake.stats.requests == 7
    with cassette(tape), pytest.warns(UserWarning, match="context-too-long"):
        again = pipeline(url).run(runs_dir=tmp_path / "second")

    assert again["default"]["train"].to_list() == before["default"]["train"].to_list()
    assert len(again["default"]["train"]) == 5


def test_a_row_that_was_not_recorded_is_told_with_its_request(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    with running(FakeOpenAI()) as url, cassette(tape, "record"):
        pipeline(url, rows=2).run(runs_dir=tmp_path / "first")
    with cassette(tape), pytest.warns(UserWarning, match=r"'question 1' was recorded, 'question 2' is sent|not-recorded"):
        again = pipeline(url, rows=3).run(runs_dir=tmp_path / "second")

    assert len(again["default"]["train"]) == 2


def steps(url: str) -> list[dict[str, Any]]:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "a"}, {"instruction": "b"}]}}
    llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "api_key": "${TAPED_KEY}"}
    return [load, {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}]


def test_the_command_line_records_and_replays_without_the_key(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        file = Commands(tmp_path).write(steps(url))
        key = "a-secret-of-this-test-0123456789"
        done = Commands(tmp_path, TAPED_KEY=key)("run", file, "--run-id", "r", "--no-prefect", "--record", "tape.jsonl")
        assert done.code == 0, done.err
    again = Commands(tmp_path)("run", file, "--run-id", "again", "--no-prefect", "--replay", "tape.jsonl")

    assert again.code == 0, again.err
    commands = Commands(tmp_path)
    assert commands.rows("again") == commands.rows("r")
    assert fake.stats.requests == 2
    assert [commands.report(run)["played_cassette"] for run in ("r", "again")] == [False, True]
    assert "cassette" in next(line for line in commands("runs").out.splitlines() if line.startswith("again"))
    assert key not in (tmp_path / "tape.jsonl").read_text()
    assert again.err.count("nothing is sent") == 1


def test_wrong_cassettes_are_2_and_say_what_to_do(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    file = commands.write(steps("http://127.0.0.1:9"))
    both = commands("run", file, "--record", "a.jsonl", "--replay", "a.jsonl")
    none = commands("run", file, "--replay", "a.jsonl")

    assert both.code == 2
    assert "leave one of them out" in both.err
    assert none.code in (1, 2)
    assert "there is no cassette" in none.err
    assert "--record" in none.err
    assert "Traceback" not in both.err + none.err


TEST = """
from steps.llms import OpenAILLM
from steps.tasks import TextGeneration


def test_it_answers(distilflow_cassette):
    task = TextGeneration(llm=OpenAILLM(model="m", base_url="URL/v1"))
    [row] = task.process([{"instruction": "hi"}])
    assert row["generation"] == "echo: hi"
"""


def test_the_fixture_records_when_asked_and_replays_else(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["flows.pytest_plugin"]\n')

    def pytest_in(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    fake = FakeOpenAI()
    with running(fake) as url:
        (tmp_path / "test_mine.py").write_text(TEST.replace("URL", url))
        without = pytest_in()
        recorded = pytest_in("--record-cassettes")
    again = pytest_in()

    assert without.returncode == 1
    assert "there is no cassette" in without.stdout
    assert "Fix: record it: pytest test_mine.py::test_it_answers --record-cassettes" in without.stdout
    assert "Traceback" not in without.stdout
    assert "pytest_plugin.py" not in without.stdout, "a missing file is told, not traced"
    assert recorded.returncode == 0, recorded.stdout
    assert again.returncode == 0, again.stdout
    assert fake.stats.requests == 1
    assert (tmp_path / "cassettes" / "test_mine" / "test_it_answers.jsonl").is_file()
