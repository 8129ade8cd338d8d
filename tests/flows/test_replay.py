"""A journal makes the rows again: without a server, a key, or a GPU."""

from __future__ import annotations

import json
import shlex

from flows.journals import share
from flows.runs import RunStore
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands
from tests.flows.paid_runs import a_run, fake_url, results, steps

KEY = "sk-this-must-never-be-kept-4711"
GOOD = json.dumps({"answers": [{"rationale": "Right.", "rating": 5}, {"rationale": "Wrong.", "rating": 1}]})


def test_a_replay_makes_the_same_rows_without_a_request_or_a_key(commands: Commands) -> None:
    commands.environment["THE_KEY"] = KEY
    with a_run(commands, 200, api_key="${THE_KEY}") as fake:
        pass
    del commands.environment["THE_KEY"]

    ended = commands("replay", "a", "--run-id", "b", "--no-prefect")  # the server is gone

    assert ended.code == 0, ended.err
    assert results(commands, "a") == results(commands, "b") != {}
    assert len(commands.rows("b")) == 200
    assert fake.stats.requests == 200
    assert commands("replay", "b", "--run-id", "c", "--no-prefect").code == 0  # a replay can be replayed
    assert results(commands, "c") == results(commands, "a")


def test_a_replay_takes_the_rows_that_its_run_took_and_its_paths(commands: Commands) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        [load, answer] = steps(url, 6)
        (commands.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in load["with"]["data"]))
        load |= {"use": "LoadDataFromFileSystem", "with": {"data_files": "rows.jsonl"}}
        commands.write([load, answer])
        assert commands("run", "pipeline.yaml", "--run-id", "a", "--max-rows", "4", "--no-prefect").code == 0
    elsewhere = Commands(commands.folder / "elsewhere")
    elsewhere.folder.mkdir()

    ended = elsewhere("replay", "a", "--runs-dir", "../runs", "--run-id", "b", "--no-prefect")

    assert ended.code == 0, ended.err
    assert results(commands, "a") == results(commands, "b") != {}


def test_rows_without_a_reply_go_to_the_quarantine_and_the_exit_code_says_so(commands: Commands) -> None:
    with a_run(commands):
        commands.write(steps(fake_url(commands), 8), "longer.yaml")

    ended = commands("replay", "a", "longer.yaml", "--run-id", "b", "--no-prefect")

    assert ended.code == 3
    assert len(commands.rows("b")) == 6
    failed = list(RunStore(commands.folder / "runs").get("b").quarantined())
    assert [(row["code"], row["row"]["instruction"]) for row in failed] == [
        ("not-in-journal", "question 006"),
        ("not-in-journal", "question 007"),
    ]


def test_what_a_replay_lacks_is_asked_for_by_the_command_that_it_shows(commands: Commands) -> None:
    with a_run(commands) as fake:
        commands.write(steps(fake_url(commands), 8), "longer.yaml")
        replayed = commands("replay", "a", "longer.yaml", "--run-id", "b", "--no-prefect")
        shown = commands("show", "b")
        command = "distilflow run runs/b/pipeline.yaml --journal a"

        asked = commands(*shlex.split(command)[1:], "--run-id", "c", "--no-prefect")

    for ended in (replayed, shown):
        assert f"Fix: ask for what is missing: {command}\n" in ended.out
        assert "distilflow retry" not in ended.out
    assert "distilflow show b" in replayed.out
    assert (asked.code, len(commands.rows("c")), fake.stats.requests) == (0, 8, 8)


def test_a_replay_ends_where_its_run_ended_after_a_retry(commands: Commands) -> None:
    fake = FakeOpenAI(Behaviour(reply=lambda messages, choice, model: "no rating" if "question 002" in str(messages) else GOOD))
    with running(fake) as url:
        commands.write(steps(url, 4, use="UltraFeedback"))
        assert commands("run", "pipeline.yaml", "--run-id", "a", "--no-prefect").code == 3
        fake.behaviour = Behaviour(reply=GOOD)
        assert commands("retry", "a", "--no-prefect").code == 0
    commands("journal", "a", "--output", "replies.jsonl")

    ended = commands("replay", "a", "--run-id", "b", "--no-prefect")
    of_a_file = commands("replay", "replies.jsonl", "pipeline.yaml", "--run-id", "c", "--no-prefect")
    retried = commands("retry", "c", "--no-prefect")

    assert (ended.code, of_a_file.code, retried.code) == (0, 3, 0), ended.err + of_a_file.err + retried.err
    assert results(commands, "a") == results(commands, "b") == results(commands, "c") != {}


def test_a_replay_needs_no_gpu(commands: Commands) -> None:
    with a_run(commands):
        [load, answer] = steps(fake_url(commands))
        commands.write([load, {**answer, "pool": "gpu", "resources": {"gpus": 8, "replicas": 2}}], "local.yaml")

    assert commands("plan", "local.yaml").code == 2
    assert commands("replay", "a", "local.yaml", "--run-id", "b", "--no-prefect").code == 0


def test_a_replay_with_a_pipeline_that_has_other_problems_is_2(commands: Commands) -> None:
    with a_run(commands):
        [load, answer] = steps("http://nowhere")
        commands.write([load, {**answer, "use": "TextGeneratio"}], "wrong.yaml")

    ended = commands("replay", "a", "wrong.yaml", "--no-prefect")

    assert (ended.code, "[unknown-step]" in ended.err) == (2, True)


def test_a_replay_does_not_take_the_place_of_a_run_that_asked(commands: Commands) -> None:
    with a_run(commands, 3):
        ended = commands("replay", "a", "--run-id", "a", "--no-prefect")

    assert ended.code == 2
    assert "asked models" in ended.err
    assert "--run-id" in ended.err
    assert commands.report("a")["options"]["is_replay"] is False


def test_a_replay_of_a_lone_file_asks_for_the_pipeline(commands: Commands) -> None:
    with a_run(commands):
        (commands.folder / "deep/er").mkdir(parents=True)
        share(commands.folder / "runs/a/journal", commands.folder / "deep/er/replies.jsonl")

    ended = commands("replay", "deep/er/replies.jsonl")

    assert (ended.code, "name the pipeline" in ended.err) == (2, True), ended.err


def test_a_pipeline_that_was_run_with_another_model_is_replayed_with_it(commands: Commands) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        [load, answer] = steps(url, 3)
        model = answer["with"].pop("llm")
        commands.write([load, answer])
        parameters = [f"--param=answer.llm={json.dumps(model)}", "--no-prefect"]
        assert commands("run", "pipeline.yaml", "--run-id", "a", *parameters).code == 0
    share(commands.folder / "runs/a/journal", commands.folder / "replies.jsonl")

    bare = commands("replay", "replies.jsonl", "pipeline.yaml", "--run-id", "b", "--no-prefect")
    named = commands("replay", "replies.jsonl", "pipeline.yaml", "--run-id", "c", *parameters)
    other = commands("replay", "replies.jsonl", "pipeline.yaml", "--run-id", "d", "--llm", "vllm/other", "--no-prefect")

    assert (bare.code, named.code, other.code) == (2, 0, 3), bare.err + named.err + other.err
    assert "no model of this pipeline would be replayed" in bare.err
    assert "--llm provider/fake-model" in bare.err
    assert results(commands, "a") == results(commands, "c") != {}
    assert {row["code"] for row in RunStore(commands.folder / "runs").get("d").quarantined()} == {"not-in-journal"}


def test_replies_without_what_was_asked_are_enough_for_a_replay(commands: Commands) -> None:
    with a_run(commands):
        whole = commands("journal", "a")
        brief = commands("journal", "a", "--replies-only", "--output", "brief.jsonl")

    ended = commands("replay", "brief.jsonl", "pipeline.yaml", "--run-id", "b", "--no-prefect")
    why = commands("why", "b", "1")
    again = commands("journal", "b", "--output", "again.jsonl")

    lines = [json.loads(line) for line in (commands.folder / "brief.jsonl").read_text().splitlines()]
    assert (whole.code, brief.code, ended.code, why.code, again.code) == (0, 0, 0, 0, 0), ended.err + why.err + again.err
    assert results(commands, "a") == results(commands, "b") != {}
    assert {tuple(line) for line in lines} == {
        ("key", "step", "row", "generation", "model", "model_name", "finish_reasons"),
    }
    assert "echo: question 000" in why.out
    assert '"messages"' not in (commands.folder / "again.jsonl").read_text()
