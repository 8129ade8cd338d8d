"""kill -9, Ctrl-C and full disks: the rerun ends, no row lost, none doubled, no process left."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flows.commands import ROOT, Commands, kill, wait_for
from tests.flows.engine.running import own

ROWS = 300


def slow_pipeline(commands: Commands, rows: int = ROWS, **params: Any) -> str:
    def add(name: str, after: str) -> dict[str, Any]:
        calls = str(commands.folder / f"calls-{name}")
        return {"name": name, "use": own("Add"), "after": after, "with": {"column": name, "calls": calls, **params}}

    second = {**add("b", "a"), "resources": {"replicas": 2}, "batch_size": 5}
    load = {"name": "load", "use": own("Numbers"), "with": {"rows": rows}, "batch_size": 10}
    return commands.write([load, {**add("a", "load"), "batch_size": 10}, second])


def made(commands: Commands) -> int:
    path = commands.folder / "calls-b"
    return len(path.read_text().split()) if path.exists() else 0


@pytest.mark.parametrize("at", [0, 1, 57, 150, 299], ids=lambda at: f"after-{at}-rows")
def test_a_run_that_was_killed_goes_on_where_it_was(commands: Commands, at: int) -> None:
    process = commands.start("run", slow_pipeline(commands, sleep_s=0.02), "--run-id", "r", "--no-prefect")
    wait_for(lambda: made(commands) >= at if at else (commands.folder / "runs/r/run.json").exists())
    kill(process)
    process.communicate()
    commands.wait_until_gone()

    ended = commands("resume", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert [row["i"] for row in commands.rows()] == list(range(ROWS))
    again = made(commands) - ROWS
    assert 0 <= again <= 2 * 2 * 5  # two workers with two batches each may have been at work


@pytest.mark.parametrize("left", [b"", b'{"run_id": "r", "pip', b"\0" * 400], ids=["empty", "torn", "zeros"])
def test_a_run_whose_report_a_power_cut_took_is_told_how_to_go_on(commands: Commands, left: bytes) -> None:
    assert commands("run", slow_pipeline(commands, 20), "--run-id", "r", "--no-prefect").code == 0
    (commands.folder / "runs/r/run.json").write_bytes(left)
    (commands.folder / "runs/r/quarantine.jsonl").write_bytes(left + b"\n12\n{}\n")

    for command in ("resume", "show", "stop"):
        ended = commands(command, "r")
        assert ended.code == 1
        assert "[unreadable-run]" in ended.err
        assert "Traceback" not in ended.err
    typed = ended.err.rpartition("what is finished is kept: ")[2].replace("\n", "")
    again = commands(*shlex.split(typed)[1:], "--no-prefect")

    assert again.code == 0, again.err
    assert made(commands) == 20
    assert len(commands.rows()) == 20
    assert "unreadable" not in commands("runs").out


def test_a_killed_engine_is_started_again(commands: Commands) -> None:
    process = commands.start("run", slow_pipeline(commands, sleep_s=0.02), "--run-id", "r", "--no-prefect")
    wait_for(lambda: made(commands) >= 50)
    [engine] = [found for found in commands.processes() if "flows.runners.engine_process" in found.cmdline()]
    kill(engine)
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert [row["i"] for row in commands.rows()] == list(range(ROWS))


def test_workers_end_with_their_engine_though_their_step_goes_on(commands: Commands) -> None:
    process = commands.start("run", slow_pipeline(commands, sleep_s=60), "--run-id", "r", "--no-prefect")
    events = commands.folder / "runs/r/events.jsonl"
    wait_for(lambda: events.exists() and '"ready"' in events.read_text())
    kill(process)
    process.communicate()

    commands.wait_until_gone(timeout_s=10)


def test_a_killed_worker_is_replaced(commands: Commands) -> None:
    process = commands.start("run", slow_pipeline(commands, sleep_s=0.02), "--run-id", "r", "--no-prefect")
    wait_for(lambda: made(commands) >= 50)
    events = (commands.folder / "runs/r/events.jsonl").read_text()
    pids = [int(line.split('"pid":')[1].split(",")[0]) for line in events.splitlines() if '"worker"' in line and '"b"' in line]
    kill(next(found for found in commands.processes() if found.pid in pids))
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert [row["i"] for row in commands.rows()] == list(range(ROWS))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_run_that_is_stopped_keeps_finished_rows_and_goes_on_later(commands: Commands, number: signal.Signals) -> None:
    process = commands.start("run", slow_pipeline(commands, sleep_s=0.02), "--run-id", "r", "--no-prefect")
    wait_for(lambda: made(commands) >= 50)
    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == 130
    assert commands.report()["state"] == "stopped"
    kept = [row["i"] for row in commands.rows()]
    assert 50 <= len(kept) < ROWS
    assert commands("resume", "r", "--no-prefect").code == 0
    assert [row["i"] for row in commands.rows()] == list(range(ROWS))
    assert made(commands) == ROWS


def test_another_process_can_stop_a_run(commands: Commands) -> None:
    process = commands.start("run", slow_pipeline(commands, rows=20 * ROWS, sleep_s=0.02), "--run-id", "r", "--no-prefect")
    wait_for(lambda: made(commands) >= 20)

    assert commands("stop", "r").code == 0

    process.communicate(timeout=60)
    assert process.returncode == 130
    assert commands.report()["state"] == "stopped"


def test_two_processes_do_not_work_on_one_run(commands: Commands) -> None:
    process = commands.start("run", slow_pipeline(commands, rows=10 * ROWS, sleep_s=0.02), "--run-id", "r", "--no-prefect")
    wait_for(lambda: made(commands) >= 20)

    second = commands("resume", "r", "--no-prefect")

    assert second.code == 1
    assert "another process" in second.err
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_full_disk_ends_the_run_with_what_to_do_and_loses_nothing(commands: Commands) -> None:
    runs = commands.folder / "runs"
    runs.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(runs)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        pipeline = slow_pipeline(commands, rows=60000)
        ended = commands("run", pipeline, "--run-id", "r", "--no-prefect")
        assert ended.code == 1
        assert "disk is full" in ended.err or "cannot be written" in ended.err
        assert "Traceback" not in ended.err
        subprocess.run(["mount", "-o", "remount,size=200m", str(runs)], check=True)

        assert commands("run", pipeline, "--run-id", "r", "--no-prefect").code == 0
        assert len(commands.rows()) == 60000
    finally:
        commands.wait_until_gone()
        subprocess.run(["umount", str(runs)], check=True)


SCRIPT = """
from flows import Pipeline
from steps.base import Batch, Step
from steps.sources import LoadDataFromDicts


class Louder(Step):
    inputs = ("text",)

    def process(self, batch: Batch) -> Batch:
        return [{**row, "text": row["text"].upper()} for row in batch]


with Pipeline("louder") as pipeline:
    _ = LoadDataFromDicts(data=[{"text": "a"}]) >> Louder()

GUARDprint(pipeline.run()["default"]["train"][0])
"""


@pytest.mark.parametrize("guard", ["", 'if __name__ == "__main__":\n    '])
def test_a_script_without_a_guard_starts_one_run_only_and_is_told(tmp_path: Path, guard: str) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.replace("GUARD", guard))

    ended = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert len(list((tmp_path / "runs").glob("louder-*"))) == 1
    assert ("'text': 'A'" in ended.stdout) is bool(guard)
    assert ('if __name__ == "__main__":' in ended.stderr) is not bool(guard)
