"""Batches that were made, though nobody heard of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.providers.batches import FakeBatches, Kind
from tests.fakes.serving import running
from tests.flows.engine.batching.pipelines import each_kind, questions, steps
from tests.flows.engine.running import run_steps

LOST: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "it keeps no tags": {"keeps_tags": False},
    "lists cannot be read at first": {"odd_lists": 6},
    "its results begin with half a line": {"odd_line": b'{"oops\n'},
    "its results begin with a line of no request": {"odd_line": b'{"custom_id": 5, "result": {"type": "succeeded"}}\n'},
}
"""What else is wrong at a provider that makes a batch and answers 500."""


@each_kind
@pytest.mark.parametrize("wrong", LOST)
def test_a_batch_whose_making_was_answered_with_500_is_found_and_not_made_twice(kind: Kind, wrong: str, tmp_path: Path) -> None:
    fake = FakeBatches(kind, lost_answers=1, **LOST[wrong])
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


def test_another_batch_of_the_same_size_is_not_taken_for_the_one_that_was_lost(tmp_path: Path) -> None:
    fake = FakeBatches("anthropic")
    with running(fake) as url:
        run_steps(tmp_path / "other", steps("anthropic", url, [f"other {one}" for one in range(40)]))
        fake.lost_answers = 1
        result = run_steps(tmp_path / "mine", steps("anthropic", url, questions(40)))
    assert len(result.only) == 40
    assert len(fake.made) == 2
