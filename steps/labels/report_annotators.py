"""What annotators are like."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from steps.base import Row
from steps.components import LOCAL_FILES
from steps.errors import RunError
from steps.labels.annotation_step import AnnotationStep
from steps.labels.strategy_names import StrategyChoice

if TYPE_CHECKING:
    from steps.labels.report import AnnotatorReport

ONE_ANSWER = ("label", "rating")


class ReportAnnotators(AnnotationStep):
    """Tells how often each annotator is right, and who errs together.

    One row for each annotator comes out, those with the most answers first. LLMs and templates are held against people like any
    other annotator.

    - `reliability`: how often an answer is right, with `reliability_low` and `reliability_high` (95 of 100 cases). It is judged
      by gold, or else by what all others said.
    - `bias`: for each label, by how much more often it is said than it is so. `confusion`: what is said instead of what is so.
    - `with_humans`: share of people's answers about the same items that are the same.
    - `confidence`: their own, on average, to hold against reliability.
    - `by_round`, `drift`: reliability in each round, and by how much it rose from the first half of the rounds to the second.
    - `errs_with`: who errs on the same items; n such annotators count as n / (1 + correlation * (n - 1)).
    - `alpha`: Krippendorff's, the agreement of all of them; the same in each row.

    For questions of type `label` and `rating`. Needs `pip install 'distilflow[labels]'`.

    Example:
        >>> said = [("1", "ann", "good"), ("1", "bob", "good"), ("1", "cy", "bad"), ("2", "ann", "bad")]
        >>> rows = [{"item": item, "annotator": who, "label": label} for item, who, label in said]
        >>> [row["annotator"] for row in ReportAnnotators().process(rows)]
        ['ann', 'bob', 'cy']
    """

    outputs = (
        *("annotator", "kind", "family", "answers", "reliability", "reliability_low", "reliability_high", "bias", "confusion"),
        *("with_humans", "confidence", "by_round", "drift", "drift_low", "drift_high", "errs_with", "alpha"),
    )

    strategy: StrategyChoice = Field(default="learned", description="The strategy by which answers are judged.")
    strategy_file: str | None = Field(
        default=None, description="A strategy that was saved, to judge by instead.", json_schema_extra=LOCAL_FILES
    )

    def strategy_files_read(self) -> list[str]:
        return [self.strategy_file] if self.strategy_file else []

    def columns_after(self, received: Sequence[str]) -> list[str]:
        """The rows are about annotators: nothing of the items stays."""
        return self.makes()

    def check(self) -> Iterator[tuple[str, str]]:
        if self.question.type not in ONE_ANSWER:
            yield (
                f"annotators of questions of type {self.question.type!r} are not reported on",
                "take ConsolidateLabels, whose strategy tells what each one counts",
            )

    def process(self, rows: Collection[Row]) -> Iterator[Row]:
        from steps.labels.report import crowd_report
        from steps.labels.settling import learn
        from steps.labels.settling.one_of import votes_in
        from steps.labels.strategies.strategy import Strategy

        if not len(rows):
            return
        table = self.table(rows).counting()
        strategy = Strategy.load(Path(self.strategy_file)) if self.strategy_file else learn(table, self.strategy)
        if strategy.question != self.question.type:
            raise RunError(
                f"strategy {strategy.tag} answers questions of type {strategy.question!r}, not {self.question.type!r}",
                "name another file, or change `question`",
            )
        report = crowd_report(strategy, strategy.apply(votes_in(table, strategy.classes)), table.rounds)
        alpha = None if math.isnan(report.alpha) else round(report.alpha, 6)
        for one in report.annotators:
            yield {**_columns(one), "alpha": alpha}


def _columns(one: AnnotatorReport) -> Row:
    told = asdict(one)
    drift = told.pop("drift") or dict.fromkeys(("value", "low", "high"))
    reliability = told.pop("reliability")
    rounds = {str(number): value for number, value in told.pop("by_round").items()}
    spread = {f"reliability_{edge}": reliability[edge] for edge in ("low", "high")}
    moved = {"drift": drift["value"], "drift_low": drift["low"], "drift_high": drift["high"]}
    return {**told, "reliability": reliability["value"], **spread, **moved, "by_round": rounds}
