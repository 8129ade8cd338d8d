"""What steps share that check a column: what they say of a row, and whether they leave it out."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from steps.base import Batch, Group, Row, Section, Step, is_missing, require


class Verdict(NamedTuple):
    """What is wrong with a value, None when nothing is; and columns beside that."""

    problem: str | None
    columns: Row = {}  # noqa: RUF012  # nobody writes to it


class Validator(Step):
    """Checks a column; such a step defines `problem`, or `verdict` where it needs more than a text.

    A row with nothing in the column is invalid. Other names for the new columns: `output_mappings`.
    """

    group: ClassVar[Group] = "filters"
    section: ClassVar[Section] = "check"
    says: ClassVar[tuple[str, str]] = ("is_valid", "problem")
    """Ends of the names of the columns that are added; what is checked stands before them."""

    column: str = Field(default="generation", min_length=1, description="Column to check.")
    drop: bool = Field(default=False, description="Leave invalid rows out.")

    def problem(self, text: str) -> str | None:
        """What is wrong with a text; None when nothing is."""
        raise NotImplementedError(f"{type(self).__name__}.problem")

    def verdict(self, row: Row) -> Verdict:
        """What there is to say of a row."""
        text = as_text(row[self.column])
        return Verdict(what_is_no_text(row[self.column]) if text is None else self.problem(text))

    def needs(self) -> list[str]:
        return [self.column]

    def makes(self) -> list[str]:
        return [f"{self.column}_{end}" for end in self.says]

    def may_change_rows(self) -> bool:
        return self.drop

    def process(self, batch: Batch) -> Batch:
        judged = [(row, self._judged(row)) for row in batch]
        return [self._with(row, verdict) for row, verdict in judged if verdict.problem is None or not self.drop]

    def _judged(self, row: Row) -> Verdict:
        require(row, self.needs())
        return self.verdict(row)

    def _with(self, row: Row, verdict: Verdict) -> Row:
        passed, problem = (f"{self.column}_{end}" for end in self.says)
        return {**row, passed: verdict.problem is None, problem: verdict.problem, **verdict.columns}


def as_text(value: Any) -> str | None:
    """A value as text, numbers written out; None where it is no text, or a blank one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not is_missing(value):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def what_is_no_text(value: Any) -> str:
    """Words for a value that `as_text` makes nothing of."""
    if is_missing(value) or isinstance(value, str):
        return "there is nothing in it"
    return f"it is a {type(value).__name__}, not text"
