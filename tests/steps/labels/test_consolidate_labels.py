"""Labels out of annotations, as a step and in whole runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.plan import plan
from flows.runners.inline import run_inline
from flows.spec import spec_from
from steps.base import Row
from steps.errors import RunError
from steps.labels.consolidate_labels import ConsolidateLabels
from tests.flows.commands import Commands, kill, wait_for
from tests.steps.labels.crowd import rows

SAID = rows(
    *[(str(item), by, "xy"[item % 2]) for item in range(12) for by in ("ann", "bob")],
    *[(str(item), "cy", "x") for item in range(12)],
)


def labelled(given: list[Row], **params: Any) -> dict[str, Row]:
    return {row["item"]: row for row in ConsolidateLabels(**params).process(given)}


def test_each_item_becomes_a_row_that_says_who_said_what() -> None:
    found = labelled([{**row, "text": f"of {row['item']}"} for row in SAID], strategy="majority")

    assert list(found) == [str(item) for item in range(12)]
    one = found["1"]
    assert (one["label"], one["probability"], one["uncertainty"]) == (
        "y",
        pytest.approx(2.5 / 4, abs=1e-6),
        pytest.approx(1.5 / 4, abs=1e-6),
    )
    assert (one["text"], one["n_annotations"], len(set(one["annotation_ids"]))) == ("of 1", 3, 3)
    assert one["conflicts"] == [{"label": "y", "annotators": ["ann", "bob"]}, {"label": "x", "annotators": ["cy"]}]
    assert one["explanation"] == "y, 62% sure. For it: ann (+0.33), bob (+0.33). Against it: cy, who says x (-0.33)."
    assert found["0"]["conflicts"] == []


def test_one_answer_alone_is_not_certain() -> None:
    found = labelled(rows(("1", "ann", "good"), ("2", "ann", "bad"), ("2", "bob", "bad")), strategy="auto")

    assert found["1"]["probability"] == pytest.approx(0.75)
    assert found["2"]["probability"] > found["1"]["probability"]


def test_of_somebody_who_answers_again_the_last_round_counts() -> None:
    said = [*rows(("1", "ann", "x"), ("1", "bob", "y"), round=1), *rows(("1", "ann", "x"), round=2)]
    changed = [*said, *rows(("1", "ann", "y"), round=3)]

    once, twice = labelled(said, strategy="majority")["1"], labelled(changed, strategy="majority")["1"]

    assert (once["n_annotations"], once["distribution"]) == (2, {"x": 0.5, "y": 0.5})
    assert (twice["label"], twice["conflicts"]) == ("y", [])


def test_gold_is_the_label_and_is_named_as_such() -> None:
    found = labelled([{**row, "gold": "x" if row["item"] == "1" else None} for row in SAID], strategy="learned")

    assert (found["1"]["label"], found["1"]["probability"]) == ("x", 1)
    assert found["1"]["explanation"] == "x is known to be right (gold)."


def test_explanations_tell_what_pulls_towards_the_label_and_what_away() -> None:
    one = labelled(SAID, strategy="learned")["1"]

    assert one["label"] == "y"
    assert "For it: ann (+" in one["explanation"]
    assert "Against it: cy, who says x (-" in one["explanation"]
    assert "100%" not in one["explanation"]
    assert one["probability"] > 2 / 3


@pytest.mark.parametrize(
    ("params", "counted"),
    [({"rounds": [2]}, 1), ({"annotators": ["ann", "judge"]}, 2), ({"kinds": ["human"]}, 2), ({}, 3)],
    ids=["rounds", "annotators", "kinds", "all"],
)
def test_only_what_is_named_counts(params: dict[str, Any], counted: int) -> None:
    given = [*rows(("1", "ann", "x")), *rows(("1", "bob", "y"), round=2), *rows(("1", "judge", "y"), kind="llm")]

    assert labelled(given, strategy="majority", **params)["1"]["n_annotations"] == counted


def test_where_nothing_counts_it_says_so() -> None:
    with pytest.raises(RunError, match="there are no annotations to learn from"):
        labelled(SAID, rounds=[7])


def test_without_rows_there_are_no_labels() -> None:
    assert list(ConsolidateLabels().process([])) == []


# ---- whole runs


def pipeline(folder: Path, said: list[Row], **params: Any) -> dict[str, Any]:
    (folder / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    load = {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": str(folder / "said.jsonl")}}
    return {"distilflow": 1, "steps": [load, {"name": "settle", "use": "ConsolidateLabels", "after": "load", "with": params}]}


def read(distiset: Path) -> list[Row]:
    [path] = (distiset / "default").glob("*.parquet")
    found: list[Row] = pq.read_table(path).to_pylist()
    return found


def run(folder: Path, said: list[Row], run_id: str, **params: Any) -> tuple[list[Row], Path]:
    spec, _ = spec_from(pipeline(folder, said, **params))
    ended = run_inline(plan(spec), folder, run_id=run_id)
    return read(ended.distiset), ended.distiset / "artifacts" / "settle" / "strategy"


def test_a_run_keeps_the_strategy_and_another_applies_it_to_new_items(tmp_path: Path) -> None:
    first, artifact = run(tmp_path, SAID, "first", strategy="learned", version=3)
    new = rows(("90", "ann", "y"), ("90", "cy", "x"), ("91", "stranger", "x"))
    second, again = run(tmp_path, new, "second", strategy_file=str(artifact / "strategy.json"))

    stamps = {json.dumps(row["strategy"], sort_keys=True) for row in [*first, *second]}
    assert len(stamps) == 1
    assert json.loads(stamps.pop())["version"] == 3
    assert {row["item"]: row["label"] for row in second} == {"90": "y", "91": "x"}
    assert (again / "strategy.json").read_bytes() == (artifact / "strategy.json").read_bytes()


@pytest.mark.parametrize("strategy", ["auto", "majority"])
def test_the_log_of_a_run_says_what_auto_chose_and_why(tmp_path: Path, strategy: str) -> None:
    rows, _ = run(tmp_path, SAID, "first", strategy=strategy)

    lines = [line for line in (tmp_path / "first" / "run.log").read_text().splitlines() if "`auto` took" in line]
    made = f"majority-v1-{rows[0]['strategy']['hash'][:8]}"
    assert len(lines) == (1 if strategy == "auto" else 0)
    assert all(f"`auto` took {made}: majority: fewer than 150 answers" in line for line in lines)


def test_a_strategy_of_other_labels_ends_the_run_with_what_to_do(tmp_path: Path) -> None:
    _, artifact = run(tmp_path, SAID, "first", strategy="majority")

    step = ConsolidateLabels(strategy_file=str(artifact / "strategy.json"))
    with pytest.raises(RunError, match=r"label 'z' is none of \['x', 'y'\]"):  # in a run such rows are refused before
        list(step.process(rows(("1", "ann", "z"))))


def test_why_shows_what_each_annotation_weighed_and_which_they_are(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    crowd = [f"annotator number {at}" for at in range(9)]
    said = rows(*[("1", by, "x" if by != crowd[0] else "y") for by in crowd])
    name = commands.write(pipeline(tmp_path, said, strategy="majority")["steps"])
    assert commands("run", name, "--run-id", "r", "--no-prefect").code == 0

    told = commands("why", "r", "1")
    [row] = commands.rows("r")

    assert f"explanation: {row['explanation']}" in told.out
    assert row["annotation_ids"][0] in told.out
    assert "more column" not in told.out


def test_a_run_that_is_killed_goes_on_to_the_same_labels(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    said = rows(*[(str(item), f"v{by}", "xy"[(item * by) % 2]) for item in range(600) for by in range(5)])
    spec = pipeline(tmp_path, said, strategy="learned")
    name = commands.write(spec["steps"])
    assert commands("run", name, "--run-id", "whole", "--no-prefect").code == 0

    process = commands.start("run", name, "--run-id", "killed", "--no-prefect")
    wait_for(lambda: (tmp_path / "runs" / "killed" / "run.json").exists())
    kill(process)
    process.communicate()
    commands.wait_until_gone()
    assert commands("resume", "killed", "--no-prefect").code == 0

    assert commands.rows("killed") == commands.rows("whole")
    kept = [tmp_path / "runs" / run_id / "distiset/artifacts/settle/strategy/strategy.json" for run_id in ("whole", "killed")]
    assert kept[0].read_bytes() == kept[1].read_bytes()
