"""The command line: exit codes, words, and what it leaves behind."""

from __future__ import annotations

import inspect
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from typer.models import CommandInfo
from typer.testing import CliRunner

from flows.catalogue import describe, describe_all, heading_of
from flows.cli.commands import cli
from flows.engine.options import RunOptions
from flows.engine.tally import Tally
from flows.runs import RunFolder, RunReport
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.commands import ROOT, Commands
from tests.flows.engine.running import own

LOAD: dict[str, Any] = {"name": "load", "use": own("Numbers"), "with": {"rows": 6}}


def add(**params: Any) -> dict[str, Any]:
    return {"name": "add", "use": own("Add"), "after": "load", "with": params}


def test_all_rows_is_0_and_the_result_is_told(commands: Commands) -> None:
    ended = commands("run", commands.write([LOAD, add()]), "--run-id", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert "Finished: 6 rows in 'default'" in ended.out
    assert "runs/r/distiset" in ended.out
    assert len(commands.rows()) == 6


def test_rows_in_quarantine_are_3_and_can_be_tried_again(commands: Commands) -> None:
    pipeline = commands.write([LOAD, add(raise_at=[2])])

    first = commands("run", pipeline, "--run-id", "r", "--no-prefect")
    retried = commands("retry", "r", "--no-prefect")

    assert (first.code, retried.code) == (3, 3)
    assert "distilflow retry r" in first.out
    assert "1 row is tried again" in retried.err
    reason, fix, look, again, retry = first.out.splitlines()[-5:]
    assert reason.startswith("  1 × [row-failed] step 'add': ")
    assert fix.startswith("    Fix: ")
    assert look == "  Look at it: distilflow show r"
    assert again == "  Once it is mended in the pipeline: distilflow run FILE --run-id r"
    assert retry == "  Once it is mended elsewhere: distilflow retry r"
    assert [row["i"] for row in commands.rows()] == [0, 1, 3, 4, 5]


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


def run_with_quarantine(commands: Commands, url: str) -> None:
    """Run `r`: three rows that are asked about, some of which stay in quarantine."""
    data = [{"instruction": word} for word in ("one", "two", "three")]
    llm = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1"}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}
    assert commands("run", commands.write([load, ask]), "--run-id", "r", "--no-prefect").code == 3


def test_a_retry_that_helps_ends_with_all_rows(commands: Commands) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("two", Fault.CONTENT_FILTER)]))
    with running(fake) as url:
        run_with_quarantine(commands, url)
        fake.behaviour = Behaviour()

        assert commands("retry", "r", "--no-prefect").code == 0

    assert [row["instruction"] for row in commands.rows()] == ["one", "two", "three"]
    assert fake.stats.by_prompt == {"one": 1, "two": 2, "three": 1}


def test_rows_of_one_reason_are_tried_again_and_the_others_stay(commands: Commands) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("two", Fault.CONTENT_FILTER), Rule("three", Fault.CONTEXT_LENGTH)]))
    with running(fake) as url:
        run_with_quarantine(commands, url)
        folder = RunFolder(commands.folder / "runs" / "r")
        codes = {line["row"]["instruction"]: line["code"] for line in folder.quarantined()}
        assert codes.keys() == {"two", "three"}
        assert codes["two"] != codes["three"]
        fake.behaviour = Behaviour()

        unknown = commands("retry", "r", "--no-prefect", "--reason", "gone")
        some = commands("retry", "r", "--no-prefect", "--step", "ask", "--reason", codes["two"])

        assert (unknown.code, f"ask {codes['two']}" in unknown.err) == (2, True)
        assert (some.code, "1 row is tried again" in some.err) == (3, True)
        assert [row["instruction"] for row in commands.rows()] == ["one", "two"]
        assert [line["code"] for line in folder.quarantined()] == [codes["three"]]
        assert commands("retry", "r", "--no-prefect").code == 0

    assert fake.stats.by_prompt == {"one": 1, "two": 2, "three": 2}


def test_a_retry_that_cannot_start_leaves_the_quarantine_as_it_was(commands: Commands) -> None:
    commands.environment |= {"THE_KEY": "sk-test"}
    with running(FakeOpenAI(Behaviour(rules=[Rule("", Fault.CONTENT_FILTER)]))) as url:
        llm = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", "api_key": "${THE_KEY}"}
        load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "one"}]}}
        ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}
        assert commands("run", commands.write([load, ask]), "--run-id", "r", "--no-prefect").code == 3
        held = (commands.folder / "runs/r/quarantine.jsonl").read_bytes()
        del commands.environment["THE_KEY"]

        retried = commands("retry", "r", "--no-prefect")

    assert (retried.code, "THE_KEY" in retried.err) == (2, True), retried.err
    assert "tried again" not in retried.err
    assert (commands.folder / "runs/r/quarantine.jsonl").read_bytes() == held


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


def test_a_preview_shows_rows_and_keeps_nothing(commands: Commands) -> None:
    ended = commands("preview", commands.write([LOAD, add()]), "--rows", "2", "--no-prefect")

    assert ended.code == 0, ended.err
    assert "row 2" in ended.out
    assert "row 3" not in ended.out
    assert sorted(path.name for path in commands.folder.iterdir()) == ["pipeline.yaml"]


def test_what_rows_hold_does_not_steer_the_terminal(commands: Commands) -> None:
    data = [{"instruction": "a\x1b[2Jb\x07\x9b1mc é 日\td", "\x1b]0;x\x07": 1}]
    commands.write([{"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}])

    ended = commands("preview", "pipeline.yaml")

    assert ended.code == 0, ended.err
    assert "a[2Jb1mc é 日 d" in ended.out
    assert not any(letter in ended.out + ended.err for letter in "\x1b\x07\x9b")


def test_the_catalogue_is_data_too(commands: Commands) -> None:
    everything = json.loads(commands("steps", "--json").out)
    one = json.loads(commands("steps", "UltraFeedback", "--json").out)

    assert {"LoadDataFromHub", "TextGeneration", "KeepColumns"} <= {entry["name"] for entry in everything}
    assert one["inputs"] == ["instruction", "generations"]
    assert commands("steps", "UltraFedback").code == 2


@pytest.mark.parametrize("name", ["UltraFeedback", "OpenAILLM", "sample_n_steps", "CombineOutputs", "EvolInstruct"])
def test_a_component_is_described_whole_however_narrow_the_terminal(tmp_path: Path, name: str) -> None:
    entry = describe(name)
    papers = [paper["title"] for paper in entry["papers"]]

    shown = Commands(tmp_path, COLUMNS="60")("steps", name).out

    for text in [
        entry["import_line"],
        entry["summary"],
        *papers,
        *(parameter["description"] for parameter in entry["parameters"]),
    ]:
        assert " ".join(text.split()) in " ".join(shown.split())
    assert " ".join(entry["text"].split()) in " ".join(shown.split())
    assert ("Parameters" in shown) == bool(entry["parameters"])
    assert [line for line in shown.splitlines() if line != line.rstrip()] == []


def test_a_long_default_is_cut_and_all_of_it_is_data(commands: Commands) -> None:
    shown = commands("steps", "EvolInstruct").out
    [templates] = [
        one
        for one in json.loads(commands("steps", "EvolInstruct", "--json").out)["parameters"]
        if one["name"] == "mutation_templates"
    ]

    assert "All of the default: distilflow steps EvolInstruct --json" in shown
    assert templates["default"]["CONSTRAINTS"] not in shown
    assert len(templates["default"]["CONSTRAINTS"]) > 100


def test_columns_that_are_only_used_where_they_are_there_are_told_apart(commands: Commands) -> None:
    shown = commands("steps", "FormatTextGenerationDPO").out

    assert "Needs: instruction, generations, ratings\n" in shown
    assert "Can use, where a row has them: system_prompt, generation_models\n" in shown


def test_everything_that_a_pipeline_may_name_is_listed(tmp_path: Path) -> None:
    listed = Commands(tmp_path, COLUMNS="80")("steps").out

    assert all(f"\n{heading_of(entry)}\n" in listed for entry in describe_all())
    assert all(f"\n{entry['name']} " in listed for entry in describe_all())
    assert [line for line in listed.splitlines() if len(line) > 80 or line != line.rstrip()] == []


def test_a_group_or_what_has_a_word_is_listed_alone(commands: Commands) -> None:
    filters, found = commands("steps", "--group", "filters").out, commands("steps", "--search", "dedup").out
    both = commands("steps", "--group", "columns", "--search", "dedup", "--json").out

    for listed, is_there in ((filters, "ValidateJSON"), (found, "EmbeddingDedup")):
        assert "MinHashDedup" in listed
        assert is_there in listed
        assert "TextGeneration" not in listed
    assert {entry["group"] for entry in json.loads(both)} == {"columns"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--group", "filtrs"], "there is no group 'filtrs'. Did you mean 'filters'?"),
        (["--search", "dedpu"], "nothing has 'dedpu' in its name, columns or description. Did you mean 'dedup'?"),
        (["UltraFeedback", "--group", "ask"], "leave out 'UltraFeedback'"),
    ],
    ids=["group", "word", "both"],
)
def test_a_list_of_nothing_says_so(commands: Commands, arguments: list[str], said: str) -> None:
    ended = commands("steps", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_new_pipeline_can_be_previewed_at_once(commands: Commands) -> None:
    assert commands("new", "mine").code == 0
    assert commands("preview", "mine.yaml").code == 0
    assert commands("new", "mine").code == 2


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


def test_an_unknown_run_is_2(commands: Commands) -> None:
    ended = commands("resume", "r")

    assert (ended.code, "there is no run 'r'" in ended.err) == (2, True)


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


def test_a_run_that_began_without_prefect_goes_on_without(tmp_path: Path) -> None:
    commands = Commands(tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api")  # where nobody is
    assert commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect").code == 0

    assert commands("resume", "r").code == 0


# ---- help


def _words(text: str) -> list[str]:
    """Its words, without what markup and frames add to them."""
    return re.sub(r"[`│]", "", text).split()


def _help(*command: str) -> list[str]:
    return _words(CliRunner().invoke(cli, [*command, "--help"], env={"TERMINAL_WIDTH": "120"}).output)


@pytest.mark.parametrize("command", cli.registered_commands, ids=lambda command: command.callback.__name__)
def test_a_help_text_shows_every_word_that_was_written(command: CommandInfo) -> None:
    assert command.callback is not None
    function = command.callback
    text = inspect.cleandoc(function.__doc__ or "")
    hints = get_type_hints(function, include_extras=True).values()
    helps = [option.help for hint in hints for option in getattr(hint, "__metadata__", ()) if option.help]

    assert set(_words(text.partition("\n")[0])) <= set(_help())
    assert set(_words(" ".join([text, *helps]))) <= set(_help(function.__name__))


# ---- what was run


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


def test_rows_that_stay_in_quarantine_are_nothing_to_do(commands: Commands) -> None:
    commands("run", commands.write([LOAD, add(raise_at=[2])]), "--run-id", "r", "--no-prefect")

    assert "Nothing was left to do" in commands("resume", "r", "--no-prefect").out
    assert "Reused 5 of 6" in commands("retry", "r", "--no-prefect").out


def test_the_result_is_named_by_its_whole_path(commands: Commands) -> None:
    where = f"Distiset: {commands.folder}/runs/r/distiset\n"

    assert where in commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect").out
    assert where in commands("resume", "r", "--no-prefect").out


def test_a_retry_of_nothing_runs_nothing_and_points_to_resume(commands: Commands) -> None:
    commands("run", commands.write([LOAD]), "--run-id", "r", "--max-rows", "2", "--no-prefect")

    ended = commands("retry", "r", "--max-rows", "6", "--no-prefect")

    assert (ended.code, "[nothing-to-retry]" in ended.err, "distilflow resume r" in ended.err) == (2, True, True)
    assert commands.report()["sessions"] == 1


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


def test_the_version_is_told(commands: Commands) -> None:
    ended = commands("--version")

    assert (ended.code, ended.out) == (0, f"distilflow {version('distilflow')}\n")


def test_a_run_that_is_over_cannot_be_stopped(commands: Commands) -> None:
    commands("run", commands.write([LOAD]), "--run-id", "r", "--no-prefect")

    ended = commands("stop", "r")

    assert ended.code == 2
    assert ended.err.startswith("[not-running] run 'r' is not at work: it is finished")
    assert "distilflow show r" in ended.err


def test_how_to_go_on_names_the_run(commands: Commands) -> None:
    llm = {"use": "OpenAILLM", "model": "m", "base_url": "http://127.0.0.1:9/v1", "max_retries": 0}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "x"}]}}
    pipeline = commands.write([load, {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}])

    assert "`distilflow resume r`" in commands("run", pipeline, "--run-id", "r", "--no-prefect").err


# ---- what is no pipeline, and pushing


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


# ---- info


def test_info_names_every_parameter_that_can_be_set_with_its_value(commands: Commands) -> None:
    llm = {"use": "OpenAILLM", "model": "m", "api_key": "${OPENAI_API_KEY}", "generation_kwargs": {"temperature": 0.5}}
    ask = {
        "name": "ask",
        "use": "TextGeneration",
        "after": "load",
        "with": {"llm": llm, "columns": ["i"], "template": "{{ i }}"},
        "batch_size": 8,
    }

    ended = commands("info", commands.write([LOAD, ask]), "--param", "ask.num_generations=3")

    shown = {line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line.startswith("  ")}
    assert ended.code == 0, ended.err
    assert shown["ask.num_generations"] == ["3"]
    assert shown["ask.llm.model"] == ["m"]
    assert shown["load.rows"] == ["6"]
    assert json.loads(" ".join(shown["ask.llm.generation_kwargs"]))["temperature"] == 0.5
    assert shown["load.batch_size"] == ["50"]
    assert " ".join(shown["ask.batch_size"]).startswith("8 (changes nothing: rows are asked about as they come")
    assert " ".join(shown["ask.pool"]) == "async (chosen by itself)"
    assert " ".join(shown["ask.resources"]).startswith('{"replicas": 1} (its keys: replicas, cpus, gpus')


def test_info_says_why_a_parameter_cannot_be_set(commands: Commands) -> None:
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"columns": ["i"], "template": "{{ i }}"}}
    odd = {"name": "odd", "use": "KeepColumns", "after": "ask", "with": {"columns": 5}}
    file = commands.write([LOAD, ask, odd])

    told = commands("info", file, "--json")
    text = commands("info", file).out

    steps = {step["name"]: step for step in json.loads(told.out)["steps"]}
    [llm] = [one for one in steps["ask"]["parameters"] if one["path"].startswith("ask.llm")]
    assert (llm["path"], llm["value"]["use"]) == ("ask.llm", "RehearsalLLM")
    assert "name a whole model" in llm["note"]
    assert steps["odd"]["why_not"] == "`columns`: should be a list; seen 5"
    assert "nothing can be set, since it cannot be made as it stands: `columns`: should be a list; seen 5" in text


def test_info_shows_what_it_can_of_a_pipeline_with_problems(commands: Commands) -> None:
    ended = commands("info", commands.write([LOAD, {"name": "odd", "use": "NoSuchStep", "after": "load"}]), "--json")

    told = json.loads(ended.out)
    assert (ended.code, told["problems"]) == (0, 1)
    assert [(step["name"], step["parameters"] is None) for step in told["steps"]] == [("load", False), ("odd", True)]
    assert "1 problem" in ended.err
