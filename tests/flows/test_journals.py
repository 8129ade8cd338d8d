"""Replies of one run serve another: named in many ways, replayed without a server, shared as one file."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.engine.journal import entries_in
from flows.engine.ledger import frames_in
from flows.journals import NotAJournal, find_journal, previews_of, replies_in, share, trim
from flows.pipeline import Pipeline
from flows.runners.inline import preview
from flows.runs import RunStore
from flows.spec import spec_from
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands, kill, wait_for
from tests.steps.llms.serving import answering

KEY = "sk-this-must-never-be-kept-4711"


GOOD = json.dumps({"answers": [{"rationale": "Right.", "rating": 5}, {"rationale": "Wrong.", "rating": 1}]})


def steps(url: str, rows: int = 6, use: str = "TextGeneration", **llm: Any) -> list[dict[str, Any]]:
    data = [{"instruction": f"question {number:03d}", "generations": ["a", "b"]} for number in range(rows)]
    model = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", "max_retries": 0, **llm}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": use, "after": "load", "with": {"llm": model}},
    ]


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    found = Commands(tmp_path)
    yield found
    found.wait_until_gone()


@contextmanager
def a_run(commands: Commands, rows: int = 6, **llm: Any) -> Iterator[FakeOpenAI]:
    """A finished run "a" of `pipeline.yaml`, and the server that answered it."""
    fake = FakeOpenAI()
    with running(fake) as url:
        commands.write(steps(url, rows, **llm))
        ended = commands("run", "pipeline.yaml", "--run-id", "a", "--no-prefect")
        assert ended.code == 0, ended.err
        yield fake


def results(commands: Commands, run: str) -> dict[str, bytes]:
    """The Distiset of a run, but for what tells of the run itself."""
    folder = commands.folder / "runs" / run / "distiset"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


# ---- other journals


SOURCES = ["a", "runs/a", "runs/a/journal", "one.seg", "shared.jsonl"]


@pytest.mark.parametrize("source", SOURCES, ids=["run", "folder", "journal", "segment", "shared"])
def test_a_run_asks_only_for_what_no_journal_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    fake = FakeOpenAI()
    with running(fake) as url:
        pipeline(url, 6).run(run_id="a")
        [segment] = Path("runs/a/journal").glob("*.seg")
        Path("one.seg").write_bytes(segment.read_bytes())
        share(Path("runs/a/journal"), Path("shared.jsonl"))
        before = tokens("a")

        made = pipeline(url, 8).run(run_id="b", journals=[source])

    assert made["default"]["train"]["instruction"] == [f"question {number:03d}" for number in range(8)]
    assert (fake.stats.requests, set(fake.stats.by_prompt.values())) == (8, {1})
    assert tokens("b") == before / 6 * 2  # only what this run paid for


def pipeline(url: str, rows: int = 6) -> Pipeline:
    return Pipeline.from_spec(spec_from({"distilflow": 1, "steps": steps(url, rows)})[0])


def tokens(run: str, folder: Path = Path("runs")) -> int:
    return RunStore(folder).get(run).report().steps["answer"].usage.output_tokens


def test_shared_files_of_one_name_size_and_time_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = [Path("one/replies.jsonl"), Path("two/replies.jsonl")]
    fake = FakeOpenAI()
    with running(fake) as url:
        pipeline(url, 2).run(run_id="a")
        share(Path("runs/a/journal"), Path("all.jsonl"))
        for file, line in zip(files, Path("all.jsonl").read_text().splitlines(), strict=True):
            file.parent.mkdir()
            file.write_text(line.ljust(2000) + "\n")
            os.utime(file, (1, 1))
        pipeline(url, 2).run(run_id="b", journals=files)

    assert fake.stats.requests == 2


def fake_url(commands: Commands) -> str:
    pipeline = json.loads((commands.folder / "pipeline.yaml").read_text())
    return str(pipeline["steps"][1]["with"]["llm"]["base_url"]).removesuffix("/v1")


def test_a_run_that_is_killed_goes_on_with_the_journals_it_was_given(commands: Commands) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        commands.write(steps(url, 40, max_concurrency=4))
        assert commands("run", "pipeline.yaml", "--run-id", "a", "--max-rows", "30", "--no-prefect").code == 0
        known = set(fake.stats.by_prompt)
        fake.behaviour = Behaviour(latency_s=0.3)
        process = commands.start("run", "pipeline.yaml", "--run-id", "b", "--journal", "a", "--no-prefect")
        wait_for(lambda: fake.stats.requests >= 33)
        kill(process)
        process.communicate()
        commands.wait_until_gone()
        fake.behaviour = Behaviour()
        before = fake.stats.requests

        ended = commands("resume", "b", "--no-prefect")

        assert ended.code == 0, ended.err
        assert len(commands.rows("b")) == 40
        assert {fake.stats.by_prompt[prompt] for prompt in known} == {1}
        assert fake.stats.requests - before <= 10
        assert fake.stats.requests <= 40 + 4
        assert commands.report("b")["options"]["journals"] == [str(commands.folder / "runs/a/journal")]


def test_a_journal_that_is_gone_at_resume_is_told_with_what_to_do(commands: Commands) -> None:
    with a_run(commands):
        assert commands("run", "pipeline.yaml", "--run-id", "b", "--journal", "a", "--no-prefect").code == 0
        (commands.folder / "runs/a").rename(commands.folder / "elsewhere")

        ended = commands("resume", "b", "--no-prefect")

        assert (ended.code, "is gone" in ended.err, "--journal b" in ended.err) == (2, True, True), ended.err
        assert commands("resume", "b", "--journal", "b", "--no-prefect").code == 0
        assert commands("resume", "b", "--journal", "elsewhere", "--no-prefect").code == 0


def test_python_takes_journals_and_replays(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        asking = pipeline(url)
        first = asking.run(run_id="a", runs_dir=tmp_path)
        second = asking.run(run_id="b", runs_dir=tmp_path, journals=["a"])
    third = asking.replay("a", run_id="c", runs_dir=tmp_path)
    fourth = asking.replay(tmp_path / "b", run_id="d", runs_dir=tmp_path)

    texts = [found["default"]["train"]["generation"] for found in (first, second, third, fourth)]
    assert texts[0] == texts[1] == texts[2] == texts[3]
    assert fake.stats.requests == 6


# ---- replay


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


# ---- sharing


def test_a_shared_journal_lies_in_the_distiset_and_is_all_that_a_replay_needs(commands: Commands) -> None:
    with a_run(commands):
        pass
    shared = commands("journal", "a")
    (commands.folder / "runs/a/distiset").rename(commands.folder / "downloaded")

    ended = commands("replay", "downloaded/replies.jsonl", "--run-id", "b", "--no-prefect")

    assert "Wrote 6 replies" in shared.out
    assert ended.code == 0, ended.err
    [shared_rows] = (commands.folder / "downloaded/default").glob("*.parquet")
    assert list(results(commands, "b").values()) == [shared_rows.read_bytes()]


@pytest.mark.parametrize("is_taken", [False, True], ids=["alone", "beside-another-pipeline"])
def test_a_journal_is_replayed_by_the_command_that_was_printed(commands: Commands, is_taken: bool) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        commands.write(steps(url, 6), "mine.yaml")
        assert commands("run", "mine.yaml", "--run-id", "a", "--max-rows", "4", "--no-prefect").code == 0
    (commands.folder / "shared").mkdir()
    if is_taken:
        commands.write(steps("http://nowhere", 1), "shared/pipeline.yaml")

    shared = commands("journal", "a", "--output", "shared/all.jsonl")
    [command] = re.findall(r"distilflow (replay .*)", shared.out)
    replayed = commands(*shlex.split(command), "--run-id", "b", "--no-prefect")

    assert command == f"replay shared/all.jsonl {'runs/a/pipeline.yaml ' if is_taken else ''}--max-rows 4"
    assert replayed.code == 0, replayed.err
    assert results(commands, "a") == results(commands, "b") != {}


def test_a_journal_does_not_replace_a_file_but_its_own(commands: Commands) -> None:
    with a_run(commands, 1):
        (commands.folder / "mine.jsonl").write_text("years of work")

    refused = commands("journal", "a", "--output", "mine.jsonl")
    written = [commands("journal", "a"), commands("journal", "a", "--output", "runs/a/distiset/replies.jsonl")]

    assert (refused.code, "mine.jsonl exists already" in refused.err, "another file" in refused.err) == (2, True, True)
    assert (commands.folder / "mine.jsonl").read_text() == "years of work"
    assert [(ended.code, "Wrote 1 reply to" in ended.out) for ended in written] == [(0, True), (0, True)]


def test_a_shared_journal_answers_replay_llm_by_messages(commands: Commands) -> None:
    with a_run(commands):
        commands("journal", "a", "--output", "replies.jsonl")
        [load, answer] = steps("")
        answer["with"]["llm"] = {"use": "ReplayLLM", "path": "replies.jsonl", "by": "messages"}
        commands.write([load, answer], "recorded.yaml")

    ended = commands("run", "recorded.yaml", "--run-id", "b", "--no-prefect")

    assert ended.code == 0, ended.err
    assert [row["generation"] for row in commands.rows("b")] == [row["generation"] for row in commands.rows("a")]


def test_what_is_shared_comes_back_as_it_was(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url:
        pipeline(url).run(run_id="a", runs_dir=tmp_path)
    journal, target = tmp_path / "a/journal", tmp_path / "replies.jsonl"

    written = share(journal, target)
    again = share(target, tmp_path / "again.jsonl")

    assert (written, again) == (6, 6)
    assert [entry for _, entry in replies_in(target)] == list(entries_in([journal]))
    keys = [
        frame.keys[at : at + 16]
        for path in journal.glob("*.seg")
        for frame in frames_in(path)
        for at in range(0, 16 * frame.records, 16)
    ]
    assert [key for key, _ in replies_in(target)] == keys
    assert (tmp_path / "again.jsonl").read_bytes() == target.read_bytes()


def test_half_a_character_in_a_reply_is_kept_everywhere_and_costs_nothing_again(commands: Commands) -> None:
    answer = r'{"choices": [{"message": {"content": "half: \ud83d"}}], "usage": {"prompt_tokens": NaN, "completion_tokens": 2}}'
    with running(answering(text=answer)) as url:
        commands.write(steps(url, 1))
        ended = commands("run", "pipeline.yaml", "--run-id", "a", "--no-prefect")
    for path in commands.folder.glob("runs/a/ledger/*/*.seg"):
        path.unlink()
    shared = commands("journal", "a", "--output", "replies.jsonl")
    resumed = commands("resume", "a", "--no-prefect")
    replayed = commands("replay", "replies.jsonl", "pipeline.yaml", "--run-id", "b", "--no-prefect")

    assert [ended.code, shared.code, resumed.code, replayed.code] == [0, 0, 0, 0], [ended.err, resumed.err, replayed.err]
    [entry] = entries_in([commands.folder / "runs/a/journal"])
    assert entry["completion"]["texts"] == ["half: \ud83d"]
    assert entry["completion"]["usage"]["output_tokens"] == 2
    assert commands.rows("a")[0]["generation"] == commands.rows("b")[0]["generation"] == "half: ?"  # UTF-8 has no half ones


def test_no_key_is_kept_wherever_it_was_given(commands: Commands) -> None:
    commands.environment |= {"THE_KEY": KEY, "OPENAI_API_KEY": KEY}
    headers = {"X-Api-Key": "${THE_KEY}", "Authorization": "${THE_KEY}"}
    sampling = {"extra_body": {"provider_key": KEY}}
    with a_run(commands, api_key="${THE_KEY}", default_headers=headers, generation_kwargs=sampling):
        commands("preview", "pipeline.yaml")
        commands("journal", "a", "--output", "replies.jsonl")
        commands("run", "pipeline.yaml", "--run-id", "b", "--journal", "replies.jsonl", "--no-prefect")

    found = [path for pattern in ("*/journal", "*/journals") for path in commands.folder.glob(f"runs/{pattern}/*.seg")]
    assert {path.parts[-3] for path in found} == {"a", "b", ".previews"}
    content = b"".join(body for path in found for frame in frames_in(path) for body in frame.bodies())
    assert content.count(b"question 003") >= 3  # it is looked for in what is really there
    assert KEY.encode() not in content
    assert KEY.encode() not in (commands.folder / "replies.jsonl").read_bytes()
    for path in found:
        assert KEY.encode() not in path.read_bytes()


# ---- what is no journal


def _nothing(folder: Path) -> str:
    return "nothing"


def _empty_name(folder: Path) -> str:
    return ""


def _empty_folder(folder: Path) -> str:
    (folder / "empty").mkdir()
    return str(folder / "empty")


def _other_folder(folder: Path) -> str:
    for name in "abcd":
        (folder / "other" / name).mkdir(parents=True)
    return str(folder / "other")


def _text(folder: Path) -> str:
    (folder / "notes.txt").write_text("These are notes, and rather long ones. " * 20)
    return str(folder / "notes.txt")


def _empty_file(folder: Path) -> str:
    (folder / "empty.seg").touch()
    return str(folder / "empty.seg")


def _empty_lines(folder: Path) -> str:
    (folder / "empty.jsonl").write_text("\n\n")
    return str(folder / "empty.jsonl")


def _garbage(folder: Path) -> str:
    (folder / "garbage.seg").write_bytes(os.urandom(4096))
    return str(folder / "garbage.seg")


def _torn(folder: Path) -> str:
    path = next(folder.glob("runs/a/journal/*.seg"))
    (folder / "torn.seg").write_bytes(path.read_bytes()[:100])
    return str(folder / "torn.seg")


def _ledger(folder: Path) -> str:
    return str(next(folder.glob("runs/a/ledger/answer-*")))


def _data(folder: Path) -> str:
    (folder / "rows.jsonl").write_text('{"instruction": "x"}\n')
    return str(folder / "rows.jsonl")


def _broken_lines(folder: Path) -> str:
    (folder / "broken.jsonl").write_text('{"key": ')
    return str(folder / "broken.jsonl")


GOOD_LINE = {"key": "00" * 16, "step": "answer", "messages": [], "generation": "yes", "model_name": "m"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"generation": None}, "its generation cannot"),
        ({"generation": []}, "its generation cannot"),
        ({"generation": ["yes", 1]}, "its generation cannot"),
        ({"usage": 12}, "its usage cannot"),
        ({"usage": {"input_tokens": "12"}}, "its usage cannot"),
        ({"usage": {"input_tokens": -1}}, "its usage cannot"),
        ({"usage": {"tokens": 1}}, "its usage cannot"),
        ({"finish_reasons": "stop"}, "its finish_reasons cannot"),
        ({"seconds": "1"}, "its seconds cannot"),
        ({"cost": "free", "step": 1}, "its step and cost cannot"),
        ({"model_name": None}, ""),
        ({"usage": {"input_tokens": 3}, "seconds": 1, "finish_reasons": ["stop"], "cost": 0.5}, ""),
    ],
)
def test_each_line_of_a_shared_file_is_checked_before_anything_runs(tmp_path: Path, change: Any, said: str) -> None:
    lines = [GOOD_LINE, {**GOOD_LINE, **change}]
    (tmp_path / "replies.jsonl").write_text("\n".join(map(json.dumps, lines)))
    fake = FakeOpenAI()
    with running(fake) as url:
        run = partial(pipeline(url, 1).run, run_id="b", runs_dir=tmp_path, journals=[tmp_path / "replies.jsonl"])
        if said:
            with pytest.raises(NotAJournal, match=rf"line 2 of .*replies.jsonl is no reply of a journal: {said}"):
                run()
        else:
            run()

    assert fake.stats.requests == (0 if said else 1)


def _short_key(folder: Path) -> str:
    share(folder / "runs/a/journal", folder / "short.jsonl")
    line = json.loads((folder / "short.jsonl").read_text().splitlines()[0])
    (folder / "short.jsonl").write_text(json.dumps({**line, "key": "00ff"}))
    return str(folder / "short.jsonl")


def _free_run(folder: Path) -> str:
    return "free"


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs "a", which asked a server, and "free", which asked nobody."""
    folder = tmp_path_factory.mktemp("two-runs")
    with running(FakeOpenAI()) as url:
        pipeline(url, 2).run(run_id="a", runs_dir=folder / "runs")
    spec = spec_from({"distilflow": 1, "steps": steps("")[:1]})[0]
    Pipeline.from_spec(spec).run(run_id="free", runs_dir=folder / "runs")
    return folder


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_nothing, "neither a run nor a file"),
        (_empty_name, "empty name"),
        (_empty_folder, "it is empty"),
        (_other_folder, "it has a, b, c, ..."),
        (_text, "it begins with b'These are notes"),
        (_empty_file, "is empty"),
        (_empty_lines, "is empty"),
        (_garbage, "is no journal"),
        (_torn, "is no journal"),
        (_ledger, "finished rows, not replies"),
        (_data, "line 1 of .* has no 'key'"),
        (_broken_lines, "line 1 of .* no JSON object"),
        (_short_key, "a key of 2 bytes"),
        (_free_run, "no model that costs anything"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_what_is_no_journal_is_told_with_what_was_seen(two_runs: Path, tmp_path: Path, make: Any, said: str) -> None:
    shutil.copytree(two_runs, tmp_path, dirs_exist_ok=True)

    with pytest.raises(NotAJournal, match=said) as caught:
        find_journal(make(tmp_path), RunStore(tmp_path / "runs"))

    assert "newest runs" in caught.value.fix
    assert "a" in caught.value.fix.rpartition(": ")[2].split(", ")


@pytest.mark.parametrize(
    "command",
    [["run", "pipeline.yaml", "--journal", "nothing"], ["replay", "nothing"], ["journal", "nothing"]],
    ids=lambda words: words[0],
)
def test_commands_refuse_what_is_no_journal_before_anything_runs(commands: Commands, command: list[str]) -> None:
    commands.write(steps("http://127.0.0.1:9"))

    ended = commands(*command)

    assert (ended.code, "[not-a-journal]" in ended.err, "Traceback" in ended.err) == (2, True, False), ended.err
    assert not (commands.folder / "runs").exists()


def test_a_shared_journal_with_a_broken_line_further_down_ends_the_run_and_names_it(commands: Commands) -> None:
    with a_run(commands):
        commands("journal", "a", "--output", "replies.jsonl")
        with (commands.folder / "replies.jsonl").open("a") as file:
            file.write("{broken\n")

        ended = commands("run", "pipeline.yaml", "--run-id", "b", "--journal", "replies.jsonl", "--no-prefect")

    assert (ended.code, "line 7 of" in ended.err, "Traceback" in ended.err) == (2, True, False), ended.err


def test_a_replay_of_a_lone_file_asks_for_the_pipeline(commands: Commands) -> None:
    with a_run(commands):
        (commands.folder / "deep/er").mkdir(parents=True)
        share(commands.folder / "runs/a/journal", commands.folder / "deep/er/replies.jsonl")

    ended = commands("replay", "deep/er/replies.jsonl")

    assert (ended.code, "name the pipeline" in ended.err) == (2, True), ended.err


# ---- previews


def test_a_preview_is_paid_for_once_and_the_run_uses_it(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        first = preview(pipeline(url).plan(), 3, runs_dir=tmp_path)
        asked = fake.stats.requests
        second = preview(pipeline(url).plan(), 3, runs_dir=tmp_path)
        repeated = fake.stats.requests
        pipeline(url).run(run_id="r", runs_dir=tmp_path)
        run = RunStore(tmp_path).get("r")
        pipeline(url).run(run_id="all", runs_dir=tmp_path / "elsewhere")

    assert (asked, repeated, fake.stats.requests) == (3, 3, 6 + 6)
    assert first.rows == second.rows
    assert run.report().rows == {"default": 6}
    assert {entry["step"] for entry in entries_in([run.path / "journal"])} == {"answer"}
    assert len(list(entries_in([run.path / "journal"]))) == 6  # all that its rows were made of
    assert tokens("r", tmp_path) == tokens("all", tmp_path / "elsewhere") / 2  # only what this run paid for


def test_previews_are_no_runs_and_a_replay_does_not_look_into_them(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        asking = pipeline(url, 4)
        asking.run(run_id="a", runs_dir=tmp_path, max_rows=2)
        asking.dry_run(batch_size=4, runs_dir=tmp_path)
    found = asking.replay("a", run_id="b", runs_dir=tmp_path)

    assert [run.run_id for run in RunStore(tmp_path).all()] == ["b", "a"]
    assert len(found["default"]["train"]) == 2


def test_only_the_newest_previews_are_kept(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.seg").write_bytes(bytes(1000))
        os.utime(tmp_path / f"{number}.seg", (number, number))

    trim(tmp_path, most_bytes=4500, most_files=10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.seg", "3.seg", "4.seg", "5.seg"]
    trim(tmp_path, most_bytes=4500, most_files=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4.seg", "5.seg"]


def test_free_previews_leave_nothing(commands: Commands) -> None:
    commands.write(steps("http://nowhere"))

    assert commands("preview", "pipeline.yaml", "--rehearse", "--runs-dir", "elsewhere").code == 0
    assert not previews_of(commands.folder / "elsewhere").exists()


def test_a_replay_does_not_take_the_place_of_a_run_that_asked(commands: Commands) -> None:
    with a_run(commands, 3):
        ended = commands("replay", "a", "--run-id", "a", "--no-prefect")

    assert ended.code == 2
    assert "asked models" in ended.err
    assert "--run-id" in ended.err
    assert commands.report("a")["options"]["is_replay"] is False
