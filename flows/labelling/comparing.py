"""Two versions of a strategy side by side: how good each is on gold, and which items they label otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flows.labelling.gain import COUNTED
from flows.labelling.project import LabelProject
from flows.labelling.scoring import Standing, table_from

MOST_CHANGES = 500
LEAST_GOLD = 10


@dataclass(frozen=True, slots=True)
class Change:
    """An item that two versions take for something else."""

    item: str
    one: Any
    one_probability: float
    other: Any
    other_probability: float


def compare_versions(project: LabelProject, one: int, other: int) -> dict[str, Any]:
    """What two versions make of the annotations as they are now; `changes` has the items they disagree on, the surest first.

    On gold, neither is told what is known; but both have learned from it, so that both do better there than elsewhere.

    Raises:
        UnknownVersion: There is no such version.
        RunError: A version does not know labels that were added since.
    """
    with project.reading():
        strategies = [project.versions.get(version) for version in (one, other)]
        question = project.about.question
        first, second = (Standing(strategy, project.said, question).scores for strategy in strategies)
        table = table_from(project.said, question)
    changes = [
        Change(item, score.label, round(score.probability, 4), second[item].label, round(second[item].probability, 4))
        for item, score in first.items()
        if score.label != second[item].label
    ]
    changes.sort(key=lambda change: -min(change.one_probability, change.other_probability))
    moved = sum(abs(score.probability - second[item].probability) >= 0.1 for item, score in first.items())
    found: dict[str, Any] = {
        "versions": [_about(strategy) for strategy in strategies],
        "items": len(first),
        "changed": len(changes),
        "moved": moved,
        "changes": [asdict(change) for change in changes[:MOST_CHANGES]],
    }
    if question.type in COUNTED and len(table.gold) >= LEAST_GOLD:
        found |= _on_gold(table, strategies)
    return found


def _on_gold(table: Any, strategies: list[Any]) -> dict[str, Any]:
    from steps.labels.measures import difference, quality
    from steps.labels.settling import votes_in

    posteriors, truth = [], None
    for strategy in strategies:
        votes = votes_in(table, strategy.classes)
        known = votes.has_gold
        posteriors.append(strategy.apply(votes.without_gold()).posterior[known])
        if truth is None:
            truth = [votes.classes[place] for place in votes.gold[known]]
        elif list(strategy.classes) != list(strategies[0].classes):
            return {}
        codes = votes.gold[known]
    measured = [quality(posterior, codes) for posterior in posteriors]
    better = {name: asdict(difference(name, posteriors[1], posteriors[0], codes)) for name in ("accuracy", "log_loss")}
    return {"quality": [asdict(one) for one in measured], "difference": better, "gold": len(codes)}


def _about(strategy: Any) -> dict[str, Any]:
    return {
        "version": strategy.version,
        "tag": strategy.tag,
        "name": strategy.name,
        "hash": strategy.hash,
        "why": strategy.why,
        "annotations": strategy.fitted.annotations,
        "items": strategy.fitted.items,
        "gold": strategy.fitted.gold,
    }
