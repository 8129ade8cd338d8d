"""What is named as a journal and is none."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.journals import NotAJournal, find_journal, share
from flows.pipeline import Pipeline
from flows.runs import RunStore
from flows.spec import spec_from
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands
from tests.flows.paid_runs import a_run, pipeline, steps


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
