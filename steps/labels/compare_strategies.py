"""Which way of settling labels is best."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from steps.base import Row
from steps.components import LOCAL_FILES
from steps.errors import Complaint
from steps.labels.annotation_step import AnnotationStep
from steps.labels.choices import choices_for, misfits
from steps.labels.strategy_names import StrategyChoice

if TYPE_CHECKING:
    from steps.labels.comparing import Contender
    from steps.labels.table import AnnotationTable

MEASURED = ("accuracy", "log_loss", "calibration_error", "review_gain")


class CompareStrategies(AnnotationStep):
    """Holds strategies against known answers, and tells which labels they change.

    One row for each strategy comes out: how good its labels are of items whose answer is known (`gold`), and for how many items
    it gives another label than the first one does.

    - `accuracy`: share of the labels that are right. `log_loss`, `calibration_error`: how far off its probabilities are.
      `review_gain`: share of the wrong labels that are among the tenth that it is least sure of; 0.1 is chance.
    - Each has `_low` and `_high`: where it lies in 95 of 100 cases. Without gold they are empty.
    - `why`: why a strategy is among them; of `auto`, which may be, why it chose that one.
    - `changed`: items that get another label than from the first. The artifact `changes` lists them: before, after, and gold.

    What is learned here never sees the answer that it is held against: it is learned anew for each fifth of the gold. So is a
    strategy that was saved where it was told the answer; about other items it is taken as it is.

    Needs `pip install 'distilflow[labels]'`.

    Example:
        >>> said = [("1", "ann", "good"), ("1", "bob", "good"), ("1", "cy", "bad"), ("2", "ann", "bad")]
        >>> rows = [{"item": item, "annotator": who, "label": label, "gold": "good"} for item, who, label in said]
        >>> [row["accuracy"] for row in CompareStrategies(strategies=["majority"]).process(rows)]
        [0.5]
    """

    outputs = (
        *("strategy", "name", "why", "annotations", "items", "gold_items", "changed"),
        *(column for name in MEASURED for column in (name, f"{name}_low", f"{name}_high")),
    )

    strategies: list[StrategyChoice] | None = Field(
        default=None,
        description="Strategies to learn and compare, the others with the first. Empty for all that fit the question.",
    )
    strategy_files: list[str] = Field(
        default_factory=list, description="Strategies that were saved, to compare too.", json_schema_extra=LOCAL_FILES
    )

    def strategy_files_read(self) -> list[str]:
        return list(self.strategy_files)

    def columns_after(self, received: Sequence[str]) -> list[str]:
        """The rows are about strategies: nothing of the annotations stays."""
        return self.makes()

    def check(self) -> Iterable[Complaint]:
        if self.strategies == [] and not self.strategy_files:
            yield "nothing to compare: `strategies` and `strategy_files` are both empty lists"
        yield from misfits(self.strategies or [], self.question.type)

    def process(self, rows: Collection[Row]) -> Iterator[Row]:
        from steps.labels.comparing import changes, contend
        from steps.labels.strategies.strategy import Strategy

        if not len(rows):
            return
        table = self.table(rows)
        saved = [Strategy.load(Path(path)) for path in self.strategy_files]
        contenders = [contend(table, one) for one in [*self._learned_here, *saved]]
        sources = [*map(self._source, self._learned_here), *(f"saved in {path}" for path in self.strategy_files)]
        changed = [list(changes(contenders[0], one, table.gold)) for one in contenders]
        self._keep(
            [
                {"strategy": one.strategy.tag, **asdict(each)}
                for one, some in zip(contenders, changed, strict=True)
                for each in some
            ]
        )
        for one, source, some in zip(contenders, sources, changed, strict=True):
            why = "; ".join(filter(None, (source, one.strategy.why)))
            yield self._row(one, why, table, len(some))

    @property
    def _learned_here(self) -> Sequence[StrategyChoice]:
        return choices_for(self.question.type) if self.strategies is None else self.strategies

    def _source(self, name: StrategyChoice) -> str:
        """Why a strategy that is learned here is among those that are compared."""
        if name == "auto":
            return "chosen by `auto`"
        return f"fits questions of type {self.question.type!r}" if self.strategies is None else "named in `strategies`"

    def _row(self, one: Contender, why: str, table: AnnotationTable, changed: int) -> Row:
        measured = one.quality.row() if one.quality else {}
        strategy = one.strategy
        return {
            **dict.fromkeys(self.outputs),
            **{name: value for name, value in measured.items() if name != "items"},
            "strategy": strategy.tag,
            "name": strategy.name,
            "why": why,
            "annotations": len(table),
            "items": len(one.settled),
            "gold_items": one.quality.items if one.quality else 0,
            "changed": changed,
        }

    def _keep(self, changed: list[Row]) -> None:
        import orjson

        def write(folder: Path) -> None:
            lines = b"".join(orjson.dumps(row, option=orjson.OPT_NON_STR_KEYS) + b"\n" for row in changed)
            (folder / "changes.jsonl").write_bytes(lines)

        self.save_artifact("changes", write, {"changes": len(changed)})
