"""Replies of one run serve another: named in many ways, shared as one file, kept of previews."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.engine.codec import encode
from flows.engine.journal import entries_in
from flows.engine.ledger import SegmentWriter, frames_in
from flows.journals import entries_of, previews_of, replies_in, share, trim
from flows.runners.inline import preview
from flows.runs import RunStore
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands, kill, wait_for
from tests.flows.paid_runs import a_run, pipeline, results, steps
from tests.steps.llms.serving import answering

KEY = "sk-this-must-never-be-kept-4711"


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


ODD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no JSON": lambda entry: None,
    "a list": lambda entry: [entry],
    "no completion": lambda entry: {"step": entry["step"]},
    "no step": lambda entry: {**entry, "step": None},
    "texts that are none": lambda entry: {**entry, "completion": {**entry["completion"], "texts": 5}},
    "tokens that are none": lambda entry: {**entry, "completion": {**entry["completion"], "usage": {"input_tokens": "x"}}},
    "too many tokens": lambda entry: {**entry, "completion": {**entry["completion"], "usage": {"input_tokens": 1e30}}},
    "no time": lambda entry: {**entry, "at": "x"},
    "no number of replies": lambda entry: {**entry, "n": "x"},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_replies_that_somebody_spoilt_are_told_or_left_out(odd: Callable[[dict[str, Any]], Any], commands: Commands) -> None:
    with running(FakeOpenAI()) as url:
        commands.write(steps(url, 3))
        commands("run", "pipeline.yaml", "--run-id", "a", "--no-prefect")
        journal = commands.folder / "runs/a/journal"
        [path] = journal.glob("*.seg")
        kept = [(key, entry) for key, entry in entries_of(journal)]
        path.unlink()
        writer = SegmentWriter(journal / "spoilt.seg")
        bodies = [encode(entry) for _, entry in kept]
        spoilt = odd(kept[1][1])
        bodies[1] = b"{{{" if spoilt is None else encode(spoilt)
        writer.append([key for key, _ in kept], bodies, [1] * 3)
        writer.close()

        shared = commands("journal", "a", "--output", "replies.jsonl")
        told = [commands("usage", "a"), commands("why", "a", "2"), commands("resume", "a", "--no-prefect")]

    assert shared.code == 2
    assert "[not-a-journal] a reply in" in shared.err
    assert [one.code for one in told] == [0, 0, 0], [one.err for one in told]


def test_a_recording_with_too_many_texts_gives_as_many_as_were_asked_for(commands: Commands) -> None:
    with running(FakeOpenAI()) as url:
        commands.write(steps(url, 1))
        commands("run", "pipeline.yaml", "--run-id", "a", "--no-prefect")
    commands("journal", "a", "--output", "replies.jsonl")
    file = commands.folder / "replies.jsonl"
    file.write_text(orjson.dumps({**orjson.loads(file.read_text()), "generation": ["one", "two"]}).decode() + "\n")

    replayed = commands("replay", "replies.jsonl", "pipeline.yaml", "--run-id", "b", "--no-prefect")

    assert replayed.code == 0, replayed.err
    assert [row["generation"] for row in commands.rows("b")] == ["one"]


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
    with pytest.warns(UserWarning, match=r"2 rows failed .*no reply of 'fake-model' to this row"):
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
