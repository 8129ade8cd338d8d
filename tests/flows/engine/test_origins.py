"""Where rows begin: a source is closed when no more of its rows are wanted, and may break then without harm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flows.engine.origins import SourceRows
from steps.base import GeneratorStep

told: list[str] = []


class Numbers(GeneratorStep):
    """Counts, and says when it is closed."""

    breaks: bool = False

    def generate(self) -> Iterator[dict[str, Any]]:
        try:
            for number in range(10):
                yield {"number": number}
        finally:
            told.append("closed")
            if self.breaks:
                raise ValueError("no connection to close")


@pytest.mark.parametrize("most", [None, 3])
def test_a_source_is_closed_when_nobody_wants_more(most: int | None) -> None:
    told.clear()
    rows = SourceRows(Numbers(), most)

    assert [row["number"] for row in rows.take(2)] == [0, 1]
    assert not told
    rows.close()
    assert told == ["closed"]


def test_a_source_that_breaks_when_it_is_closed_has_given_its_rows(caplog: pytest.LogCaptureFixture) -> None:
    rows = SourceRows(Numbers(name="load", breaks=True), 3)

    assert len(rows.take(2)) == 2
    rows.close()
    assert "no connection to close" in caplog.text


def test_a_source_that_never_began_is_closed_too() -> None:
    SourceRows(Numbers(), None).close()
