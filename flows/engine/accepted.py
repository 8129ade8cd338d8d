"""The rows that a step over all rows gets: those that it takes, by the names it uses. The others are refused, each alone."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator
from typing import Any

from steps.base import GlobalStep, Row, rename_in
from steps.errors import RunError

Refuse = Callable[[int, Row, BaseException], None]
"""What is done about a refused row: its number among those that came, the row as the pipeline has it, and what is wrong."""


class AcceptedRows(Collection[dict[str, Any]]):
    """Rows under the names that a step uses for their columns, without those that its `check_row` refuses."""

    def __init__(self, step: GlobalStep, rows: Collection[Row], refuse: Refuse | None = None) -> None:
        """Checks all rows at once: what is refused is known before the step gets the first one.

        Raises:
            RunError: The step says that no row is at fault.
        """
        self._rows = rows
        self._mappings = step.input_mappings
        self._refused = array("q")
        if step.checks_rows():
            self._check(step, refuse)

    def __len__(self) -> int:
        return len(self._rows) - len(self._refused)

    def __contains__(self, row: object) -> bool:
        return any(row == mine for mine in self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rows = iter(self._rows) if not self._refused else self._accepted()
        return (rename_in(row, self._mappings) for row in rows) if self._mappings else rows

    def _accepted(self) -> Iterator[Row]:
        refused = iter(self._refused)
        following = next(refused, None)
        for number, row in enumerate(self._rows):
            if number == following:
                following = next(refused, None)
            else:
                yield row

    def _check(self, step: GlobalStep, refuse: Refuse | None) -> None:
        for number, row in enumerate(self._rows):
            try:
                step.check_row(rename_in(row, self._mappings) if self._mappings else row)
            except RunError:
                raise
            except Exception as error:
                self._refused.append(number)
                if refuse is not None:
                    refuse(number, row, error)
