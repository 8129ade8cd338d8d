"""The papers run on recorded replies: every text is one of these, and what comes of them is what the paper is for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from flows.cli.running import planned_from
from flows.engine.journal import COPIED, JOURNAL, paid_in
from flows.engine.options import RunOptions
from flows.journals import entries_of
from flows.plan import Plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from tests.examples.recorded import ROOT, Recorded, papers
from tests.examples.scribe import record
from tests.flows.commands import Commands

PAPERS = papers()
MODEL = "recorded"
MOST_BYTES = 150_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    paper: Recorded
    plan: Plan
    run: RunFolder

    @cached_property
    def rows(self) -> list[Row]:
        import pyarrow.parquet as pq

        [file] = self.run.distiset.glob("default/train-*.parquet")
        found: list[Row] = pq.read_table(file).to_pylist()
        return found


def replay(paper: Recorded, folder: Path) -> Replayed:
    """What its command does, in this process."""
    [llm], rows = paper.option("--llm"), paper.option("--max-rows")
    planned = planned_from(str(paper.pipeline), paper.option("--param"), llm, is_replay=True)
    options = RunOptions(journals=(paper.recording,), is_replay=True, max_rows=int(rows[0]) if rows else None)
    return Replayed(paper, planned, run_inline(planned, folder, run_id=paper.name, options=options))


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a reader runs the examples from."""
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Replayed]:
    """A paper on its recording; each is replayed once."""
    made: dict[str, Replayed] = {}

    def get(name: str) -> Replayed:
        if name not in made:
            made[name] = replay(PAPERS[name], tmp_path_factory.mktemp(name))
        return made[name]

    return get


Get = Callable[[str], Replayed]


def test_every_paper_has_a_recording_and_a_command() -> None:
    assert set(PAPERS) == {path.stem for path in (ROOT / "examples/papers").glob("*.yaml")}
    assert {paper.recording for paper in PAPERS.values()} == set((ROOT / "examples/data/papers").iterdir())
    assert sum(paper.recording.stat().st_size for paper in PAPERS.values()) <= MOST_BYTES


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_made_of_its_recorded_replies_and_nothing_else(name: str, replayed: Get) -> None:
    made = replayed(name)

    report = made.run.report()
    used = dict(entries_of(made.run.path / JOURNAL))
    recorded = {bytes.fromhex(line["key"]): line["generation"] for line in made.paper.replies()}
    assert report.quarantined == 0, f"what is asked has changed; see: python -m tests.examples.scribe {name}"
    assert (report.state, report.usage.requests) == ("finished", 0)
    assert {llm.model_name for _, llm in made.plan.every_llm} == {MODEL}
    assert {row.get("model_name", MODEL) for row in made.rows} == {MODEL}
    assert {key: _as_kept(entry["completion"]["texts"]) for key, entry in used.items()} == recorded
    assert all(entry[COPIED] for entry in used.values())
    assert list(paid_in(made.run.path / JOURNAL)) == []


def _as_kept(texts: list[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else texts


def said_by(made: Replayed, step: str) -> list[str]:
    """All texts that were recorded for a step."""
    kept = [line["generation"] for line in made.paper.replies() if line["step"] == step]
    return [text for texts in kept for text in ([texts] if isinstance(texts, str) else texts)]


def last(chat: list[dict[str, str]]) -> str:
    return chat[-1]["content"]


def test_ultrafeedback_prefers_the_answer_with_the_best_mean_of_four_ratings(replayed: Get) -> None:
    made = replayed("ultrafeedback")

    assert len(made.rows) == 6
    aspects = ("instruction_following", "honesty", "truthfulness", "helpfulness")
    for row in made.rows:
        means = [sum(ratings) / 4 for ratings in zip(*(row[f"ratings_{aspect}"] for aspect in aspects), strict=True)]
        best, worst = means.index(max(means)), means.index(min(means))
        assert (row["chosen_rating"], row["rejected_rating"]) == (means[best], means[worst])
        assert row["chosen_rating"] > row["rejected_rating"]
        assert (last(row["chosen"]), last(row["rejected"])) == (row["generations"][best], row["generations"][worst])
        assert row["generation_models"] == [MODEL] * 4
        assert len(set(row["generations"])) == 4
        assert all(row["generations"][at] in said_by(made, f"answer_{at + 1}") for at in range(4))
        assert all(len(reason.split()) >= 2 for aspect in aspects for reason in row[f"rationales_{aspect}"])


def test_deita_keeps_the_best_that_differ(replayed: Get) -> None:
    made = replayed("deita")

    said = {*said_by(made, "evolve_instructions"), *said_by(made, "evolve_responses")}
    everything = made.run.report().steps["one_response_each"].made
    assert (len(made.rows), everything) == (12, 6 * 3 * 3)
    assert all(last(row["messages"]) in said for row in made.rows)
    assert all(row["deita_score"] == row["evol_instruction_score"] * row["evol_response_score"] for row in made.rows)
    assert sorted(row["deita_score"] for row in made.rows)[6:] == [9] * 6, "the best there can be, of all six instructions"
    assert min(row["deita_score"] for row in made.rows) >= 6, "the rest come next"
    distances = [row["nearest_neighbor_distance"] for row in made.rows]
    assert [distance for distance in distances if distance is not None and distance < 0.1] == []
    assert len({row["prompt"] for row in made.rows}) > 6, "and evolved instructions are among them"


def test_prometheus_grades_each_answer_and_ranks_them_as_it_graded(replayed: Get) -> None:
    rows = replayed("prometheus_2").rows

    assert len(rows) == 6
    assert {row["better"] for row in rows} == {"A", "B"}
    for row in rows:
        assert {row["grade_1"], row["grade_2"]} <= set(range(1, 6))
        assert row["better"] == ("A" if row["grade_1"] > row["grade_2"] else "B")
        assert all(len(row[f"feedback_{of}"].split()) >= 20 for of in ("1", "2", "of_both"))
        assert not any(row[f"feedback_{of}"].startswith("Feedback") for of in ("1", "2", "of_both"))


def test_magpie_leaves_out_an_instruction_that_came_twice(replayed: Get) -> None:
    made = replayed("magpie")

    instructions = [row["instruction"] for row in made.rows]
    assert (made.run.report().steps["magpie"].made, len(instructions)) == (9, 8)
    assert len({text.lower()[:40] for text in instructions}) == 8
    assert {row["system_prompt_key"] for row in made.rows} == {"maths", "code", "writing"}
    for row in made.rows:
        assert {row["instruction"], row["response"]} <= set(said_by(made, "magpie"))
        assert [message["content"] for message in row["messages"]] == [row["instruction"], row["response"]]
    assert sorted(row["score"] for row in made.rows)[:2] == [2, 4], "a weak answer is told from good ones"


def test_orca_turns_a_pair_around_where_the_weak_answer_is_rated_higher(replayed: Get) -> None:
    rows = replayed("orca_dpo").rows

    recordings = [json.loads(line) for line in (ROOT / "examples/data/recordings.jsonl").read_text("utf-8").splitlines()]
    turned = 0
    for row, pair in zip(rows, recordings[:8], strict=True):
        strong, weak = row["ratings"]
        best, worst = ("answer_1", "answer_2") if strong > weak else ("answer_2", "answer_1")
        assert (last(row["chosen"]), last(row["rejected"])) == (pair[best], pair[worst])
        assert row["chosen_rating"] - row["rejected_rating"] >= 1
        turned += weak > strong
    assert 0 < turned < len(rows)


def test_the_haiku_that_are_chosen_have_three_lines(replayed: Get) -> None:
    made = replayed("haiku_dpo")

    assert len(made.rows) == 8
    for row in made.rows:
        assert row["chosen_rating"] > row["rejected_rating"]
        assert len(last(row["chosen"]).splitlines()) == 3
        assert len(set(row["generations"])) == 3
        assert set(row["generations"]) <= set(said_by(made, "haiku"))
        assert row["topic"] in row["prompt"]
        assert row["season"] in row["prompt"]


def test_the_command_that_the_list_shows_replays(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    commands.folder = ROOT  # where a reader types it

    ended = commands(*PAPERS["orca_dpo"].arguments, "--no-prefect", "--run-id", "r", "--runs-dir", str(tmp_path))

    assert ended.code == 0, ended.err
    assert RunFolder(tmp_path / "r").report().rows == {"default": 8}


# ---- what happens when prompts change, and how recordings are made


@pytest.fixture
def changed(tmp_path: Path) -> Recorded:
    """A paper with another prompt than that of its recording, of which this is a copy."""
    paper = PAPERS["orca_dpo"]
    copy = tmp_path / paper.recording.name
    copy.write_bytes(paper.recording.read_bytes())
    return replace(paper, recording=copy, options=(*paper.options, "--param", "judge.aspect=honesty"))


def test_a_changed_prompt_has_no_recorded_reply_and_its_step_is_named(changed: Recorded, tmp_path: Path) -> None:
    made = replay(changed, tmp_path)

    failed = list(made.run.quarantined())
    assert [(row["step"], row["code"]) for row in failed] == [("judge", "not-in-journal")] * 8
    assert "step 'judge'" in failed[0]["message"]


def test_the_replies_stay_with_their_rows_when_a_recording_is_made_anew(changed: Recorded, tmp_path: Path) -> None:
    before = changed.replies()

    lacking = record(changed, [])

    assert lacking == []
    assert [one["generation"] for one in changed.replies()] == [one["generation"] for one in before]
    assert {one["key"] for one in changed.replies()}.isdisjoint(one["key"] for one in before)
    assert replay(changed, tmp_path).run.report().quarantined == 0


def test_what_nobody_has_answered_is_asked_once_and_filled_in(changed: Recorded, tmp_path: Path) -> None:
    *kept, deleted = changed.replies()
    changed.recording.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    [question] = record(changed, [])
    answered = record(changed, [{**question, "generation": deleted["generation"]}])

    assert (question["step"], question["row"], question["n"]) == ("judge", "7", 1)
    assert "lease clause" in question["messages"][-1]["content"]
    assert answered == []
    assert changed.replies()[-1]["generation"] == deleted["generation"]


def test_places_are_in_the_order_of_the_pipeline() -> None:
    for paper in PAPERS.values():
        places = [(line["step"], [int(number) for number in line["row"].split(".")]) for line in paper.replies()]
        assert all(one[1] <= other[1] for one, other in pairwise(places) if one[0] == other[0])
