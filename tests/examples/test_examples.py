"""Every example can be planned, those that need no network run, and the data they ship with is sound."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from flows.engine.options import RunOptions
from flows.pipeline import Pipeline
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import load_spec

EXAMPLES = Path(__file__).parents[2] / "examples"
PAPERS = sorted(f"papers/{path.name}" for path in EXAMPLES.glob("papers/*.yaml"))
ALL = sorted(path.name for path in EXAMPLES.glob("*.yaml"))
NEEDS_NETWORK = {"prometheus.yaml"}
AS_MANY_AS_WANTED = {"until.yaml"}
SEVERAL_RESULTS = {"labels.yaml"}
ROWS = 5
RATINGS = range(1, 6)


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a reader runs the examples from."""
    monkeypatch.chdir(EXAMPLES.parent)


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / "data" / name).read_text(encoding="utf-8").splitlines()]


def _answers(recording: dict[str, Any]) -> list[str]:
    return [recording[f"answer_{number}"] for number in (1, 2, 3)]


def _ratings(recording: dict[str, Any]) -> list[int]:
    return [answer["rating"] for answer in recording["judge"]["answers"]]


def _run(name: str, folder: Path, max_rows: int | None = ROWS) -> tuple[RunFolder, list[dict[str, Any]]]:
    run = run_inline(plan(load_spec(EXAMPLES / name)), folder, run_id="example", options=RunOptions(max_rows=max_rows))
    from datasets import Dataset

    [file] = run.distiset.glob("default/train-*.parquet")
    return run, list(Dataset.from_parquet(str(file), cache_dir=str(folder / "cache")))


@pytest.mark.parametrize("name", [*ALL, *PAPERS])
def test_an_example_has_no_problems(name: str) -> None:
    assert plan(load_spec(EXAMPLES / name)).leaves


@pytest.mark.parametrize("name", sorted(set(ALL) - NEEDS_NETWORK - AS_MANY_AS_WANTED - SEVERAL_RESULTS))
def test_an_offline_example_runs(name: str, tmp_path: Path) -> None:
    run, rows = _run(name, tmp_path)

    assert (len(rows), run.report().state, run.report().quarantined) == (ROWS, "finished", 0)


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_rehearsed_from_end_to_end(name: str, tmp_path: Path) -> None:
    run, rows = _run(name, tmp_path)

    assert rows
    assert (run.report().state, run.report().quarantined) == ("finished", 0)


@pytest.mark.parametrize("name", [*ALL, *PAPERS])
def test_the_list_of_examples_names_it(name: str) -> None:
    assert f"`{name}`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_quickstart_in_python_is_the_one_in_yaml() -> None:
    pipeline = runpy.run_path(str(EXAMPLES / "quickstart.py"))["pipeline"]

    assert isinstance(pipeline, Pipeline)
    assert pipeline.spec.to_dict() == load_spec(EXAMPLES / "quickstart.yaml").to_dict()


def test_the_offline_judgement_differs_from_the_real_one_in_source_and_model_only() -> None:
    real, offline = (load_spec(EXAMPLES / name).to_dict()["steps"] for name in ("prometheus.yaml", "prometheus_offline.yaml"))

    assert real[0]["output_mappings"] == offline[0]["output_mappings"]
    del real[1]["with"]["llm"], offline[1]["with"]["llm"]
    assert real[1:] == offline[1:]


def test_the_quickstart_prefers_what_the_judge_rates_highest(tmp_path: Path) -> None:
    _, rows = _run("quickstart.yaml", tmp_path)

    for row in rows:
        assert row["chosen"][-1]["content"] == row["generations"][row["ratings"].index(max(row["ratings"]))]
        assert row["rejected"][-1]["content"] == row["generations"][row["ratings"].index(min(row["ratings"]))]


def test_a_routed_row_has_the_answers_of_two_models(tmp_path: Path) -> None:
    _, rows = _run("routing.yaml", tmp_path)

    pairs = {tuple(row["generation_models"]) for row in rows}
    assert {len(set(pair)) for pair in pairs} == {2}
    assert len(pairs) > 1


def test_what_is_drawn_is_drawn_again_in_the_next_run(tmp_path: Path) -> None:
    (_, rows), (_, again) = (_run("samplers.yaml", tmp_path / name) for name in ("first", "second"))

    assert rows == again
    assert len({row["customer"]["name"] for row in rows}) == ROWS
    assert all(row["ordered"] < row["delivered"] for row in rows)


def test_rows_are_made_until_there_are_enough_that_differ(tmp_path: Path) -> None:
    _, rows = _run("until.yaml", tmp_path, max_rows=None)

    assert len({row["generation"] for row in rows}) == len(rows) == 40


# ---- the data
def test_there_are_enough_instructions_and_none_twice() -> None:
    instructions = [row["instruction"] for row in _lines("instructions.jsonl")]

    assert len(instructions) >= 60
    assert len({" ".join(text.lower().split()) for text in instructions}) == len(instructions)


def test_each_instruction_has_its_recording() -> None:
    assert [row["instruction"] for row in _lines("recordings.jsonl")] == [
        row["instruction"] for row in _lines("instructions.jsonl")
    ]


@pytest.mark.parametrize("recording", _lines("recordings.jsonl"), ids=lambda recording: recording["instruction"][:30])
def test_a_recording_has_three_answers_and_one_that_is_best(recording: dict[str, Any]) -> None:
    ratings = _ratings(recording)

    assert len(set(_answers(recording))) == 3
    assert len(ratings) == 3
    assert set(ratings) <= set(RATINGS)
    assert sorted(ratings)[-1] > sorted(ratings)[-2], "one answer is best"
    assert min(ratings) <= 2, "and one is bad"
    assert all(len(answer["rationale"].split()) >= 8 for answer in recording["judge"]["answers"])


def test_ratings_use_the_whole_scale_and_the_best_answer_stands_anywhere() -> None:
    recordings = _lines("recordings.jsonl")

    used = Counter(rating for recording in recordings for rating in _ratings(recording))
    best = Counter(_ratings(recording).index(max(_ratings(recording))) for recording in recordings)
    assert set(used) == set(RATINGS)
    assert min(best[place] for place in range(3)) > len(recordings) / 5


def test_the_best_answers_are_those_that_the_judge_rates_highest() -> None:
    best = {
        recording["instruction"]: _answers(recording)[_ratings(recording).index(max(_ratings(recording)))]
        for recording in _lines("recordings.jsonl")
    }

    assert {row["instruction"]: row["generation"] for row in _lines("best_answers.jsonl")} == best


def test_the_completions_are_recorded_answers_and_each_is_judged() -> None:
    recorded = {(row["instruction"], answer) for row in _lines("recordings.jsonl") for answer in _answers(row)}
    completions = [(row["prompt"], row["completion"]) for row in _lines("completions.jsonl")]

    assert set(completions) <= recorded
    assert completions == [(row["instruction"], row["generation"]) for row in _lines("judgements.jsonl")]
