"""What steps over annotations share: which question they answer, and which of them count."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import GlobalStep, Group, Row
from steps.errors import RowError
from steps.extras import extra
from steps.fingerprints import content_of, sources_in
from steps.labels.annotations import COLUMNS, GOLD, LABEL, Annotation, AnnotatorKind
from steps.labels.questions import Question, names_in
from steps.labels.reading import Keep, is_plain, read_annotation, read_gold
from steps.wording import counted, listed, quoted

if TYPE_CHECKING:
    from steps.labels.table import AnnotationTable

NEEDED = ("item", "annotator", "label")


class AnnotationStep(GlobalStep):
    """Works on annotations: each row is what one annotator said about one item."""

    group: ClassVar[Group] = "labels"
    matches_branches: ClassVar[bool] = False
    """Annotations of several branches are one after the other: those of judges, and those of people."""
    inputs = NEEDED
    optional_inputs = (*(column for column in COLUMNS if column not in NEEDED), GOLD)

    question: Question = Field(
        default_factory=Question, description="What was asked: its type, and the answers to choose from, if they are known."
    )
    rounds: list[int] | None = Field(default=None, min_length=1, description="Rounds that count; empty for all.")
    annotators: list[str] | None = Field(default=None, min_length=1, description="Annotators that count; empty for all.")
    kinds: list[AnnotatorKind] | None = Field(default=None, min_length=1, description="Kinds of annotators that count.")

    _classes: dict[str, frozenset[str]] | None = PrivateAttr(default=None)

    def load(self) -> None:
        extra("scipy", "labels", f"step {self.name or type(self).__name__!r}")

    def strategy_files_read(self) -> list[str]:
        """The files of strategies that are applied."""
        return []

    def fingerprint(self) -> str:
        """What the strategies hold that are read, and the code of this package: the work is done in many of its modules."""
        return "/".join([sources_in(Path(__file__).parent), content_of(self.strategy_files_read())])

    def check_row(self, row: Row) -> None:
        if self._keep_some is None and is_plain(row):
            answers = {LABEL: self.question.read(row[LABEL])}
        else:
            annotation = read_annotation(row, self.question, self._keep_some)
            counts = self._keep_some is None or self._keep_some(annotation)
            answers = {LABEL: annotation.label} if counts else {}
        if (gold := read_gold(row, self.question)) is not None:
            answers[GOLD] = gold
        for path, classes in self._known_classes().items():
            for column, answer in answers.items():
                if unknown := [name for name in names_in(answer) if name not in classes]:
                    knows = f"the strategy in {path} knows {listed(sorted(classes))}"
                    what = f"column {column!r} holds {quoted(unknown[0])}; {knows}"
                    raise RowError(what, "mend the label, or learn the strategy anew")

    def _known_classes(self) -> dict[str, frozenset[str]]:
        """The labels that each strategy knows which is applied, by its file."""
        if self._classes is None:
            self._classes = {}
            if self.strategy_files_read():
                from steps.labels.strategies.strategy import Strategy

                saved = {path: Strategy.load(Path(path)) for path in self.strategy_files_read()}
                fitting = {path: one for path, one in saved.items() if one.question == self.question.type}
                self._classes = {path: frozenset(one.classes) for path, one in fitting.items() if one.classes}
        return self._classes

    def table(self, rows: Iterable[Row]) -> AnnotationTable:
        """The annotations that count. What is odd about them is told in the log.

        Raises:
            RowError: A row holds none; it says which.
        """
        from steps.labels.table import table_of

        table = table_of(rows, self.question, self._keep_some)
        self._tell_of(table)
        return table

    def _tell_of(self, table: AnnotationTable) -> None:
        if repeated := table.count_repeated():
            which = "of an annotator's answers about an item in one round the last counts"
            self._logger.warning("%s to what the same annotator had answered already: %s", counted(repeated, "answer"), which)
        if alone := table.gold_alone():
            told = f"{counted(len(alone), 'item')} with gold, such as {quoted(alone[0])}"
            self._logger.warning("there is no annotation that counts of %s", told)

    @property
    def _keep_some(self) -> Keep | None:
        return self._counts if self.rounds or self.annotators or self.kinds else None

    def _counts(self, annotation: Annotation) -> bool:
        return (
            (not self.rounds or annotation.round in self.rounds)
            and (not self.annotators or annotation.annotator in self.annotators)
            and (not self.kinds or annotation.kind in self.kinds)
        )
