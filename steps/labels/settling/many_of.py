"""Questions with several answers at once: labels of an item, or labels of stretches of a text.

Each label is a question of its own, with yes and no for answers, about the item or about a stretch of it. What annotators are
like is learned for each label alone: somebody may see every error of fact and none of tone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from steps.base import Row
from steps.errors import RunError
from steps.labels.keys import key_of, parts_of
from steps.labels.questions import names_in
from steps.labels.settling.settlement import Pull, Settlement
from steps.labels.strategies.choosing import FEW_ANSWERS
from steps.labels.strategies.fitting import fit
from steps.labels.strategies.strategy import Fitted, Strategy
from steps.labels.strategies.verdicts import Verdicts
from steps.labels.strategy_names import StrategyChoice, StrategyName
from steps.labels.table import AnnotationTable
from steps.labels.votes import Floats, Votes, votes_of
from steps.wording import listed

NO, YES = "no", "yes"
YES_AT = 1
"""The place of YES among the classes of a part."""
ENOUGH = 0.5
Stretch = tuple[int, int]
"""Where a stretch of a text begins and ends; (0, 0) stands for the whole item."""
WHOLE: Stretch = (0, 0)


def learn_many(table: AnnotationTable, name: StrategyChoice) -> Strategy:
    """A strategy with one part for each label. "auto" takes the learned way, or the majority's where there are few annotations.

    Choosing by trial would count each annotation once for each label and stretch, and take them for independent.
    """
    labels = _labels(table)
    parts = _parts_of(table)
    if not labels:
        raise RunError("no annotation holds a label, and the question names none", "name its `labels`")
    why = ""
    known: StrategyName
    if name == "auto":
        is_enough = len(table) >= 2 * FEW_ANSWERS
        known = "learned" if is_enough else "majority"
        why = f"{known}: {'at least' if is_enough else 'fewer than'} {2 * FEW_ANSWERS} annotations."
    else:
        known = name
    rounds = sorted(set(table.rounds))
    made = {label: _part(table, parts, label, known) for label in labels}
    fitted = Fitted(items=len(table.about), annotations=len(table), gold=len(table.gold), rounds=rounds)
    return Strategy(name=known, question=table.question.type, classes=labels, parts=made, fitted=fitted, why=why)


def settle_many(table: AnnotationTable, strategy: Strategy) -> Iterator[Settlement]:
    """The labels of each item that are more probable than not.

    The probability is that all labels are right; of spans, that the least certain stretch is.
    """
    labels = _labels(table)
    if unknown := [label for label in labels if label not in strategy.classes]:
        what = (
            f"there are annotations for {listed(map(repr, unknown))}; the strategy knows {listed(map(repr, strategy.classes))}"
        )
        raise RunError(what, "learn the strategy anew, or leave these annotations out")
    parts = _parts_of(table)
    found: dict[str, dict[str, list[tuple[Stretch, float]]]] = {}
    pulls = np.zeros(len(table))
    for label, part in strategy.parts.items():
        ballot = _ballot(table, parts, [label])
        verdicts = part.apply(ballot.votes)
        found[label] = _by_item(verdicts)
        if part.name == strategy.name:  # shares and logarithms do not add up
            np.add.at(pulls, ballot.places, verdicts.pull)
    places = defaultdict(list)
    for place, item in enumerate(table.items):
        places[item].append(place)
    for item, mine in places.items():
        told = {label: of_item.get(item, []) for label, of_item in found.items()}
        yield _settlement(table, item, mine, told, pulls)


def _settlement(
    table: AnnotationTable, item: str, mine: list[int], told: dict[str, list[tuple[Stretch, float]]], pulls: Floats
) -> Settlement:
    sureness = [max(one, 1 - one) for parts in told.values() for _, one in parts]
    is_whole = table.question.type == "multi_label"  # stretches beside each other stand and fall together, labels do not
    sure = float(np.prod(sureness) if is_whole else min(sureness, default=1.0))
    each = [Pull(table.ids[at], table.annotators[at], table.labels[at], round(float(pulls[at]), 4)) for at in mine]
    is_gold = item in table.gold
    if is_whole:
        shares = {label: round(parts[0][1], 6) for label, parts in told.items() if parts}
        label: list[Any] = [name for name, share in shares.items() if share >= ENOUGH]
        return Settlement(table.question.type, item, label, round(sure, 6), shares, each, is_gold)
    said = [table.labels[at] for at in mine]
    found = (span for name, parts in told.items() for span in joined(name, parts, _borders(name, said)))
    spans = sorted(found, key=lambda span: (span["start"], span["end"]))
    label = [{name: span[name] for name in ("start", "end", "label")} for span in spans]
    if is_gold:  # as it was given: two spans that touch are two
        label = table.gold[item]
    return Settlement(table.question.type, item, label, round(sure, 6), spans, each, is_gold)


def joined(label: str, stretches: Iterable[tuple[Stretch, float]], borders: Container[int] = ()) -> list[Row]:
    """Spans of neighbouring stretches that are more probable than not; each as probable as its least probable one.

    `borders`: where one span ends and the next begins.
    """
    spans: list[Row] = []
    for (start, end), share in sorted(stretches):
        if share < ENOUGH:
            continue
        if spans and spans[-1]["end"] == start and start not in borders:
            spans[-1] |= {"end": end, "probability": min(spans[-1]["probability"], round(share, 6))}
        else:
            spans.append({"start": start, "end": end, "label": label, "probability": round(share, 6)})
    return spans


def _borders(label: str, answers: Iterable[list[Any]]) -> set[int]:
    """Where spans of a label touch: where more annotators end one and begin another than mark what is on both sides as one."""
    marked = [[(span["start"], span["end"]) for span in answer if span["label"] == label] for answer in answers]
    edges = {start for spans in marked for start, _ in spans} & {end for spans in marked for _, end in spans}

    def parts(spans: list[Stretch], edge: int) -> bool:
        return any(start == edge for start, _ in spans) and any(end == edge for _, end in spans)

    def spanned(spans: list[Stretch], edge: int) -> bool:
        return any(start < edge < end for start, end in spans)

    return {
        edge
        for edge in edges
        if not (one := sum(spanned(spans, edge) for spans in marked)) or sum(parts(spans, edge) for spans in marked) > one
    }


def _labels(table: AnnotationTable) -> list[str]:
    """The labels of the question; where it names none, those that occur."""
    if table.question.labels:
        return list(table.question.labels)
    return sorted({name for answer in [*table.labels, *table.gold.values()] for name in names_in(answer)})


def _parts_of(table: AnnotationTable) -> dict[str, list[Stretch]]:
    """The stretches of each item: between all places where somebody begins or ends a span.

    One where labels are of the item, and where nobody marked anything: that nothing is there is a question too.
    """
    if table.question.type == "multi_label":
        return {item: [WHOLE] for item in table.items}
    edges: dict[str, set[int]] = defaultdict(set)
    for item, spans in [*zip(table.items, table.labels, strict=True), *table.gold.items()]:
        edges[item].update(edge for span in spans for edge in (span["start"], span["end"]))
    return {item: list(pairwise(sorted(places))) or [WHOLE] for item, places in edges.items()}


def _holds(answer: list[Any], label: str, stretch: Stretch) -> bool:
    """Whether an answer gives this label to this stretch."""
    if stretch == WHOLE:
        return label in answer
    start, end = stretch
    return any(span["label"] == label and span["start"] <= start and end <= span["end"] for span in answer)


def _part(table: AnnotationTable, parts: dict[str, list[Stretch]], label: str, name: StrategyName) -> Strategy:
    votes = _ballot(table, parts, [label]).votes.in_order()
    if not len(votes):  # nobody ever marked anything
        return Strategy(name="majority", classes=[NO, YES])
    is_given = bool((votes.label == YES_AT).any() or (votes.gold == YES_AT).any())
    # Shares know of no rare labels: with a tenth of each that nobody ever gives, many labels would make every item doubtful.
    return fit(name if is_given else "one_coin", votes)


def _key(item: str, label: str, stretch: Stretch) -> str:
    return key_of((item, label, str(stretch[0]), str(stretch[1])))


class Ballot(NamedTuple):
    """Votes of yes and no, and for each the place of the annotation that it is from."""

    votes: Votes
    places: list[int]


def _ballot(table: AnnotationTable, parts: dict[str, list[Stretch]], labels: list[str]) -> Ballot:
    keys, answers, places = [], [], []
    for place, (item, answer) in enumerate(zip(table.items, table.labels, strict=True)):
        for stretch in parts[item]:
            for label in labels:
                keys.append(_key(item, label, stretch))
                answers.append(YES if _holds(answer, label, stretch) else NO)
                places.append(place)
    gold = {
        _key(item, label, stretch): YES if _holds(answer, label, stretch) else NO
        for item, answer in table.gold.items()
        for stretch in parts.get(item, [])
        for label in labels
    }
    people = [table.annotators[place] for place in places]
    sure = [np.nan if (one := table.confidences[place]) is None else one for place in places]
    votes = votes_of(keys, people, answers, classes=[NO, YES], confidences=sure, voters=table.voters, gold=gold)
    return Ballot(votes, places)


def _by_item(verdicts: Verdicts) -> dict[str, list[tuple[Stretch, float]]]:
    """For each item its stretches, with how probable yes is."""
    found: dict[str, list[tuple[Stretch, float]]] = defaultdict(list)
    for key, share in zip(verdicts.votes.items, verdicts.posterior[:, YES_AT].tolist(), strict=True):
        item, _, start, end = parts_of(key)
        found[item].append(((int(start), int(end)), share))
    return found
