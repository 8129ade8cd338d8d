"""Rows that meet a condition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row, Step, require
from steps.errors import Complaint, RowError
from steps.templates import compile_condition, condition_columns, condition_problem
from steps.wording import quoted


class FilterRows(Step):
    """Keeps the rows that meet a condition, and drops the others.

    The condition is an expression of Jinja, without braces, in which columns go by their names: `rating >= 4`,
    `keep_row_after_minhash_filtering`, `language in ['en', 'de'] and text|length < 500`, `not is_leaked`,
    `ratings|max > 3`, `reply is not none`. It must come to true or false; none, as of a column without a value, counts as
    false.

    Example:
        >>> FilterRows(condition="rating >= 4").process([{"rating": 5}, {"rating": 2}])
        [{'rating': 5}]
    """

    group: ClassVar[Group] = "filters"
    changes_rows: ClassVar[bool] = True

    condition: str = Field(
        min_length=1, description="Rows that go on, such as `rating >= 4 and language == 'en'`.", examples=["rating >= 4"]
    )

    def needs(self) -> list[str]:
        return [] if condition_problem(self.condition) else sorted(condition_columns(self.condition))

    def check(self) -> Iterable[Complaint]:
        if problem := condition_problem(self.condition):
            yield (
                f"`condition` cannot be read: {problem}",
                "write it as in Jinja, without braces: rating >= 4, text|length < 500",
            )
        elif not condition_columns(self.condition):
            yield f"`condition` names no column: {quoted(self.condition)}", "name at least one, without quotes: rating >= 4"

    def process(self, batch: Batch) -> Batch:
        return [row for row in batch if self._is_kept(row)]

    def _is_kept(self, row: Row) -> bool:
        require(row, self.needs())
        met = compile_condition(self.condition)(row)
        if met is None or isinstance(met, bool):
            return bool(met)
        raise RowError(
            f"the condition {quoted(self.condition)} comes to {quoted(met)}, neither true nor false", "compare it: rating >= 4"
        )
