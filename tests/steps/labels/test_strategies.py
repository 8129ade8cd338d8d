"""What strategies make of votes: tiny cases by hand, and what holds for every strategy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from steps.errors import RunError
from steps.labels.strategies.calibration import calibrate
from steps.labels.strategies.choosing import choose
from steps.labels.strategies.fitting import fit
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategy_names import StrategyName
from steps.labels.votes import Voter, Votes
from tests.steps.labels.crowd import accuracy, drawn, votes

NAMES: tuple[StrategyName, ...] = get_args(StrategyName)
every_strategy = pytest.mark.parametrize("name", NAMES)
PEOPLE = [0.9, 0.85, 0.8, 0.7, 0.65, 0.6]


def by_item(name: StrategyName, given: Votes) -> dict[str, list[float]]:
    posterior = fit(name, given).apply(given).posterior
    return {item: posterior[at].round(5).tolist() for at, item in enumerate(given.items)}


# ---- by hand


def test_the_majority_is_the_share_of_votes_and_one_more_and_a_tie_goes_to_the_first_class() -> None:
    given = votes(("1", "a", "y"), ("1", "b", "y"), ("1", "c", "x"), ("2", "a", "y"), ("2", "b", "x"))

    verdicts = fit("majority", given).apply(given)

    assert verdicts.posterior.round(4).tolist() == [[0.375, 0.625], [0.5, 0.5]]
    assert [given.classes[at] for at in verdicts.winner] == ["y", "x"]
    assert verdicts.pull.round(4).tolist() == [0.3333, 0.3333, -0.3333, -0.5, 0.5]


def test_weights_are_how_often_somebody_agrees_with_the_others() -> None:
    given = votes(("1", "a", "x"), ("1", "b", "x"), ("1", "c", "y"), gold={"1": "x"})

    weights = {name: voice.weight for name, voice in fit("weighted", given).voices.items()}

    # right 1, 1, 0: their mean 2/3 counts as two answers more
    assert weights == pytest.approx({"a": 7 / 9, "b": 7 / 9, "c": 4 / 9}, abs=1e-5)


def test_who_is_always_wrong_on_gold_is_heard_the_other_way_around() -> None:
    known = [(f"g{n}", by, "xy"[n % 2] if by == "good" else "yx"[n % 2]) for n in range(40) for by in ("good", "bad")]
    given = votes(*known, ("new", "bad", "x"), gold={f"g{n}": "xy"[n % 2] for n in range(40)})

    for name in ("one_coin", "dawid_skene", "learned"):
        assert by_item(name, given)["new"][1] > 0.7


def test_confusions_of_one_annotator_about_gold_are_counted() -> None:
    said = [(f"x{n}", "a", "x") for n in range(8)] + [(f"y{n}", "a", "x" if n < 2 else "y") for n in range(8)]
    given = votes(*said, gold={item: item[0] for item, _, _ in said})

    [voice] = fit("dawid_skene", given).voices.values()

    assert voice.confusion == [
        pytest.approx([8.01 / 8.02, 0.01 / 8.02], abs=1e-5),
        pytest.approx([2.01 / 8.02, 6.01 / 8.02], abs=1e-5),
    ]


# ---- of all


@every_strategy
def test_probabilities_sum_to_one_and_gold_is_kept(name: StrategyName) -> None:
    given, truth = drawn(PEOPLE, items=60, share=0.5)
    given.gold[:20] = truth[:20]

    posterior = fit(name, given).apply(given).posterior

    assert np.allclose(posterior.sum(axis=1), 1)
    assert (posterior[np.arange(20), truth[:20]] == 1).all()


@every_strategy
def test_the_order_of_rows_does_not_matter(name: StrategyName) -> None:
    given, _ = drawn(PEOPLE, items=60, share=0.5)
    order = np.random.default_rng(4).permutation(len(given))
    parts = {part: getattr(given, part)[order] for part in ("item", "voter", "label", "confidence")}

    before = fit(name, given).apply(given).posterior
    shuffled = replace(given, **parts)
    assert np.allclose(fit(name, shuffled).apply(shuffled).posterior, before, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "learned"])
def test_names_do_not_matter(name: StrategyName) -> None:
    given, _ = drawn(PEOPLE, items=60, share=0.5)
    renamed = replace(given, voters=[Voter(f"other {at}") for at in range(len(PEOPLE))], items=[f"o{at}" for at in range(60)])

    assert np.allclose(fit(name, renamed).apply(renamed).posterior, fit(name, given).apply(given).posterior)


def test_names_hardly_matter_to_the_learned_one_which_hides_answers_by_them() -> None:
    given, truth = drawn(PEOPLE, items=300, share=0.5)
    found = []
    for turn in range(4):
        renamed = replace(given, voters=[Voter(f"{turn} {at}") for at in range(len(PEOPLE))])
        found.append(accuracy(fit("learned", renamed).apply(renamed).posterior, truth))
    assert max(found) - min(found) <= 0.02


@every_strategy
def test_it_comes_back_from_json_as_it_was(name: StrategyName, tmp_path: Path) -> None:
    given, _ = drawn(PEOPLE, items=80, share=0.6, confidence=True)
    strategy = fit(name, given)

    strategy.save(tmp_path / "new" / "strategy.json")
    again = Strategy.load(tmp_path / "new" / "strategy.json")

    assert again == strategy
    assert again.hash == strategy.hash
    assert np.array_equal(again.apply(given).posterior, strategy.apply(given).posterior)


@every_strategy
def test_it_applies_to_items_and_annotators_that_it_never_saw(name: StrategyName) -> None:
    given, _ = drawn(PEOPLE, items=80)
    others, truth = drawn([0.9, 0.9, 0.9], items=40, seed=1)
    strangers = replace(others, voters=[Voter("new"), Voter("judge", "llm"), Voter("rule", "template")])

    posterior = fit(name, given).apply(strangers).posterior

    assert np.allclose(posterior.sum(axis=1), 1)
    assert accuracy(posterior, truth) > 0.85


@every_strategy
def test_votes_about_other_classes_are_refused_in_words(name: StrategyName) -> None:
    strategy = fit(name, votes(("1", "a", "x"), ("1", "b", "y")))

    with pytest.raises(ValueError, match="the votes are about x, z; the strategy knows x, y"):
        strategy.apply(votes(("1", "a", "x"), ("1", "b", "z")))


@every_strategy
@pytest.mark.parametrize(
    "given",
    [
        votes(("1", "a", "x")),
        votes(("1", "a", "x"), ("2", "a", "x")),
        votes(("1", "a", "x"), ("2", "b", "y"), ("3", "c", "x")),
        votes(("1", "a", "x"), ("1", "b", "y"), gold={"1": "z"}),
        votes(*((str(n), by, "x") for n in range(30) for by in "abc"), classes=("x", "y", "z")),
        votes(*((str(n), by, "xy"[(n + ord(by)) % 2]) for n in range(6) for by in "ab")),
    ],
    ids=["one-vote", "one-class", "one-vote-each", "gold-nobody-said", "class-nobody-said", "all-contradict"],
)
def test_votes_that_tell_little_are_worked_on_all_the_same(name: StrategyName, given: Votes) -> None:
    verdicts = fit(name, given).apply(given)

    assert np.allclose(verdicts.posterior.sum(axis=1), 1)
    assert np.isfinite(verdicts.pull).all()
    assert ((verdicts.right >= 0) & (verdicts.right <= 1 + 1e-9)).all()


@every_strategy
def test_without_votes_nothing_is_learned(name: StrategyName) -> None:
    with pytest.raises(ValueError, match="there are no annotations to learn from"):
        fit(name, votes(("1", "a", "x")).only(np.zeros(1, dtype=bool)))


def test_a_probability_never_becomes_nought_when_it_is_saved() -> None:
    given = votes(*((f"{n}", by, "x") for n in range(50_000) for by in "a"), ("last", "a", "y"))

    confusion = np.array(fit("dawid_skene", given).voices["a"].confusion)

    assert (confusion > 0).all()


# ---- the learned one


def test_it_is_at_least_as_good_as_the_majority_on_mixed_skill() -> None:
    for seed in range(3):
        given, truth = drawn([0.95, 0.9, 0.5, 0.45, 0.4, 0.4], items=300, seed=seed)
        found = {name: accuracy(fit(name, given).apply(given).posterior, truth) for name in ("majority", "learned")}
        assert found["learned"] > found["majority"] + 0.05


def test_many_people_with_few_answers_each_are_not_taken_at_their_word() -> None:
    rng = np.random.default_rng(0)
    given, truth = drawn([0.8] * 5, items=400, seed=2)
    few = replace(given, voter=rng.permutation(len(given)) % 900, voters=[Voter(f"p{at}") for at in range(900)])
    found = {name: accuracy(fit(name, few).apply(few).posterior, truth) for name in ("majority", "learned")}

    assert found["learned"] >= found["majority"] - 0.005


def test_a_rare_class_is_not_lost() -> None:
    rng = np.random.default_rng(5)
    truth = (rng.random(600) < 0.07).astype(np.int64)
    item, voter = np.nonzero(rng.random((600, 20)) < 0.25)
    label = np.where(rng.random(len(item)) < 0.8, truth[item], 1 - truth[item])
    given, _ = drawn([0.8] * 20, items=600, classes=2)
    rare = replace(given, item=item, voter=voter, label=label, confidence=np.full(len(item), np.nan))
    found = {name: accuracy(fit(name, rare).apply(rare).posterior, truth) for name in ("majority", "learned")}

    assert found["learned"] > found["majority"]


def test_confidence_that_tells_is_used() -> None:
    given, truth = drawn([0.6] * 4, items=300, confidence=True, seed=3)
    blind = replace(given, confidence=np.full(len(given), np.nan))

    with_it, without = (accuracy(fit("learned", one).apply(one).posterior, truth) for one in (given, blind))

    assert with_it > without + 0.05


def test_a_stranger_is_as_sure_as_all_of_their_kind_whoever_was_heard_first() -> None:
    given, _ = drawn([0.6] * 4, items=300, confidence=True, seed=3)
    sure = np.where(given.voter == 0, given.confidence / 10, given.confidence)  # the first uses the scale in another way
    learned = fit("learned", replace(given, confidence=sure))
    turned = learned.model_copy(update={"voices": dict(reversed(learned.voices.items()))})
    strangers = replace(given, voters=[Voter(f"new{at}") for at in range(4)])

    assert learned.thirds == {"human": pytest.approx(np.quantile(sure, [1 / 3, 2 / 3]))}
    assert learned.apply(strangers).posterior.tolist() == turned.apply(strangers).posterior.tolist()


def test_more_gold_never_makes_gold_items_wrong_and_helps_the_rest() -> None:
    given, truth = drawn([0.7, 0.65, 0.3, 0.3, 0.25], items=300, seed=6)
    found = []
    for known in (0, 15, 60):
        gold = np.where(np.arange(300) < known, truth, -1)
        told = replace(given, gold=gold)
        posterior = fit("learned", told).apply(told).posterior
        assert (posterior[:known].argmax(axis=1) == truth[:known]).all()
        found.append(accuracy(posterior[60:], truth[60:]))
    assert found[2] >= found[0]


def test_judges_that_err_together_do_not_outvote_those_who_know_better() -> None:
    rng = np.random.default_rng(8)
    together = np.where(rng.random(400) < 0.4, rng.integers(1, 3, 400), 0)
    judges = {at: Voter(f"judge {at}", "llm") for at in range(5, 10)}
    given, truth = drawn([0.75] * 10, items=400, kinds=judges, together=together)

    strategy = fit("learned", given)

    assert strategy.families["llm"] > 0.7
    found = accuracy(strategy.apply(given).posterior, truth)
    assert found > accuracy(fit("dawid_skene", given).apply(given).posterior, truth) + 0.1


def test_judges_that_err_each_alone_are_not_held_back() -> None:
    judges = {at: Voter(f"judge {at}", "llm") for at in range(5, 10)}
    given, _ = drawn([0.75] * 10, items=400, kinds=judges)

    assert fit("learned", given).families["llm"] <= 0.1


def test_gold_tells_how_far_a_family_errs_together() -> None:
    rng = np.random.default_rng(9)
    together = np.where(rng.random(400) < 0.3, 1.0, 0.0)
    judges = {at: Voter(f"judge {at}", family="maker") for at in range(4)}
    given, truth = drawn([0.75] * 4, items=400, kinds=judges, together=together)

    assert fit("learned", replace(given, gold=truth)).families["maker"] == pytest.approx(1, abs=0.05)


def test_ratings_of_people_who_lean_are_put_right() -> None:
    rng = np.random.default_rng(10)
    truth = rng.integers(0, 5, 300)
    leaning = np.array([1.2, -0.9, -1.1, 0, 0.9])
    item, voter = np.divmod(np.arange(1500), 5)
    label = np.clip(np.rint(truth[item] + leaning[voter] + 0.4 * rng.normal(size=1500)), 0, 4).astype(np.int64)
    given, _ = drawn([1.0] * 5, items=300, classes=5)
    rated = replace(given, item=item, voter=voter, label=label)

    learned = fit("learned", rated, "rating").apply(rated).posterior

    assert accuracy(learned, truth) > accuracy(fit("majority", rated).apply(rated).posterior, truth) + 0.1


def test_probabilities_hold_as_often_as_they_say_once_gold_has_tempered_them() -> None:
    rng = np.random.default_rng(11)
    values = rng.normal(size=(4000, 3))
    odds = np.exp(values / 2.5)
    gold = (rng.random((4000, 1)) > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)[:, :-1]).sum(axis=1)

    assert calibrate(values, gold).temperature == pytest.approx(2.5, rel=0.15)
    assert abs(np.log(calibrate(values[:5], gold[:5]).temperature)) < 0.4
    assert calibrate(values[:0], gold[:0]).temperature == 1


# ---- what a hash says


def test_a_hash_changes_with_what_decides_over_labels_and_with_nothing_else() -> None:
    given, _ = drawn(PEOPLE, items=60)
    strategy = fit("learned", given, rounds=[1])

    same = [strategy.model_copy(update={"version": 2}), strategy.model_copy(update={"why": "so"}), fit("learned", given)]
    others = [
        strategy.model_copy(update={"temperature": strategy.temperature * 1.1}),
        strategy.model_copy(update={"voices": {}}),
        fit("learned", replace(given, label=(given.label + 1) % 3)),
        fit("one_coin", given),
    ]

    assert {one.hash for one in same} == {strategy.hash}
    assert len({one.hash for one in [strategy, *others]}) == 5
    assert strategy.tag == f"learned-v1-{strategy.hash[:8]}"
    assert strategy.stamp == {"name": "learned", "version": 1, "hash": strategy.hash}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file"), ("{}", "holds no strategy: "), ("no json", "holds no strategy: the file")],
)
def test_a_file_that_holds_no_strategy_is_an_error_in_words(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "strategy.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(RunError, match=message):
        Strategy.load(path)


# ---- auto


def test_auto_takes_what_tells_hidden_gold_best_and_says_what_it_compared() -> None:
    given, truth = drawn(PEOPLE, items=200)
    told = replace(given, gold=np.where(np.arange(200) < 60, truth, -1))

    chosen = choose(told, rounds=[1, 2])

    assert chosen.why.startswith(f"{chosen.name}: of 60 gold items that were hidden in turn, log-loss ")
    assert all(name in chosen.why for name in NAMES)
    assert (chosen.fitted.gold, chosen.fitted.rounds) == (60, [1, 2])


def test_auto_without_gold_goes_by_hidden_answers() -> None:
    given, _ = drawn(PEOPLE, items=200)

    assert "there is no gold to go by; of answers that were hidden" in choose(given).why


def test_auto_does_not_go_by_answers_where_families_foretell_them() -> None:
    judges = {at: Voter(f"judge {at}", "llm") for at in range(3)}
    given, _ = drawn(PEOPLE, items=200, kinds=judges)

    chosen = choose(given)

    assert (chosen.name, "foretell each other's errors" in chosen.why) == ("learned", True)


def test_auto_works_where_no_item_has_two_answers() -> None:
    alone = [(str(at), f"person {at % 7}", "xy"[at % 2]) for at in range(400)]

    assert choose(votes(*alone)).name == "learned"


def test_auto_leaves_few_answers_to_the_majority() -> None:
    given, truth = drawn(PEOPLE, items=20)
    told = replace(given, gold=truth)

    chosen = choose(given)

    assert (chosen.name, "too little of annotators" in chosen.why) == ("majority", True)
    assert "gold items that were hidden" in choose(told).why


def test_more_answers_of_the_same_kind_make_no_other_majority_strategy() -> None:
    few, more = votes(("1", "a", "x"), ("1", "b", "y")), votes(("1", "a", "x"), ("1", "b", "y"), ("2", "a", "x"))

    assert fit("majority", few).hash == fit("majority", more).hash


def test_a_strategy_that_counts_shares_is_tried_with_its_own_weights() -> None:
    careless = [0.4] * 6
    given, _ = drawn([0.97, 0.97, 0.97, *careless], items=200)

    told = choose(given).why

    assert float(told.split("weighted ")[1].split(",")[0].rstrip(".")) < float(
        told.split("majority ")[1].split(",")[0].rstrip(".")
    )


ODD = {
    "a temperature below 0": {"temperature": -1.0},
    "a temperature that is no number": {"temperature": float("nan")},
    "probabilities below 0": {"prior": [-1.0, 2.0]},
    "no prior": {"prior": []},
    "confusions of another shape": {"strangers": {kind: [[0.5, 0.5]] for kind in ("human", "llm", "template")}},
    "no strangers": {"strangers": {}},
    "an overlap above 1": {"overlap": 2.0},
    "a class twice": {"classes": ["x", "x"]},
    "parts of other labels": {"question": "multi_label", "parts": {}},
}


@pytest.mark.parametrize("change", ODD.values(), ids=list(ODD))
def test_a_file_that_cannot_be_a_strategy_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    good = fit("learned", votes(("1", "a", "x"), ("1", "b", "y"), ("2", "a", "x"), ("2", "b", "x"))).model_dump(mode="json")
    path = tmp_path / "strategy.json"

    path.write_text(json.dumps(good))
    assert Strategy.load(path).classes == ["x", "y"]
    path.write_text(json.dumps({**good, **change}))
    with pytest.raises(RunError, match="holds no strategy"):
        Strategy.load(path)
