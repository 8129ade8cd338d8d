from __future__ import annotations

import math
import random
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import orjson
import pytest

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.comparing import compare_versions
from flows.labelling.exporting import export_bytes, label_rows
from flows.labelling.learning import learn_anew, measure, measures_of
from flows.labelling.onboarding import onboarding_set
from flows.labelling.rounds import Gains, close_round, is_answered, open_round, queue
from flows.labelling.scoring import table_from
from steps.errors import RunError
from steps.labels.gain import Neighbours, own_gain
from steps.labels.measures import quality, scored
from steps.labels.questions import Question
from steps.labels.settling import settle
from steps.labels.settling.one_of import votes_in
from steps.labels.strategies.fitting import fit
from steps.labels.strategies.hidden_gold import hidden_gold
from steps.labels.table import table_of
from tests.flows.labelling.crowds import LABELS, UNSURE, crowd


def test_a_round_takes_the_items_about_which_an_answer_brings_most(project: LabelProject) -> None:
    gains = Gains(project)
    opened = open_round(project, gains, 10)
    entries = queue(project, gains)

    assert opened.number == 2  # what was imported is round 1
    assert [entry.item for entry in entries]
    assert {entry.item for entry in entries} == set(opened.items)
    assert [entry.gain for entry in entries] == sorted((entry.gain for entry in entries), reverse=True)
    assert not set(opened.items) & project.said.gold().keys()
    others = gains.of([item for item in project.items if item not in opened.items and project.said.gold_of(item) is None])
    assert min(entry.gain for entry in entries) >= max(others.values())
    with pytest.raises(RunError, match="round 2 is open"):
        open_round(project, gains)


def test_what_an_answer_brings_is_reckoned_for_who_asks_and_for_what_is_said_now(project: LabelProject) -> None:
    gains = Gains(project)
    for at in range(30):
        project.answer(f"q{at}", "wrong", "zoe")
    learn_anew(project, measures=False)
    items = [item for item in project.items if project.said.gold_of(item) is None]
    assert (
        gains.of(items, "ann-0")
        == Gains(project).of(items, "ann-0")
        != gains.of(items, "zoe")
        == Gains(project).of(items, "zoe")
    )

    item = max(gains.of(items), key=gains.of(items).__getitem__)
    was = gains.of(items)[item]
    labels = []
    for label in LABELS:
        project.answer(item, label, "yan")
        labels.append(gains.of(items)[item])
        assert labels[-1] == Gains(project).of(items)[item]
        project.undo("yan")
    assert gains.of(items)[item] == was
    assert len({was, *labels}) > 2


def test_answers_belong_to_the_open_round_and_are_done_in_it(project: LabelProject) -> None:
    gains = Gains(project)
    open_round(project, gains, 4)
    first, second, *_ = queue(project, gains)
    project.answer(first.item, "wrong", "zoe")
    project.skip(second.item, "zoe")

    entries = queue(project, gains)
    assert [(entry.item, entry.is_done, entry.is_skipped) for entry in entries][-2:] == [
        (second.item, False, True),
        (first.item, True, False),
    ]
    assert entries[-1].score.answers == first.score.answers + 1
    project.undo("zoe")
    assert not any(entry.is_skipped for entry in queue(project, gains))

    assert close_round(project).closed_at
    with pytest.raises(RunError, match="no round is open"):
        close_round(project)
    again = open_round(project, gains, 4)
    assert again.number == 3
    assert not any(entry.is_done for entry in queue(project, gains))


def test_a_round_of_items_without_answers_takes_them_in_order(projects: LabelProjects) -> None:
    project = projects.create("new", Question(labels=["a", "b"]), [{"item": f"q{at}"} for at in range(9)])
    gains = Gains(project)

    assert open_round(project, gains, 3).items == ["q0", "q1", "q2"]
    assert [entry.item for entry in queue(project, gains)] == ["q0", "q1", "q2"]


def test_the_gain_of_an_item_is_what_the_strategy_says_after_each_answer_it_may_get() -> None:
    """Reckoned anew by hand: every answer is added as a row, and the strategy applied to those rows."""
    rows = [{**row, "explanation": ""} for row in crowd(40)]
    table = table_of(rows, Question())
    from steps.labels.settling import learn, settle

    strategy = learn(table, "learned")
    items = [one.item for one in settle(table, strategy)][:6]
    found = own_gain(table, strategy, items)
    stranger = np.array(strategy.strangers["human"])
    for item in items:
        own = [row for row in rows if row["item"] == item]
        [before] = settle(table_of(own, Question()), strategy)
        assert isinstance(before.distribution, dict)
        shares = np.array([before.distribution[name] for name in strategy.classes])
        expected = 0.0
        for at, label in enumerate(strategy.classes):
            [after] = settle(table_of([*own, {"item": item, "annotator": "new", "label": label}], Question()), strategy)
            expected += float(shares @ stranger[:, at]) * after.probability
        assert math.isclose(found[item], max(expected - before.probability, 0), abs_tol=1e-4)


def test_settling_an_item_moves_only_items_that_its_annotators_answered_about(projects: LabelProjects) -> None:
    one = crowd(60, right=(0.9, 0.8, 0.55))
    other = [{**row, "item": f"x{row['item']}", "annotator": f"x{row['annotator']}"} for row in crowd(60, seed=5)]
    project = projects.create("apart", Question(), [*one, *other])
    project.change(lambda about: about.model_copy(update={"strategy": "learned"}))
    learn_anew(project, measures=False)
    standing = project.standing
    assert standing is not None
    around = Neighbours(table_from(project.said, project.about.question), standing.strategy)
    ours = [item for item in project.items if item[0] == "q"]
    unsure = max(ours, key=lambda item: around.spread(item).gain)

    assert around.spread(unsure).gain > 0
    votes = votes_in(table_from(project.said, project.about.question), standing.strategy.classes)
    at = votes.items.index(unsure)
    touched, _ = around._touched(at, around.verdicts.votes_on(at))
    assert {votes.items[place][0] for place in votes.item[touched]} == {"q"}
    alone = projects.create("alone", Question(), [{"item": "q", "annotator": "a", "label": "x"}, *one])
    learn_anew(alone, measures=False)
    assert Gains(alone).spread("q").gain == 0


def test_a_majority_learns_nothing_of_annotators_so_nothing_is_said_of_other_items(project: LabelProject) -> None:
    project.change(lambda about: about.model_copy(update={"strategy": "majority"}))
    learn_anew(project, measures=False)

    assert Gains(project).spread("q1").settles == 0


def test_learning_anew_is_a_version_only_if_it_decides_otherwise(project: LabelProject) -> None:
    assert project.versions.numbers() == [1]
    assert not learn_anew(project).is_new
    assert project.versions.numbers() == [1]
    for at in range(30):
        project.answer(f"q{at}", LABELS[at % 3], "zoe")
    learned = learn_anew(project)
    assert (learned.is_new, learned.strategy.version, project.versions.numbers()) == (True, 2, [1, 2])
    assert [(told.version, told.round) for told in project.versions.told_of("q1")] == [(1, 1), (2, 1)]


def test_measures_say_how_good_labels_are_after_each_round(project: LabelProject) -> None:
    gains = Gains(project)
    open_round(project, gains, 8)
    truth = project.said.gold()
    for entry in queue(project, gains):
        project.answer(entry.item, truth.get(entry.item, "wrong"), "zoe")
    learn_anew(project)
    found = measures_of(project.folder)

    assert [point["round"] for point in found["curve"]] == [1, 2]
    for point in found["curve"]:
        assert 0 <= point["learned"]["low"] <= point["learned"]["value"] <= point["learned"]["high"] <= 1
    assert found["quality"]["items"] == len(truth)
    reliability = {one["annotator"]: one["reliability"]["value"] for one in found["annotators"]}
    assert reliability["ann-0"] > reliability["llm: judge"]
    assert -1 <= found["alpha"] <= 1


def test_without_gold_the_curve_says_how_unsure_labels_are(projects: LabelProjects) -> None:
    project = projects.create("plain", Question(), crowd(40))
    learn_anew(project)
    found = measures_of(project.folder)

    assert "quality" not in found
    assert 0 < found["curve"][0]["uncertainty"] < 1


@pytest.mark.slow
def test_a_hundred_thousand_annotations_are_learned_and_queued(projects: LabelProjects) -> None:
    import time

    rows = [{**row, "annotator": f"{row['annotator']}-{at % 40}"} for at, row in enumerate(crowd(20_000))]
    project = projects.create("many", Question(), [{**row, "explanation": ""} for row in rows])
    project.change(lambda about: about.model_copy(update={"strategy": "learned"}))
    learn_anew(project, measures=False)
    gains = Gains(project)
    open_round(project, gains)
    started = time.process_time()
    project.answer(queue(project, gains)[0].item, "wrong", "zoe")
    assert len(queue(project, gains)) == 40
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("kind", "labels", "answers"),
    [
        ("rating", ["1", "2", "3", "4", "5"], (4, 5, 2)),
        ("multi_label", ["tone", "fact"], (["tone"], ["tone", "fact"], [])),
        ("ranking", ["a", "b", "c"], (["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"])),
        ("spans", ["error"], ([{"start": 0, "end": 4, "label": "error"}], [{"start": 2, "end": 6, "label": "error"}], [])),
    ],
)
def test_other_types_of_questions_are_learned_reviewed_and_learned_again(
    projects: LabelProjects, kind: Any, labels: list[str], answers: tuple[Any, ...]
) -> None:
    rows = [
        {"item": f"q{at}", "annotator": f"ann-{who}", "label": answers[who if at % 3 else 0], "text": "Text of it"}
        for at in range(12)
        for who in range(3)
    ]
    project = projects.create("other", Question(type=kind, labels=labels), rows)
    learn_anew(project)
    gains = Gains(project)
    open_round(project, gains, 4)
    first = queue(project, gains)[0]
    project.answer(first.item, answers[1], "zoe")
    assert is_answered(project, first.item, 2)
    learn_anew(project)

    assert compare_versions(project, 1, project.versions.numbers()[-1])["items"] == 12
    assert [point["round"] for point in measures_of(project.folder)["curve"]] == [1, 2]
    assert len(list(label_rows(project))) == 12
    assert project.settlement(first.item) is not None
    onboarding_set(project)
    lines = [orjson.loads(line) for line in export_bytes(project, "annotations", "jsonl").splitlines()]
    assert [row["label"] for row in lines if row["annotator"] == "zoe"] == [project.about.question.read(answers[1])]
    assert export_bytes(project, "labels", "parquet")[:4] == b"PAR1"


def test_a_rating_is_measured_by_the_model_that_labels_it(projects: LabelProjects) -> None:
    grades = {"correct": 5, "partly": 4, "wrong": 1}
    rows = [
        {**row, "label": grades[row["label"]], **({"gold": grades[row["gold"]]} if "gold" in row else {})}
        for row in crowd(60, gold=0.5, right=UNSURE)
    ]
    project = projects.create("graded", Question(type="rating"), rows)
    project.change(lambda about: about.model_copy(update={"strategy": "learned"}))
    strategy = learn_anew(project, measures=False).strategy
    table = table_from(project.said, project.about.question)
    votes = votes_in(table, strategy.classes)
    truth = votes.gold[votes.has_gold]

    found = measure(table, strategy)
    told = [hidden_gold(votes, partial(fit, "learned", question=question)) for question in ("rating", "label")]
    as_grades, as_names = (quality(scored(one, truth)) for one in told)
    assert found["quality"] == asdict(as_grades)
    assert found["quality"] != asdict(as_names)


def test_a_version_is_never_measured_by_gold_that_it_was_told(projects: LabelProjects) -> None:
    """Here an annotator answers once, and by chance: whoever is told the gold knows each, and nothing of other items."""
    labels, draw = ["x", "y"], random.Random(0)
    pairs = [(str(item), f"{item}-{place}") for item in range(200) for place in "ab"]
    said = [{"item": item, "annotator": annotator, "label": draw.choice(labels)} for item, annotator in pairs]
    project = projects.create("chance", Question(labels=labels), said)
    project.change(lambda about: about.model_copy(update={"strategy": "dawid_skene"}))
    untold = learn_anew(project, measures=False).strategy
    gold = [{"item": str(item), "gold": draw.choice(labels)} for item in range(100)]
    project.add_rows(gold)
    told = learn_anew(project, measures=False).strategy
    assert (untold.fitted.gold_items, len(told.fitted.gold_items or [])) == ([], 100)

    found = compare_versions(project, untold.version, told.version)

    accuracies = [one["accuracy"]["value"] for one in found["quality"]]
    assert found["gold"] == 100
    assert all(0.3 < accuracy < 0.7 for accuracy in accuracies), accuracies
    table = table_from(project.said, project.about.question)
    table.gold.clear()
    as_it_is = {one.item: one.label for one in settle(table, told)}
    assert sum(as_it_is[row["item"]] == row["gold"] for row in gold) > 85  # what it would boast of

    project.add_rows([{"item": str(item), "gold": draw.choice(labels)} for item in range(100, 200)])
    found = compare_versions(project, told.version, told.version)
    assert found["gold"] == 200
    assert 0.35 < found["quality"][0]["accuracy"]["value"] < 0.65
    assert found["difference"]["accuracy"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_the_curve_scores_no_item_before_somebody_answered_about_it(projects: LabelProjects) -> None:
    early = crowd(40, gold=1.0, right=(1.0, 1.0, 1.0))
    late = [{**row, "item": f"late-{row['item']}", "round": 2} for row in crowd(40, gold=1.0, right=(1.0, 1.0, 1.0))]
    project = projects.create("late", Question(), [*early, *late])
    learn_anew(project)

    assert [point["majority"]["value"] for point in measures_of(project.folder)["curve"]] == [1.0, 1.0]
