"""What is said of annotators."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from steps.labels import ReportAnnotators
from steps.labels.report import AnnotatorReport, crowd_report
from steps.labels.strategies.fitting import fit
from steps.labels.votes import Voter, Votes
from tests.steps.labels.crowd import drawn, votes


def reports(given: Votes, rounds: list[int] | None = None) -> dict[str, AnnotatorReport]:
    strategy = fit("learned", given)
    return {one.annotator: one for one in crowd_report(strategy, strategy.apply(given), rounds or ()).annotators}


def test_reliability_lies_where_the_interval_says() -> None:
    skills = [0.95, 0.85, 0.7, 0.5]
    given, truth = drawn(skills, items=400)

    found = reports(replace(given, gold=truth))

    for at, skill in enumerate(skills):
        told = found[f"v{at}"].reliability
        assert told.low - 0.03 < skill < told.high + 0.03
        assert told.high - told.low < 0.12


@pytest.mark.parametrize("seed", range(3))
def test_reliability_holds_where_nothing_is_known_for_sure(seed: int) -> None:
    skills = list(np.linspace(0.55, 0.95, 8))
    given, truth = drawn(skills, items=400, seed=seed, share=0.6)
    is_right = given.label == truth[given.item]

    found = reports(given)

    true = {voter.name: float(is_right[given.voter == at].mean()) for at, voter in enumerate(given.voters)}
    off = [found[name].reliability.value - share for name, share in true.items()]
    assert abs(float(np.mean(off))) < 0.03
    assert sum(found[name].reliability.low <= share <= found[name].reliability.high for name, share in true.items()) >= 7


@pytest.mark.parametrize("people", [3, 5, 12])
def test_people_who_answer_on_their_own_are_not_said_to_err_together(people: int) -> None:
    given, _ = drawn([0.75] * people, items=300, seed=1)

    assert [name for name, one in reports(given).items() if one.errs_with] == []


def test_bias_is_what_somebody_says_too_often() -> None:
    said = [(str(n), "a", "x") for n in range(10)]
    found = reports(votes(*said, gold={str(n): "x" if n < 6 else "y" for n in range(10)}))

    assert found["a"].bias == pytest.approx({"x": 0.4, "y": -0.4})


def test_drift_is_told_from_the_first_rounds_to_the_last() -> None:
    said = [(f"{n}", "a", "x" if n < 40 or n % 2 else "y") for n in range(80)]
    found = reports(votes(*said, gold={f"{n}": "x" for n in range(80)}), [1] * 40 + [2] * 40)

    drift = found["a"].drift
    assert drift is not None
    assert drift.value == pytest.approx(-0.5)
    assert drift.high < 0
    assert found["a"].by_round == {1: 1.0, 2: 0.5}
    assert reports(votes(*said))["a"].drift is None


def test_those_who_err_together_are_named_and_others_are_not() -> None:
    rng = np.random.default_rng(3)
    kin = {at: Voter(f"kin {at}", "llm") for at in (0, 1)}
    given, truth = drawn([0.7] * 6, items=300, kinds=kin, together=np.where(rng.random(300) < 0.3, 1.0, 0.0))

    found = reports(replace(given, gold=truth))

    assert [one.annotator for one in found["kin 0"].errs_with] == ["kin 1"]
    assert found["kin 0"].errs_with[0].correlation == pytest.approx(1, abs=0.05)
    assert found["v2"].errs_with == []


def test_judges_are_held_against_people() -> None:
    given = votes(("1", "ann", "x"), ("1", "judge", "x"), ("2", "ann", "y"), ("2", "judge", "x"))
    judged = replace(given, voters=[Voter("ann"), Voter("judge", "llm")])

    found = reports(judged)

    assert (found["judge"].with_humans, found["ann"].with_humans) == (0.5, None)


@pytest.mark.parametrize("strategy", ["majority", "weighted"])
def test_people_who_err_by_themselves_are_not_said_to_err_together_where_votes_are_counted(strategy: str) -> None:
    chance = random.Random(1)
    rows = []
    for item in range(60):
        truth = chance.choice(["good", "bad"])
        for annotator, skill in (("ann", 0.9), ("bob", 0.75), ("cy", 0.65)):
            label = truth if chance.random() < skill else {"good": "bad", "bad": "good"}[truth]
            rows.append({"item": str(item), "annotator": annotator, "label": label})

    reports = list(ReportAnnotators(strategy=strategy).process(rows))

    assert [report["errs_with"] for report in reports] == [[], [], []]
