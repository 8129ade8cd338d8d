"""`distilflow labels`: a crowd's file to labels with how sure they are, without the app."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.labelling.crowds import crowd

ROOT = Path(__file__).parents[3]


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", "labels", *arguments, "--labels-dir", str(folder / "labels")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crowd.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in crowd(gold=0.3, right=(0.8, 0.7, 0.65, 0.6, 0.45))))
    return path


def test_a_file_is_imported_learned_queued_compared_and_exported(tmp_path: Path, file: Path) -> None:
    told = call(tmp_path, "import", str(file), "--project", "answers", "--question", "Right?")
    assert (told.returncode, told.stdout.splitlines()[0]) == (0, "answers: 300 annotations of 60 items, 17 gold labels.")
    again = call(tmp_path, "import", str(file), "--project", "answers")
    assert "0 annotations and 0 items added, 0 replaced, 300 known already." in again.stdout
    unlearned = call(tmp_path, "queue", "answers", "--top", "1").stdout.splitlines()
    assert (unlearned[1].split()[1], unlearned[1].split()[-1]) == ("unknown", "5")
    assert unlearned[2] == "Nothing is learned yet, so that all are equally unsure: distilflow labels learn answers"
    assert "Round 2 is open" in call(tmp_path, "learn", "answers").stdout
    listed = call(tmp_path, "list").stdout.splitlines()
    assert listed[-1].split()[:4] == ["answers", "60", "300", str(len({row["item"] for row in _gold(file)}))]
    queued = call(tmp_path, "queue", "answers", "--top", "3").stdout.splitlines()
    assert queued[0].split() == ["item", "label", "now", "unsure", "gain", "answers"]
    assert len(queued) == 6
    assert queued[-2].startswith("The first items are those where an answer is expected to put most labels right")
    assert "0 of 60 items get another label." in call(tmp_path, "compare", "answers", "1", "1").stdout

    for what, name in (("labels", "labels.jsonl"), ("annotations", "said.parquet"), ("onboarding", "new.md")):
        done = call(tmp_path, "export", "answers", "--what", what, "--output", str(tmp_path / name), "--topic", "topic=stars")
        assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert len(rows) == 20
    assert {row["strategy"]["version"] for row in rows} == {1}
    assert (tmp_path / "new.md").read_text().startswith("# Right?")


def test_labels_are_written_as_csv_and_a_strategy_is_applied_without_a_project(tmp_path: Path, file: Path) -> None:
    call(tmp_path, "import", str(file), "--project", "answers")
    call(tmp_path, "learn", "answers")
    table, strategy = tmp_path / "labels.csv", tmp_path / "strategy.json"
    assert call(tmp_path, "export", "answers", "--output", str(table)).returncode == 0
    assert call(tmp_path, "export", "answers", "--what", "strategy", "--output", str(strategy)).returncode == 0
    with table.open(newline="") as opened:
        told = {row["item"]: row for row in csv.DictReader(opened)}
    assert len(told) == 60
    assert {json.loads(row["strategy"])["version"] for row in told.values()} == {1}

    applied = _without_project("apply", str(strategy), str(file), "--output", str(tmp_path / "again.jsonl"))
    assert applied.returncode == 0, applied.stderr
    assert applied.stdout.startswith("Wrote ")
    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert {row["item"]: row["label"] for row in again} == {item: row["label"] for item, row in told.items()}

    for arguments, words in (
        (["apply", str(file), str(file), "--output", str(table)], "holds no strategy"),
        (["apply", str(strategy), str(file), "--output", "labels.txt"], "does not say its form"),
        (["apply", str(strategy), "none.csv", "--output", str(table)], "cannot be read"),
    ):
        done = _without_project(*arguments)
        assert done.returncode in (1, 2)
        assert words in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


def test_gold_that_comes_for_known_items_is_counted_and_items_alone_are_told(tmp_path: Path, file: Path) -> None:
    call(tmp_path, "import", str(file), "--project", "answers")
    (tmp_path / "gold.csv").write_text("item_id,truth\nnew,wrong\nq1,partly\nq2,correct\n")
    told = call(tmp_path, "import", str(tmp_path / "gold.csv"), "--project", "answers").stdout
    assert "0 annotations and 1 item added" in told
    assert "gold label" in told

    (tmp_path / "items.csv").write_text("question,answer\nWhy?,So.\n")
    told = call(tmp_path, "import", str(tmp_path / "items.csv"), "--project", "new").stdout
    assert "No column says who answered" in told
    assert "shown with question, answer." in " ".join(told.split())


def _without_project(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", "labels", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _gold(file: Path) -> list[dict[str, str]]:
    return [row for row in map(json.loads, file.read_text().splitlines()) if "gold" in row]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["queue", "nothing"], 2, "there is no label project 'nothing'"),
        (["import", "missing.csv", "--project", "a"], 2, "missing.csv cannot be read"),
        (["import", "missing.csv", "--project", "a", "--type", "guess"], 2, "--type 'guess' is none"),
        (["import", "run-1", "--project", "a"], 2, "there is no run 'run-1'"),
        (["compare", "nothing", "1", "2"], 2, "there is no label project"),
    ],
)
def test_a_users_mistake_is_told_without_a_traceback(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    done = call(tmp_path, *arguments)

    assert done.returncode == code
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_version_that_is_not_there_and_a_form_that_is_not_said(tmp_path: Path, file: Path) -> None:
    call(tmp_path, "import", str(file), "--project", "answers")
    for arguments, words in (
        (["compare", "answers", "1", "2"], "there is no strategy v1"),
        (["export", "answers", "--output", "labels.txt"], "does not say its form"),
        (["export", "answers", "--output", str(tmp_path / "a.jsonl"), "--topic", "stars"], "names no value"),
        (["export", "answers", "--output", str(tmp_path / "a.jsonl")], "has no strategy yet"),
    ):
        done = call(tmp_path, *arguments)
        assert done.returncode in (1, 2)
        assert words in " ".join(done.stderr.split())
