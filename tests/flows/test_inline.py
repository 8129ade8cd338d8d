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
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import Restartable
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


def test_a_run_that_waits_for_its_server_says_so_wherever_it_is_looked_at(tmp_path: Path) -> None:
    with Restartable(FakeOpenAI(Behaviour(latency_s=0.02))) as server:
        data = [{"instruction": str(number)} for number in range(200)]
        llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{server.url}/v1", "max_concurrency": 8}
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}},
        ]
        run, shown = RunFolder(tmp_path / "r"), list[str]()

        def restart() -> None:
            while len(run.newest_rows("answer")) < 10:
                time.sleep(0.02)
            server.stop()
            while not run.report().message:
                time.sleep(0.02)
            shown.append(run.report().message)
            server.start()

        threading.Thread(target=restart, daemon=True).start()
        run_inline(plan(spec_from({"distilflow": 1, "steps": steps})[0]), tmp_path, run_id="r")

    report, states = run.report(), [event for event in run.read_events()[0] if event.type == "run"]
    assert (report.state, report.message, report.rows) == ("finished", "", {"default": 200})
    assert [event.state for event in states] == ["running", "running", "running", "finishing", "finished"]
    assert [states[1].message, states[2].message] == [*shown, ""]
    assert shown[0] in run.log.read_text()
    assert "answers again" in run.log.read_text()


def test_a_preview_pushes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    load = {"name": "load", "use": own("Numbers"), "with": {"rows": 20}}
    push = {"name": "push", "use": "PushToHub", "after": "load", "with": {"repo_id": "acme/toys"}}
    planned = plan(spec_from({"distilflow": 1, "steps": [load, push]})[0])

    shown = preview(planned, 3, runs_dir=tmp_path)

    assert len(shown.rows["push"]) == 3
    assert planned.steps["push"].step.push  # type: ignore[attr-defined] # the plan itself still does


@pytest.mark.parametrize(
    ("step", "is_made_up"),
    [
        ({"use": "KeepColumns", "with": {"columns": ["text"]}}, False),
        ({"use": "TextGeneration", "input_mappings": {"instruction": "text"}}, True),
        ({"use": "EmbeddingGeneration"}, True),
        (
            {
                "use": "RewardModelScore",
                "with": {"model": "a/b", "made_up": True},
                "input_mappings": {"instruction": "text", "response": "text"},
            },
            True,
        ),
    ],
    ids=lambda one: one.get("use", "") if isinstance(one, dict) else "",
)
def test_a_result_is_marked_as_made_up_whatever_kind_of_model_was_stood_in_for(
    tmp_path: Path, step: dict[str, object], is_made_up: bool
) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": "a word"}]}}
    spec, _ = spec_from({"distilflow": 1, "steps": [load, {"name": "s", "after": "load", **step}]})

    folder = run_inline(plan(spec), tmp_path / "runs", run_id="r")

    assert folder.report().is_rehearsal is is_made_up
    assert ("rehearsal" in (folder.distiset / "README.md").read_text()) is is_made_up
