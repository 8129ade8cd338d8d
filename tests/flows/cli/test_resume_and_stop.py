"""`distilflow resume` and `stop`: a run goes on as it began, and one that is over does not."""

from __future__ import annotations

from pathlib import Path

from tests.flows.cli.pipelines import LOAD
from tests.flows.commands import Commands


def test_a_run_goes_on_from_another_folder(commands: Commands) -> None:
    (commands.folder / "rows.csv").write_text("i\n1\n2\n")
    load = {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": "rows.csv"}}
    assert commands("run", commands.write([load]), "--run-id", "r", "--no-prefect").code == 0
    elsewhere = Commands(commands.folder / "elsewhere")
    elsewhere.folder.mkdir()

    ended = elsewhere("resume", "r", "--runs-dir", "../runs", "--no-prefect")

    assert ended.code == 0, ended.err


def test_a_run_that_goes_on_is_asked_for_the_same_unless_told_otherwise(commands: Commands) -> None:
    commands("run", commands.write([LOAD]), "--run-id", "r", "--max-rows", "2", "--output", "out", "--no-prefect")
    same = commands("resume", "r", "--no-prefect")
    again = commands.report()["options"]
    more = commands("resume", "r", "--max-rows", "3", "--no-prefect")

    assert (same.code, more.code) == (0, 0), same.err + more.err
    assert (again["max_rows"], again["output"]) == (2, str(commands.folder / "out"))
    assert (commands.report()["options"]["max_rows"], commands.report()["rows"]) == (3, {"default": 3})


def test_an_unknown_run_is_2(commands: Commands) -> None:
    ended = commands("resume", "r")

    assert (ended.code, "there is no run 'r'" in ended.err) == (2, True)


def test_a_run_that_began_without_prefect_goes_on_without(tmp_path: Path) -> None:
    commands = Commands(tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api")  # where nobody is
    assert commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect").code == 0

    assert commands("resume", "r").code == 0


def test_a_run_that_is_over_cannot_be_stopped(commands: Commands) -> None:
    commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect")

    ended = commands("stop", "r")

    assert ended.code == 2
    assert ended.err.startswith("[not-running] run 'r' is not at work: it is finished")
    assert "distilflow show r" in ended.err
