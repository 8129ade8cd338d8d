"""A paused run sends nothing, keeps what comes in, and goes on where it was: with a real server that counts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.runs import RunFolder
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands, kill, wait_for
from tests.flows.engine.running import own

ROWS = 60
ALL = 160
"""Calls of two slow steps; at ten a second there is time to pause them."""
SLOW_S, FAST_S = 0.3, 0.005
QUIET_S = 1.0
"""The server would have got some requests meanwhile, however slow."""


@pytest.fixture
def fake() -> FakeOpenAI:
    return FakeOpenAI(Behaviour(latency_s=SLOW_S))


@pytest.fixture
def url(fake: FakeOpenAI) -> Iterator[str]:
    with running(fake) as url:
        yield url


def asking(url: str, **task: Any) -> list[dict[str, Any]]:
    data = [{"instruction": f"question {i}"} for i in range(ROWS)]
    llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "max_concurrency": 2}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}, "batch_size": 5}
    return [load, {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}, **task}]


def state(commands: Commands) -> str:
    return str(commands.report()["state"]) if (commands.folder / "runs" / "r" / "run.json").exists() else ""


@contextmanager
def at_work(commands: Commands) -> Iterator[subprocess.Popen[str]]:
    """A run at work; it has ended, or is killed, when the block ends."""
    process = commands.start("run", "pipeline.yaml", "--run-id", "r", "--no-prefect")
    try:
        yield process
        process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            kill(process)
            process.communicate()


def paused(commands: Commands, fake: FakeOpenAI) -> int:
    """Pause a run in its middle; how many requests had left when everything was in."""
    wait_for(lambda: fake.stats.requests >= 4)
    RunFolder(commands.folder / "runs" / "r").request_pause()
    wait_for(lambda: state(commands) == "paused" and fake.stats.in_flight == 0)
    fake.behaviour = Behaviour(latency_s=FAST_S)
    return fake.stats.requests


def is_quiet(fake: FakeOpenAI, sent: int) -> bool:
    deadline = time.monotonic() + QUIET_S
    while time.monotonic() < deadline:
        if fake.stats.requests != sent:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("pool", ["async", "process"])
def test_nothing_is_sent_while_paused_and_everything_after(commands: Commands, fake: FakeOpenAI, url: str, pool: str) -> None:
    commands.write(asking(url, pool=pool))
    with at_work(commands) as process:
        sent = paused(commands, fake)
        assert sent < ROWS
        assert is_quiet(fake, sent)
        assert state(commands) == "paused"
        assert "Run r goes on" in commands("resume", "r").err

    assert process.returncode == 0
    report = commands.report()
    assert (fake.stats.requests, len(commands.rows()), report["sessions"], report["paused_at"]) == (ROWS, ROWS, 1, None)
    assert QUIET_S <= report["paused_s"] < report["ended_at"] - report["started_at"]
    said = [json.loads(line) for line in (commands.folder / "runs" / "r" / "events.jsonl").read_text().splitlines()]
    states = [event["state"] for event in said if event["type"] == "run"]
    assert states == ["running", "paused", "running", "finishing", "finished"]
    pauses = [(bool(event["paused_at"]), event["paused_s"] > 0) for event in said if event["type"] == "run"]
    assert pauses == [(False, False), (True, False), *[(False, True)] * 3]


def test_a_paused_run_stops_with_what_it_has(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    commands.write(asking(url))
    with at_work(commands):
        sent = paused(commands, fake)
        assert commands("stop", "r").code == 0

    assert (state(commands), fake.stats.requests) == ("stopped", sent)
    assert commands.report()["paused_at"] is None
    assert 0 < len(commands.rows()) <= sent


def test_a_paused_run_that_is_killed_is_resumed_as_any(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    commands.write(asking(url))
    with at_work(commands) as process:
        sent = paused(commands, fake)
        kill(process)
    wait_for(lambda: RunFolder(commands.folder / "runs" / "r").report().state == "failed")
    assert fake.stats.requests == sent

    again = commands("resume", "r", "--no-prefect")
    assert (again.code, len(commands.rows())) == (0, ROWS)
    assert fake.stats.requests <= ROWS + 2  # the last replies may not have been on disk


def test_fused_steps_in_workers_hold_too(commands: Commands) -> None:
    calls = commands.folder / "calls"
    data = [{"i": i} for i in range(ALL // 4)]
    slow = {"column": "a", "sleep_s": 0.1, "calls": str(calls)}
    commands.write(
        [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}, "batch_size": 1},
            {"name": "one", "use": own("Add"), "after": "load", "with": slow, "batch_size": 1},
            {"name": "two", "use": own("Add"), "after": "one", "with": {**slow, "column": "b"}, "batch_size": 1},
        ]
    )

    def done() -> int:
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    with at_work(commands) as process:
        wait_for(lambda: done() > 4)
        commands("pause", "r")
        wait_for(lambda: state(commands) == "paused")
        before = -1
        while before != done():  # the batch at work ends
            before = done()
            time.sleep(0.4)
        assert before < ALL // 2
        time.sleep(QUIET_S)
        assert done() == before
        commands("resume", "r")

    assert (process.returncode, done(), len(commands.rows())) == (0, ALL // 2, ALL // 4)


def test_only_a_run_at_work_can_pause(commands: Commands, url: str) -> None:
    commands.write(asking(url))
    assert commands("run", "pipeline.yaml", "--run-id", "r", "--no-prefect", "--max-rows", "2").code == 0
    ended = commands("pause", "r")
    assert (ended.code, "not at work" in ended.err) == (2, True)


def test_a_pause_that_was_meant_for_an_earlier_session_does_not_count(commands: Commands, url: str) -> None:
    commands.write(asking(url))
    assert commands("run", "pipeline.yaml", "--run-id", "r", "--no-prefect", "--max-rows", "2").code == 0
    (commands.folder / "runs" / "r" / "pause").touch()
    assert commands("resume", "r", "--no-prefect", "--max-rows", "4").code == 0
    assert len(commands.rows()) == 4


def test_a_run_that_was_asked_before_it_was_at_work_begins_paused(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    commands.write(asking(url))
    folder = commands.folder / "runs" / "r"
    folder.mkdir(parents=True)
    commands.environment["DISTILFLOW_LAUNCHED_AT"] = str(time.time() - 1)
    Path(folder / "pause").touch()
    with at_work(commands):
        wait_for(lambda: state(commands) == "paused")
        assert is_quiet(fake, 0)
        fake.behaviour = Behaviour(latency_s=FAST_S)
        commands("resume", "r")
    assert len(commands.rows()) == ROWS
