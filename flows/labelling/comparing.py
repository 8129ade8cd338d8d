"""Two versions of a strategy side by side: how good each is on gold, and which items they label otherwise."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flows.labelling.project import LabelProject
from flows.labelling.scoring import table_from

if TYPE_CHECKING:
    from steps.labels.strategies.strategy import Strategy

MOST_CHANGES = 500
MOVED = 0.1


def compare_versions(project: LabelProject, one: int, other: int) -> dict[str, Any]:
    """What two versions make of the annotations as they are now; `changes` has the items they disagree on, the surest first.

    Neither is measured by gold that it was told (`steps.labels.comparing`).

    Raises:
        UnknownVersion: There is no such version.
        RunError: A version does not know labels that were added since.
    """
    from steps.labels.comparing import changes, contend
    from steps.labels.measures import difference
    from steps.labels.strategies.hidden_gold import ENOUGH_GOLD

    with project.reading():
        strategies = [project.versions.get(version) for version in (one, other)]
        table = table_from(project.said, project.about.question)
    before, after = (contend(table, strategy) for strategy in strategies)
    changed = sorted(changes(before, after, table.gold), key=lambda change: -min(change.sure_before, change.sure_after))
    moved = sum(abs(told.probability - after.settled[item].probability) >= MOVED for item, told in before.settled.items())
    found: dict[str, Any] = {
        "versions": [_about(strategy) for strategy in strategies],
        "items": len(before.settled),
        "changed": len(changed),
        "moved": moved,
        "changes": [asdict(change) for change in changed[:MOST_CHANGES]],
    }
    if before.quality and after.quality and before.scored and after.scored and before.quality.items >= ENOUGH_GOLD:
        better = {name: asdict(difference(name, after.scored, before.scored)) for name in ("accuracy", "log_loss")}
        found |= {
            "quality": [asdict(before.quality), asdict(after.quality)],
            "difference": better,
            "gold": before.quality.items,
        }
    return found


def _about(strategy: Strategy) -> dict[str, Any]:
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
