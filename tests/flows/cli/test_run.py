"""`distilflow run`: exit codes, words, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.cli.pipelines import LOAD, add
from tests.flows.commands import ROOT, Commands
from tests.flows.engine.running import own


def test_all_rows_is_0_and_the_result_is_told(commands: Commands) -> None:
    ended = commands("run", commands.write([LOAD, add()]), "--run-id", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert "Finished: 6 rows in 'default'" in ended.out
    assert "runs/r/distiset" in ended.out
    assert len(commands.rows()) == 6


def test_fewer_rows_than_a_step_wants_are_3_and_told_with_what_to_do(commands: Commands) -> None:
    until = {
        "name": "until",
        "use": "GenerateUntil",
        "after": "load",
        "with": {"num_rows": 10, "unique": ["i"], "max_rounds": 2},
    }

    ended = commands("run", commands.write([LOAD, until]), "--run-id", "r", "--no-prefect")
    shown = commands("show", "r")

    assert ended.code == 3, ended.err
    what = "step 'until': 6 of 10 rows, and the source has no more"
    told = [f"Fewer rows: {what}", "  Fix: loosen what counts, let the source make other rows, or raise max_rounds"]
    assert ended.out.splitlines()[-2:] == told
    assert "\n".join(told) in shown.out
    assert shown.out.count(what) == 1
    assert commands.report()["message"] == what
    assert len(commands.rows()) == 6


def test_rows_that_none_is_left_to_be_matched_with_are_3_and_told(commands: Commands) -> None:
    short = {"name": "short", "use": "NumberedRows", "with": {"num_rows": 4}}
    join = {"name": "join", "use": "CombineOutputs", "after": ["load", "short"]}

    ended = commands("run", commands.write([LOAD, short, join]), "--run-id", "r", "--no-prefect")

    assert ended.code == 3, ended.err
    assert "Fewer rows: step 'join': of 'load' only the first 4 rows are matched, since 'short' gave no more" in ended.out


def test_a_wrong_pipeline_is_2_with_every_problem_and_no_traceback(commands: Commands) -> None:
    ended = commands("run", commands.write([LOAD, {**add(), "use": "Addd"}, {"name": "x", "use": "KeepColumns"}]))

    assert ended.code == 2
    assert "[unknown-step]" in ended.err
    assert "[missing-parameter]" in ended.err
    assert "Traceback" not in ended.err


def test_a_missing_file_is_2(commands: Commands) -> None:
    ended = commands("run", "nothing.yaml")

    assert (ended.code, "there is no file nothing.yaml" in ended.err) == (2, True)


def test_wrong_arguments_are_2(commands: Commands) -> None:
    assert commands("run").code == 2
    assert commands("run", commands.write([LOAD]), "--max-rows", "none").code == 2
    assert commands("run", commands.write([LOAD]), "--param", "nonsense").code == 2


def test_a_server_that_is_down_is_1_and_says_how_to_go_on(commands: Commands) -> None:
    llm = {"use": "OpenAILLM", "model": "m", "base_url": "http://127.0.0.1:9/v1", "max_retries": 1}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "x"}]}}
    pipeline = commands.write([load, {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}])

    ended = commands("run", pipeline, "--run-id", "r", "--no-prefect")

    assert ended.code == 1
    assert "127.0.0.1:9" in ended.err
    assert "`distilflow resume r`: what is finished is kept" in ended.err
    assert "Traceback" not in ended.err
    assert commands.report()["state"] == "failed"
    assert "resume the run" in commands.report()["message"]


def test_a_failing_step_over_all_rows_is_1(commands: Commands) -> None:
    total = {"name": "t", "use": own("Total"), "after": "load", "with": {"fails": True}}

    ended = commands("run", commands.write([LOAD, total]), "--run-id", "r", "--no-prefect")

    assert ended.code == 1
    assert "step 't'" in ended.err
    assert "no total today" in ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b'{"a": "\xff\xfe"}\n', "UTF-8"), (b'{"a": 1}\nnot json\n', "rows.jsonl:2")],
    ids=["empty", "not-utf-8", "not-json"],
)
def test_a_bad_input_file_is_told_by_name(commands: Commands, content: bytes, said: str) -> None:
    (commands.folder / "rows.jsonl").write_bytes(content)
    load = {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": "rows.jsonl"}}

    ended = commands("run", commands.write([load]), "--run-id", "r", "--no-prefect")

    assert ended.code in (1, 2)
    assert "rows.jsonl" in ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_parameters_are_replaced_by_path(commands: Commands) -> None:
    ended = commands(
        "run", commands.write([LOAD, add()]), "-p", "load.rows=2", "-p", "add.plus=40", "--run-id", "r", "--no-prefect"
    )

    assert ended.code == 0, ended.err
    assert [row["added"] for row in commands.rows()] == [40, 41]


def test_the_result_goes_where_output_says(commands: Commands) -> None:
    ended = commands("run", commands.write([LOAD]), "--run-id", "r", "--output", "made", "--no-prefect")

    assert ended.code == 0, ended.err
    assert sorted(path.name for path in (commands.folder / "made").iterdir()) == [
        ".lineage",
        "README.md",
        "default",
        "pipeline.yaml",
        "report.json",
        "run.log",
    ]


def test_somebody_elses_folder_is_not_replaced(commands: Commands) -> None:
    (commands.folder / "mine").mkdir()
    (commands.folder / "mine" / "thesis.txt").write_text("years of work")

    ended = commands("run", commands.write([LOAD]), "--output", "mine", "--no-prefect")

    assert ended.code == 2
    assert (commands.folder / "mine" / "thesis.txt").read_text() == "years of work"


def test_the_quickstart_rehearses_and_replays(commands: Commands) -> None:
    quickstart = Commands(ROOT)
    runs = str(commands.folder / "runs")
    replayed = quickstart("run", "examples/quickstart.yaml", "--run-id", "a", "--runs-dir", runs, "--no-prefect")
    rehearsed = quickstart("run", "examples/quickstart.yaml", "--rehearse", "--run-id", "b", "--runs-dir", runs, "--no-prefect")

    assert (replayed.code, rehearsed.code) == (0, 0), replayed.err + rehearsed.err
    assert {row["chosen_model"] for row in commands.rows("a")} == {"recorded"}
    assert {row["chosen_model"] for row in commands.rows("b")} == {"rehearsal"}
    assert "rehearsal" in rehearsed.out


@pytest.mark.parametrize("run_id", ["../r", "a/b", "r\n", ".r", ""])
def test_a_run_id_that_is_no_folder_name_is_2(commands: Commands, run_id: str) -> None:
    assert commands("run", commands.write([LOAD]), "--run-id", run_id, "--no-prefect").code == 2


def test_a_runs_folder_that_cannot_be_written_is_told(commands: Commands) -> None:
    (commands.folder / "runs").write_text("a file")

    ended = commands("run", commands.write([LOAD]), "--no-prefect")

    assert ended.code == 1
    assert "cannot be written" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("output", ["runs", "runs/r", "runs/r/ledger"])
def test_a_result_is_not_written_over_the_files_of_its_run(commands: Commands, output: str) -> None:
    ended = commands("run", commands.write([LOAD]), "--run-id", "r", "--output", output, "--no-prefect")

    assert (ended.code, "files of the run itself" in ended.err) == (2, True)
    assert not (commands.folder / "runs" / "r" / "ledger").exists()


def test_a_prefect_server_that_is_not_there_is_told_and_rows_are_kept(tmp_path: Path) -> None:
    commands = Commands(tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api")

    ended = commands("run", commands.write([LOAD]), "--run-id", "r")

    assert ended.code == 1
    assert "http://127.0.0.1:9/api" in ended.err
    assert "PREFECT_API_URL" in ended.err
    assert "Traceback" not in ended.err
    assert commands("resume", "r", "--no-prefect").code == 0


def test_what_was_there_already_is_told(commands: Commands) -> None:
    kept = add(sleep_s=0.001)  # what costs nearly nothing is not recorded
    pipeline = commands.write([LOAD, kept, {**kept, "name": "again", "after": "add"}])
    first = commands("run", pipeline, "--run-id", "r", "--no-prefect")
    nothing = commands("resume", "r", "--no-prefect")
    half = commands("run", pipeline, "-p", "again.plus=2", "--run-id", "r", "--no-prefect")

    assert "were made anew" not in first.out
    assert "Nothing was left to do" not in first.out
    assert "Nothing was left to do" in nothing.out
    assert "Reused 6 of 12 results of steps" in half.out


def test_the_result_is_named_by_its_whole_path(commands: Commands) -> None:
    where = f"Distiset: {commands.folder}/runs/r/distiset\n"

    assert where in commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect").out
    assert where in commands("resume", "r", "--no-prefect").out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["plan", "pipeline.yaml", "--sample", "3"], "add --estimate"),
        (["plan", "pipeline.yaml", "--rehearse", "--llm", "openai/gpt-4o-mini"], "leave one of them out"),
        (["run", "pipeline.yaml", "--rehearse", "--llm", "openai/gpt-4o-mini"], "leave one of them out"),
    ],
    ids=lambda value: value[2] if isinstance(value, list) else "",
)
def test_options_that_contradict_each_other_are_refused(commands: Commands, command: list[str], said: str) -> None:
    commands.write([LOAD])

    ended = commands(*command)

    assert (ended.code, said in ended.err) == (2, True), ended.err


def test_how_to_go_on_names_the_run(commands: Commands) -> None:
    llm = {"use": "OpenAILLM", "model": "m", "base_url": "http://127.0.0.1:9/v1", "max_retries": 0}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "x"}]}}
    pipeline = commands.write([load, {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}])

    assert "`distilflow resume r`" in commands("run", pipeline, "--run-id", "r", "--no-prefect").err


@pytest.mark.parametrize(
    ("name", "said", "fix"),
    [
        ("quickstart.py", "is Python, not a pipeline file", "run it with `python quickstart.py`"),
        ("quickstart.py", "is Python, not a pipeline file", "`pipeline.run(rehearse=True)`"),
        ("rows.jsonl", "is data, not a pipeline", "data_files: rows.jsonl"),
        ("rows.CSV", "is data, not a pipeline", "LoadDataFromFileSystem"),
        ("rows.parquet", "is data, not a pipeline", "distilflow new"),
    ],
)
def test_what_is_no_pipeline_file_is_recognised(commands: Commands, name: str, said: str, fix: str) -> None:
    (commands.folder / name).write_bytes(b"\xff{")

    ended = commands("run", name)

    assert (ended.code, said in ended.err, fix in ended.err) == (2, True, True), ended.err
