"""Annotations that lie in files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from steps.base import GeneratorStep, Group, Row, is_missing
from steps.components import LOCAL_FILES
from steps.errors import Complaint, DistilflowError, RunError
from steps.labels.annotations import ANNOTATOR, COLUMNS, GOLD, ITEM, LABEL, MOST_ROUNDS, AnnotatorKind, name_of
from steps.labels.column_names import NAMES, usual_column
from steps.sources.files import FileType, count_rows, find_files, peek_columns, read_rows
from steps.wording import counted, listed, quoted

GOLD_NAMES = (*NAMES[GOLD], LABEL)
"""What known answers are called in a file of their own."""


class LoadAnnotations(GeneratorStep):
    """Reads annotations from files: who said what about which item.

    Each row of the files is one annotation. Its columns are found by the names that are usual: `item`, `question` or `task` for
    the item; `annotator`, `worker` or `user` for who; `label`, `answer` or `value` for what was said. Name them where they are
    called otherwise. All other columns stay. Known answers come from `gold_files`, with an item and its `truth` in each row.
    `annotation_id` stays empty unless the files have it: what makes an answer another one depends on the question.
    Answers of several parts (several labels, rankings, spans) are lists; a cell of a CSV file has them as JSON: `["a", "b"]`.

    Example:
        >>> from pathlib import Path
        >>> Path("crowd.csv").write_text("question,worker,answer\\n7,ann,good\\n7,bob,bad\\n")
        44
        >>> [(row["item"], row["annotator"], row["label"]) for row in LoadAnnotations(data_files="crowd.csv").generate()]
        [('7', 'ann', 'good'), ('7', 'bob', 'bad')]
    """

    group: ClassVar[Group] = "labels"
    outputs = (*COLUMNS,)

    data_files: str | list[str] = Field(
        description="Path, pattern or folder; several as a list.", examples=["annotations.csv"], json_schema_extra=LOCAL_FILES
    )
    gold_files: str | list[str] | None = Field(
        default=None, description="Files with the answers that are known to be right.", json_schema_extra=LOCAL_FILES
    )
    filetype: FileType | None = Field(default=None, description="Empty to go by the files' names.")
    item_column: str | None = Field(default=None, description="Column of the item; empty to find it.")
    annotator_column: str | None = Field(default=None, description="Column of who said it; empty to find it.")
    label_column: str | None = Field(default=None, description="Column of what was said; empty to find it.")
    kind: AnnotatorKind = Field(default="human", description="What annotators are, where the files do not say.")
    round: int = Field(
        default=1, ge=1, le=MOST_ROUNDS, description="The round of these annotations, where the files do not say."
    )

    def generate(self) -> Iterator[Row]:
        renamed = self._renamed()
        gold = self._gold()
        alone = set(gold)
        for path in self._files(self.data_files):
            for row in read_rows(path, self.filetype):
                annotation = self._annotation(row, renamed, gold)
                alone.discard(str(annotation[ITEM]))
                yield annotation
        if alone:
            told = f"{len(alone)} of {counted(len(gold), 'item')} in `gold_files`, such as {quoted(min(alone))}"
            self._logger.warning("no annotation is about %s: do both call items alike?", told)

    def count(self) -> int:
        return count_rows(self._files(self.data_files), self.filetype)

    def columns(self) -> list[str] | None:
        try:
            present = peek_columns(self._files(self.data_files), self.filetype) or []
            renamed = self._renamed()
        except DistilflowError:  # `check` says what is wrong
            return None
        others = [column for column in present if column not in renamed]
        return list(dict.fromkeys([*self.outputs, *([GOLD] if self.gold_files else []), *others]))

    def check(self) -> Iterable[Complaint]:
        try:
            self._renamed()
            if self.gold_files:
                self._gold_columns()
        except DistilflowError as error:
            yield error.message, error.fix

    def _annotation(self, row: Row, renamed: Mapping[str, str], gold: Mapping[str, Row]) -> Row:
        given = {renamed.get(column, column): value for column, value in row.items()}
        given |= {column: name_of(given[column]) for column in (ITEM, ANNOTATOR) if column in given}
        empty = {
            **dict.fromkeys(COLUMNS),
            "kind": self.kind,
            "family": "",
            "explanation": "",
            "round": self.round,
            "source": "",
        }
        told = {
            column: value for column, value in given.items() if not (column in COLUMNS and (is_missing(value) or value == ""))
        }
        made = {**empty, **told}
        if "round" in told and isinstance(told["round"], str) and told["round"].isdecimal():
            made["round"] = int(told["round"])
        if isinstance(made["confidence"], str):
            made["confidence"] = _number(made["confidence"])
        if self.gold_files:
            made[GOLD] = gold.get(str(made[ITEM]), {}).get(GOLD, made.get(GOLD))
        return made

    def _renamed(self) -> dict[str, str]:
        """The columns of the files that get the name of an annotation's."""
        present = peek_columns(self._files(self.data_files), self.filetype) or []
        wanted = {ITEM: self.item_column, ANNOTATOR: self.annotator_column, LABEL: self.label_column}
        return {_find(column, name, present, NAMES[column]): column for column, name in wanted.items()}

    def _gold(self) -> dict[str, Row]:
        if not self.gold_files:
            return {}
        item, truth = self._gold_columns()
        rows = (row for path in self._files(self.gold_files) for row in read_rows(path, self.filetype))
        return {str(name_of(row[item])): {GOLD: row[truth]} for row in rows if not is_missing(row.get(item))}

    def _gold_columns(self) -> tuple[str, str]:
        present = peek_columns(self._files(self.gold_files or []), self.filetype) or []
        return _find(ITEM, self.item_column, present, NAMES[ITEM]), _find(GOLD, None, present, GOLD_NAMES)

    def _files(self, patterns: str | list[str]) -> list[Path]:
        return find_files([patterns] if isinstance(patterns, str) else patterns)


def _find(column: str, name: str | None, present: Sequence[str], usual: Sequence[str]) -> str:
    """The column of the files that holds an annotation's `column`.

    Raises:
        RunError: None does.
    """
    if name is not None and name not in present:
        raise RunError(f"`{column}_column` names {name!r}; the files have {listed(map(repr, present))}", "name one of these")
    found = name or usual_column(column, present, usual)
    if found is None:
        what = f"no column of the files is called {listed(map(repr, usual))}; they have {listed(map(repr, present))}"
        fix = "give it that name" if column == GOLD else f"name it in `{column}_column`"
        raise RunError(what, fix)
    return found


def _number(text: str) -> float | str:
    """A confidence of a CSV; what is no number is left for the step that reads it to refuse."""
    try:
        return float(text)
    except ValueError:
        return text
