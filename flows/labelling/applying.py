"""A saved strategy at work on rows, without a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from steps.base import Row
from steps.extras import extra
from steps.labels.questions import Question


def labelled(strategy_file: Path, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The items of annotations with their labels, as `ConsolidateLabels` gives them.

    Raises:
        RunError: The file holds no strategy, or it does not know the labels.
        RowError: A row holds no annotation.
    """
    extra("scipy", "labels", "labels by a saved strategy")
    from steps.labels.settling import settle
    from steps.labels.strategies.strategy import Strategy
    from steps.labels.table import table_of

    strategy = Strategy.load(strategy_file)
    table = table_of(rows, Question(type=strategy.question))
    stamp = strategy.stamp
    return [{**table.about.get(one.item, {}), **one.columns(dict(stamp))} for one in settle(table, strategy)]
