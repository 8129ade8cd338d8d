"""Runs of 5000 rows whose process is killed while their batch is on its way: nothing is handed in twice, all is collected."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.batches import MOMENTS, ROWS, Moment, kill
from tests.fakes.providers.batches import Kind


def _check(kind: Kind, moment: Moment, rows: int, folder: Path) -> None:
    found = kill(kind, moment, rows, folder)
    failing = rows // 50
    assert not found.failure
    assert (found.handed_in, found.handed_in_twice, found.ran_twice) == (rows, 0, 0)
    assert (found.rows, found.journal, found.quarantined, found.wrong) == (rows - failing, rows - failing, failing, 0)


@pytest.mark.parametrize("moment", ["created", "collect"])
def test_5000_rows_survive_a_kill_after_they_were_handed_in(moment: Moment, tmp_path: Path) -> None:
    _check("openai", moment, ROWS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["openai", "azure", "anthropic", "mistral"])
@pytest.mark.parametrize("moment", list(MOMENTS))
def test_rows_survive_a_kill_at_every_moment(kind: Kind, moment: Moment, tmp_path: Path) -> None:
    if kind == "anthropic" and moment == "upload":
        pytest.skip("it has no upload")
    _check(kind, moment, 1000, tmp_path)
