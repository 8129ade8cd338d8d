"""Running without Prefect, also where an event loop runs already."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from flows.plan import plan
from flows.runners.inline import preview, run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from tests.flows.engine.running import own


@pytest.fixture(autouse=True)
def own_steps_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_steps")


def test_interrupting_a_notebook_stops_the_run_and_keeps_finished_rows(tmp_path: Path) -> None:
    steps = [
        {"name": "load", "use": own("Numbers"), "batch_size": 1, "with": {"rows": 500}},
        {"name": "add", "use": own("Add"), "after": "load", "batch_size": 1, "with": {"sleep_s": 0.02}},
    ]
    planned = plan(spec_from({"distilflow": 1, "steps": steps})[0])
    run = RunFolder(tmp_path / "r")

    def interrupt() -> None:
        while not run.newest_rows("add"):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    async def cell() -> RunFolder:
        return run_inline(planned, tmp_path, run_id="r")

    threading.Thread(target=interrupt, daemon=True).start()
    with closing(asyncio.new_event_loop()) as loop:  # as a notebook has it: asyncio.run would catch the signal itself
        loop.run_until_complete(cell())

    report = run.report()
    assert report.state == "stopped"
    assert 0 < report.rows["default"] < 500


def test_a_preview_shows_every_row_it_took(tmp_path: Path) -> None:
    steps = [
        {"name": "load", "use": own("Numbers"), "with": {"rows": 500}},
        {"name": "add", "use": own("Add"), "after": "load"},
        {"name": "twice", "use": own("Twice"), "after": "add"},
    ]
    planned = plan(spec_from({"distilflow": 1, "steps": steps})[0])

    shown = preview(planned, 30, runs_dir=tmp_path)

    assert {name: len(rows) for name, rows in shown.rows.items()} == {"load": 30, "add": 30, "twice": 60}
