"""Papers on instructions that people wrote and answers of three real models. The data is not in this repository.

`$REAL_INSTRUCTIONS` names the folder with `responses_*.jsonl`: `prompt`, `response`, and in `target` what a person answered.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import load_spec
from flows.spec.parameters import with_parameters

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("REAL_INSTRUCTIONS", ROOT.parent / "shared/data/instructions"))
MODELS = ("text-davinci-003", "text-davinci-001", "davinci-self-instruct")
ROWS = 252

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"$REAL_INSTRUCTIONS is not set, and there is no {FOLDER}"),
]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def real() -> dict[str, list[str]]:
    """By instruction: the answers of the models in their order, then that of a person."""
    found: dict[str, list[str]] = {}
    for model in MODELS:
        for line in (FOLDER / f"responses_{model}.jsonl").read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            answers = found.setdefault(one["prompt"], [])
            answers.append(one["response"])
            if model == MODELS[-1]:
                answers.append(one["target"])
    assert {len(answers) for answers in found.values()} == {len(MODELS) + 1}
    assert len(found) == ROWS
    return found


def written(rows: list[Row], path: Path) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def run(paper: str, parameters: dict[str, Any], folder: Path) -> tuple[list[Row], list[Row]]:
    """The rows that came out, and those of which no pair could be made: of two answers that say the same, none is better."""
    import pyarrow.parquet as pq

    planned = plan(with_parameters(load_spec(ROOT / f"examples/papers/{paper}.yaml"), parameters))
    made: RunFolder = run_inline(planned, folder, run_id="r")
    assert made.report().state == "finished"
    [file] = made.distiset.glob("default/train-*.parquet")
    rows: list[Row] = pq.read_table(file).to_pylist()
    left = list(made.quarantined())
    assert all(row["step"] == "format_dpo" and "no answer is better" in row["message"] for row in left)
    assert len(rows) + len(left) == ROWS
    return rows, [row["row"] for row in left]


def test_ultrafeedback_rates_the_recorded_answers_of_real_models(real: dict[str, list[str]], tmp_path: Path) -> None:
    columns = [f"answer_{number}" for number in range(1, 5)]
    answered = [{"instruction": said, **dict(zip(columns, answers, strict=True))} for said, answers in real.items()]
    parameters: dict[str, Any] = {
        "load.data_files": written([{"instruction": said} for said in real], tmp_path / "instructions.jsonl")
    }
    path = written(answered, tmp_path / "answers.jsonl")
    for column, model in zip(columns, [*MODELS, "a person"], strict=True):
        parameters[f"{column}.llm"] = {"use": "ReplayLLM", "path": path, "reply": column, "recorded_model": model}

    rows, tied = run("ultrafeedback", parameters, tmp_path)

    assert {row["instruction"]: row["generations"] for row in (*rows, *tied)} == real
    for row in tied:
        best = row["generations"][row["ratings"].index(max(row["ratings"]))]
        rated = zip(row["generations"], row["ratings"], strict=True)
        assert {rating for text, rating in rated if text != best} == {max(row["ratings"])}
    for row in rows:
        assert row["generation_models"] == [f"recorded: {model}" for model in (*MODELS, "a person")]
        assert row["model_name"] == "rehearsal", "the judge is rehearsed"
        assert {row["chosen"][-1]["content"], row["rejected"][-1]["content"]} <= set(row["generations"])
        assert row["chosen_rating"] > row["rejected_rating"]


def test_orca_pairs_of_two_real_models_come_out_unless_both_said_the_same(real: dict[str, list[str]], tmp_path: Path) -> None:
    asked = [{"instruction": said, "answer_1": answers[0], "answer_2": answers[2]} for said, answers in real.items()]

    rows, tied = run("orca_dpo", {"load.data_files": written(asked, tmp_path / "pairs.jsonl")}, tmp_path)

    pairs = {row["prompt"]: {row["chosen"][-1]["content"], row["rejected"][-1]["content"]} for row in rows}
    assert pairs == {said: {answers[0], answers[2]} for said, answers in real.items() if answers[0] != answers[2]}
    assert {row["instruction"] for row in tied} == {said for said, answers in real.items() if answers[0] == answers[2]}
    assert all(row["chosen_rating"] > row["rejected_rating"] for row in rows)
