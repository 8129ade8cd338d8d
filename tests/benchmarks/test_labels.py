"""Crowds whose truth is known: that they are what they say, and that tables and verdicts follow from the figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.labels import rankings, real, simulated
from benchmarks.labels.crowds import Score, read_crowd
from benchmarks.labels.million import Answers, run_here
from benchmarks.labels.mixes import MIXES, Mix
from benchmarks.labels.simulated import Setting
from steps.labels.strategies.families import correlations
from steps.labels.votes import UNKNOWN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    said = [(item, by, "xy"[(item + (by == 3)) % 2]) for item in range(40) for by in range(4)]
    (tmp_path / "answer.csv").write_text("question,worker,answer\n" + "".join(f"{a},{b},{c}\n" for a, b, c in said))
    (tmp_path / "truth.csv").write_text("question,truth\n" + "".join(f"{item},{'xy'[item % 2]}\n" for item in range(30)))
    return tmp_path


def test_a_crowd_in_files_has_its_truth_apart_and_gold_is_a_share_of_it(folder: Path) -> None:
    crowd = read_crowd(folder)
    told = crowd.with_gold(0.1, seed=1)

    assert (len(crowd.votes), int((crowd.truth != UNKNOWN).sum())) == (160, 30)
    assert len(crowd.votes.has_gold) == 0
    assert len(told.votes.has_gold) == 3
    assert (told.votes.gold[told.votes.has_gold] == told.truth[told.votes.has_gold]).all()
    assert list(told.votes.has_gold) != list(crowd.with_gold(0.1, seed=2).votes.has_gold)


def test_real_crowds_are_told_with_and_without_the_items_that_gold_told(folder: Path) -> None:
    lines = [*real.ours(read_crowd(folder), 0.0, 1), *real.ours(read_crowd(folder), 0.1, 2)]

    assert [line.name for line in lines[:6]] == list(real.NAMES)
    assert all(line.score.accuracy == 1 for line in lines if line.name == "majority")
    assert len(real.table(lines).splitlines()) == 2 + 12


def test_the_noise_floor_falls_with_the_number_of_items_and_is_nought_where_all_is_certain() -> None:
    few, many = (real.floor_of(np.tile([0.7, 0.3], (items, 1))) for items in (50, 5000))

    assert 0.03 < few < 0.1
    assert many < 0.01
    assert real.floor_of(np.tile([1.0, 0.0], (50, 1))) == 0


@pytest.mark.parametrize("together", [0.0, 0.6])
def test_errors_of_simulated_judges_go_together_as_far_as_asked(together: float) -> None:
    crowd = Mix("judges", judged=0.7, together=together, items=3000, answers=(6, 6)).draw(1)

    found = correlations(replace(crowd.votes, gold=crowd.truth))

    assert found["llm"] == pytest.approx(together, abs=0.12)  # hard items mislead all alike


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: mix.name)
def test_a_mix_is_what_it_says_and_a_seed_brings_it_back(mix: Mix) -> None:
    crowd = mix.draw(3)
    votes = crowd.votes

    assert votes.per_item.min() >= mix.answers[0]
    assert votes.per_item.max() <= mix.answers[1]
    assert len({*zip(votes.item.tolist(), votes.voter.tolist(), strict=True)}) == len(votes)
    assert np.bincount(crowd.truth, minlength=len(mix.prior)) / mix.items == pytest.approx(mix.prior, abs=0.2)
    assert np.isnan(votes.confidence).all() == (mix.confidence == "none")
    assert (mix.draw(3).votes.label == votes.label).all()


def test_learned_and_auto_are_held_against_the_majority() -> None:
    def setting(gold: float, **accuracies: float) -> Setting:
        names = {
            "majority": 0.8,
            "weighted": 0.8,
            "one_coin": 0.85,
            "dawid_skene": 0.7,
            "learned": 0.8,
            "auto": 0.8,
        } | accuracies
        return Setting("mix", gold, {name: Score(value, 0.4, 0.05, 0.3) for name, value in names.items()})

    settings = [setting(0.0, learned=0.7949), setting(0.05, auto=0.7951)]

    assert "| mix | 0% | .800 / .850 / .795 / .800 |" in simulated.table(settings)
    assert simulated.verdict(settings).splitlines() == [
        "- learned: more than half a point below majority in 1 of 2 settings",
        "  - mix, 0% gold: -0.005",
        "- auto: more than half a point below majority in 0 of 2 settings",
    ]


def test_a_small_mix_is_run_through_all_strategies() -> None:
    [setting] = simulated.run([replace(MIXES[0], items=80)], [0.0], seeds=1)

    assert set(setting.scores) == {"majority", "weighted", "one_coin", "dawid_skene", "learned", "auto"}
    assert setting.scores["learned"].accuracy > 0.8


@pytest.mark.parametrize("way", ["arrays", "rows", "step"])
def test_costs_are_measured_each_way(way: str) -> None:
    cpu_s, peak_mb = map(float, run_here("learned", way, 2000).split())

    assert cpu_s < 10
    assert peak_mb > 10
    assert len(list(Answers(2000))) == 2000


def test_rankings_are_settled_by_scores_and_by_wins_side_by_side() -> None:
    contest = rankings.Contest("few", items=80, people=10, adverse=0.3)

    [outcome] = rankings.run([contest], seeds=2)

    assert outcome.gain > 0.05  # those who have it the wrong way round are found out
    assert "few" in rankings.table([outcome])
    assert "0 of 1 settings" in rankings.table([outcome])
