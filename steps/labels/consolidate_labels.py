"""One label out of many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from steps.base import Row
from steps.components import LOCAL_FILES
from steps.errors import Complaint
from steps.labels.annotation_step import AnnotationStep
from steps.labels.annotations import COLUMNS, GOLD
from steps.labels.choices import misfits
from steps.labels.strategy_names import StrategyChoice

if TYPE_CHECKING:
    from steps.labels.strategies.strategy import Strategy
    from steps.labels.table import AnnotationTable


class ConsolidateLabels(AnnotationStep):
    """Turns many annotations of each item into one label, with how sure it is.

    Each row is one annotation: who (`annotator`) said what (`label`) about which `item`. One row for each item comes out of
    them, with the other columns of its first annotation. Annotators may be people, LLMs and templates alike; each is weighed by
    how they have been seen to answer.

    - `label`, `probability`, `distribution`: the label, how probable it is, and how probable the others are.
    - `uncertainty`: how probable it is that the label is wrong.
    - `conflicts`: who said what, where not all said the same. `explanation`: each annotation's part in the label, in words.
    - `n_annotations`, `annotation_ids`: what it was made of. `strategy`: name, version and hash of what made it.

    Known answers in a column `gold` make strategies better: of a twentieth of the items is much. `kind` (human, llm, template),
    `family` (annotators that may err together) and `confidence` (0 to 1) are used where rows have them.

    The log of the run says what `auto` chose, and why. The strategy is left beside the rows as the artifact `strategy`, and can
    be applied to further rounds with `strategy_file`.
    The annotations are left as the artifact `annotations`, so that they can be reviewed in the app.

    Needs `pip install 'distilflow[labels]'`. All annotations lie in memory: about 600 bytes each.

    After Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm, https://doi.org/10.2307/2346806

    Example:
        >>> said = [("1", "ann", "good"), ("1", "bob", "good"), ("1", "cy", "bad"), ("2", "ann", "bad")]
        >>> rows = [{"item": item, "annotator": annotator, "label": label} for item, annotator, label in said]
        >>> [(row["item"], row["label"]) for row in ConsolidateLabels(strategy="majority").process(rows)]
        [('1', 'good'), ('2', 'bad')]
    """

    outputs = (
        *("item", "label", "probability", "distribution", "uncertainty", "n_annotations"),
        *("conflicts", "explanation", "annotation_ids", "strategy"),
    )

    strategy: StrategyChoice = Field(
        default="auto", description="How labels come about. `auto` chooses by what suits the data best."
    )
    strategy_file: str | None = Field(
        default=None,
        description="A strategy that was saved, to apply instead of learning one.",
        json_schema_extra=LOCAL_FILES,
    )
    version: int = Field(default=1, ge=1, description="Version that a strategy learned here gets.")

    def strategy_files_read(self) -> list[str]:
        return [self.strategy_file] if self.strategy_file else []

    def columns_after(self, received: Iterable[str]) -> list[str]:
        """An annotation's own columns end here; those about the item stay."""
        own = {*COLUMNS, GOLD} - {*self.outputs}
        return list(dict.fromkeys([*(column for column in received if column not in own), *self.makes()]))

    def check(self) -> Iterable[Complaint]:
        yield from misfits([] if self.strategy_file else [self.strategy], self.question.type)

    def process(self, rows: Collection[Row]) -> Iterator[Row]:
        from steps.labels.settling import learn, settle
        from steps.labels.strategies.strategy import Strategy

        if not len(rows):
            return
        table = self.table(rows)
        if self.strategy_file:
            strategy = Strategy.load(Path(self.strategy_file))
        else:
            strategy = learn(table, self.strategy).model_copy(update={"version": self.version})
            if self.strategy == "auto":  # told at the level that the log of a run keeps
                self._logger.warning("`auto` took %s: %s", strategy.tag, strategy.why)
        self._keep(strategy, table)
        stamp = strategy.stamp  # once: with many annotators it takes milliseconds
        for settlement in settle(table, strategy):
            yield {**table.about.get(settlement.item, {}), **settlement.columns(dict(stamp))}

    def _keep(self, strategy: Strategy, table: AnnotationTable) -> None:
        about: dict[str, Any] = {"tag": strategy.tag, "name": strategy.name, "version": strategy.version, "hash": strategy.hash}
        about |= {"items": len(table.about), "annotations": len(table), "gold": len(table.gold), "why": strategy.why}
        self.save_artifact("strategy", lambda folder: strategy.save(folder / "strategy.json"), about)
        counted = {"items": len(table.about), "annotations": len(table)}
        self.save_artifact("annotations", lambda folder: table.save(folder / "annotations.jsonl"), counted)
