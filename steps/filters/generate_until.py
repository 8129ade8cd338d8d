"""The end of a loop: enough rows that count."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from steps.base import Group, LoopStep, Row, is_missing, require
from steps.errors import Complaint, RowError
from steps.filters.marking import at_row
from steps.wording import quoted

if TYPE_CHECKING:
    from steps.filters.min_hash_dedup import MinHashDedup


class GenerateUntil(LoopStep):
    """Repeats the steps before it until enough rows are valid and differ.

    The source gives as many rows as seem to be needed. When they have come through, those that count are counted: rows that
    arrive here, are `valid`, and differ in the columns `unique`. While some are missing, the source gives more; when it has
    no more, it begins again, up to `max_rounds` times, and each row is asked about anew. The first `num_rows` of them leave,
    in the order of the source. When of 200 rows in a row none has counted, it gives up, and says so.

    Steps that leave rows out (`ValidateJSON` with `drop`, `FilterRows`) stand before it. So do sources and the tasks
    themselves, but no other step that needs all rows.

    Texts that are nearly the same are found as `MinHashDedup` finds them; that needs `pip install 'distilflow[filters]'`.

    Example:
        >>> step = GenerateUntil(num_rows=2, unique=["name"])
        >>> step.process([{"name": "Ada"}, {"name": "ada "}, {"name": "Grace"}, {"name": "Alan"}])
        [{'name': 'Ada'}, {'name': 'Grace'}]
    """

    group: ClassVar[Group] = "filters"

    unique: list[str] = Field(
        default_factory=list,
        description="Columns in which rows must differ, whatever their case and blanks. Rows with nothing in one do not count.",
        examples=[["instruction"]],
    )
    valid: str | None = Field(
        default=None,
        min_length=1,
        description="Column of true and false that says whether a row counts; empty where all that arrive do.",
    )
    similarity: float = Field(
        default=1.0, gt=0, le=1, description="From which share of common words on rows count as the same; 1 for equal ones."
    )

    def needs(self) -> list[str]:
        return list(dict.fromkeys([*self.unique, *([self.valid] if self.valid else [])]))

    def check(self) -> Iterable[Complaint]:
        if self.similarity < 1 and not self.unique:
            yield "`similarity` says how alike rows may be, but not in which columns", "name them in `unique`"

    def load(self) -> None:
        if self.similarity < 1:
            self._near().load()

    def process(self, rows: Collection[Row]) -> list[Row]:
        return list(islice(self._different(self._countable(rows)), self.num_rows))

    def _countable(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows that may count, whatever came before them."""
        needed = self.needs()
        for number, row in enumerate(rows):
            with at_row(number):
                require(row, needed)
                is_valid = self._is_valid(row)
            if is_valid and not any(is_missing(row[one]) for one in self.unique):
                yield row

    def _is_valid(self, row: Row) -> bool:
        if self.valid is None:
            return True
        said = row[self.valid]
        if is_missing(said) or isinstance(said, bool):
            return said is True
        raise RowError(
            f"column {self.valid!r} holds {quoted(said)}, and `valid` takes true or false",
            "name a column of true and false, or none and leave rows out before this step: FilterRows takes any condition",
        )

    def _different(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The first of the rows that are the same."""
        if not self.unique:
            yield from rows
        elif self.similarity < 1:
            marked = self._near().process({"text": self._identity(row), "row": row} for row in rows)
            yield from (one["row"] for one in marked)
        else:
            seen: set[str] = set()
            for row in rows:
                if (identity := self._identity(row)) not in seen:
                    seen.add(identity)
                    yield row

    def _identity(self, row: Row) -> str:
        return "\n".join(_folded(row[column]) for column in self.unique)

    def _near(self) -> MinHashDedup:
        from steps.filters.min_hash_dedup import MinHashDedup  # here: every plan imports this module

        return MinHashDedup(threshold=self.similarity, drop=True)


def _folded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=repr, sort_keys=True)
    return " ".join(text.casefold().split())
