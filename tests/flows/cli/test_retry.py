"""`distilflow retry`: rows in quarantine are tried again."""

from __future__ import annotations

from flows.runs import RunFolder
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.cli.pipelines import LOAD, add
from tests.flows.commands import Commands


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


def test_rows_that_stay_in_quarantine_are_nothing_to_do(commands: Commands) -> None:
    commands("run", commands.write([LOAD, add(raise_at=[2])]), "--run-id", "r", "--no-prefect")

    assert "Nothing was left to do" in commands("resume", "r", "--no-prefect").out
    assert "Reused 5 of 6" in commands("retry", "r", "--no-prefect").out


def test_a_retry_of_nothing_runs_nothing_and_points_to_resume(commands: Commands) -> None:
    commands("run", commands.write([LOAD]), "--run-id", "r", "--max-rows", "2", "--no-prefect")

    ended = commands("retry", "r", "--max-rows", "6", "--no-prefect")

    assert (ended.code, "[nothing-to-retry]" in ended.err, "distilflow resume r" in ended.err) == (2, True, True)
    assert commands.report()["sessions"] == 1
