"""`distilflow runs` and `show`: what was run, and what came of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flows.engine.options import RunOptions
from flows.engine.tally import Tally
from flows.runs import RunFolder, RunReport
from tests.flows.cli.pipelines import LOAD, add
from tests.flows.commands import Commands
from tests.flows.engine.running import own


def test_runs_are_listed_and_shown(commands: Commands) -> None:
    assert "There are no runs" in commands("runs").err
    commands("run", commands.write([LOAD, add(raise_at=[2, 4])]), "--run-id", "first", "--no-prefect")
    commands("run", commands.write([LOAD], name="other.yaml"), "--run-id", "second", "--no-prefect")

    listed, shown = commands("runs"), commands("show", "first")

    assert (listed.code, shown.code) == (0, 0)
    header, newest, oldest = listed.out.splitlines()
    assert header.split() == ["id", "pipeline", "state", "rows", "quarantined", "started", "duration"]  # no cost, no kinds
    assert newest.split()[:4] == ["second", "test", "finished", "6"]
    assert oldest.split()[:5] == ["first", "test", "finished", "4", "2"]
    assert "2 × [row-failed] step 'add'" in shown.out
    assert "distilflow retry first" in shown.out
    assert "default, row 2" in shown.out
    assert f'Distiset.load_from_disk("{commands.folder}/runs/first/distiset")' in shown.out


def saved(commands: Commands, run_id: str, **more: Any) -> RunFolder:
    """A run of which only the report is there."""
    folder = RunFolder(commands.folder / "runs" / run_id)
    folder.path.mkdir(parents=True)
    folder.save_report(RunReport(run_id=run_id, pipeline="test", **more))
    return folder


def test_runs_tell_who_waits_what_is_made_up_and_what_it_cost(commands: Commands) -> None:
    saved(commands, "made-up", state="finished", is_rehearsal=True)
    saved(commands, "again", state="finished", options=RunOptions(is_replay=True))
    held = saved(commands, "held", state="running", message="waiting for the server", usage=Tally(2, known_cost=0.5))

    with held.locked():
        listed, shown = commands("runs").out, commands("show", "held").out

    header, *lines = listed.splitlines()
    assert header.split()[:7] == ["id", "pipeline", "state", "kind", "rows", "quarantined", "cost"]
    assert {tuple(line.split()[:4]) for line in lines[1:]} == {
        ("made-up", "test", "finished", "rehearsal"),
        ("again", "test", "finished", "replay"),
    }
    assert lines[0].split()[:4] == ["held", "test", "waiting", "$0.50"]
    assert "Run held: waiting\nwaiting for the server\n" in shown


@pytest.mark.parametrize(
    ("codes", "is_rehearsal", "helps"),
    [
        (["bad-reply"], False, True),
        (["missing-key", "rate-limited"], False, True),
        (["missing-key", "context-too-long", "row-failed"], False, False),
        (["bad-reply"], True, False),
    ],
    ids=["another reply", "some", "the same again", "the same reply"],
)
def test_rows_are_to_be_tried_again_at_once_only_where_that_may_help(
    commands: Commands, codes: list[str], is_rehearsal: bool, helps: bool
) -> None:
    folder = saved(commands, "r", state="finished", is_rehearsal=is_rehearsal)
    lines = [{"step": "ask", "step_key": "00", "id": "0", "key": "00", "code": code, "message": "no"} for code in codes]
    folder.quarantine.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    shown = commands("show", "r").out

    assert ("again: distilflow retry r" in shown) is helps, shown
    assert ("Once it is mended in the pipeline: distilflow run FILE --run-id r" in shown) is not helps


def test_the_result_of_an_earlier_session_is_shown_while_there_is_no_other(commands: Commands) -> None:
    assert commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect").code == 0
    total = {"name": "t", "use": own("Total"), "after": "load", "with": {"fails": True}}
    assert commands("run", commands.write([LOAD, total]), "--run-id", "r", "--no-prefect").code == 1

    failed = commands("show", "r").out
    with RunFolder(commands.folder / "runs/r").locked():
        at_work = commands("show", "r").out

    for shown in (failed, at_work):
        assert "Rows: 6 in 'default', the result of an earlier session" in shown
        assert "Distiset.load_from_disk" in shown
    assert "distilflow resume r" in failed
    assert "It is at work" in at_work


def test_what_show_says_loads_the_result(commands: Commands) -> None:
    commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect")
    lines = commands("show", "r").out.splitlines()
    at = lines.index("In Python:")

    names: dict[str, Any] = {}
    exec("\n".join(line.strip() for line in lines[at + 1 : at + 3]), names)

    assert names["distiset"]["default"]["train"].num_rows == 6


def test_a_run_that_failed_is_shown_with_its_reason(commands: Commands) -> None:
    total = {"name": "t", "use": own("Total"), "after": "load", "with": {"fails": True}}
    commands("run", commands.write([LOAD, total]), "--run-id", "r", "--runs-dir", "kept here", "--no-prefect")

    shown = commands("show", "r", "--runs-dir", "kept here")

    assert shown.code == 0
    assert "Run r: failed" in shown.out
    assert "no total today" in shown.out
    assert "distilflow resume r --runs-dir 'kept here'" in shown.out


def test_a_run_that_is_not_there_cannot_be_shown(commands: Commands) -> None:
    assert commands("show", "r").code == 2
