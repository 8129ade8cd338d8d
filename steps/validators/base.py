"""What steps share that check a column: what they say of a row."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from steps.base import Row, Section, is_missing, require
from steps.filters.marking import RowFilter
from steps.row_texts import is_number


class Verdict(NamedTuple):
    """What is wrong with a value, None when nothing is; and columns beside that."""

    problem: str | None
    columns: Row = {}  # noqa: RUF012  # nobody writes to it


class Validator(RowFilter):
    """Checks a column; such a step defines `problem`, or `verdict` where it needs more than a text.

    A row with nothing in the column is invalid. Other names for the new columns: `output_mappings`.
    """

    section: ClassVar[Section] = "check"
    says: ClassVar[tuple[str, str]] = ("is_valid", "problem")
    """Ends of the names of the columns that are added; what is checked stands before them."""

    column: str = Field(default="generation", min_length=1, description="Column to check.")

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

    def judge(self, row: Row) -> tuple[bool, Row]:
        require(row, self.needs())
        verdict = self.verdict(row)
        passed, problem = (f"{self.column}_{end}" for end in self.says)
        is_valid = verdict.problem is None
        return is_valid, {passed: is_valid, problem: verdict.problem, **verdict.columns}


def as_text(value: Any) -> str | None:
    """A value as text, numbers written out; None where it is no text, or a blank one."""
    if is_number(value):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def what_is_no_text(value: Any) -> str:
    """Words for a value that `as_text` makes nothing of."""
    if is_missing(value) or isinstance(value, str):
        return "there is nothing in it"
    return f"it is a {type(value).__name__}, not text"
