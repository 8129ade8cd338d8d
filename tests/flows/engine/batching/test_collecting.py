"""Results of batches that are brought in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.engine.batching import fetching
from flows.engine.batching.submissions import Submissions
from flows.engine.engine import Engine
from steps.errors import RunError
from tests.fakes.providers.batches import FakeBatches, Kind
from tests.fakes.serving import running
from tests.flows.engine.batching.pipelines import costs, each_filed_kind, each_kind, questions, steps, stopping
from tests.flows.engine.running import run_steps


def test_results_that_break_off_are_fetched_again(tmp_path: Path) -> None:
    fake = FakeBatches("openai", cut_downloads=2)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(20)))
    assert len(result.only) == 20
    assert len(costs(tmp_path)) == 20


@each_kind
def test_results_that_lack_what_the_provider_counts_are_fetched_again_and_nothing_is_sent_again(
    kind: Kind, tmp_path: Path
) -> None:
    fake = FakeBatches(kind, short_downloads=1)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(30)))
        assert len(result.only) == 30
        assert len(costs(tmp_path)) == 30
        fake.short_downloads = 10
        with pytest.raises(RunError, match="its results have"):
            run_steps(tmp_path / "b", steps(kind, url, questions(30)))
        fake.short_downloads = 0
        later = run_steps(tmp_path / "b", steps(kind, url, questions(30)))
    assert len(later.only) == len(costs(tmp_path / "b")) == 30
    assert len(fake.made) == 2


def test_replies_that_two_files_hold_do_not_stand_for_those_that_are_missing(tmp_path: Path) -> None:
    class Sick(FakeBatches):
        def _batch(self, made: Any) -> dict[str, Any]:
            told = super()._batch(made)
            return told | {"request_counts": {"total": 20, "completed": 20, "failed": 0}}

    fake = Sick("openai", names_twice=True)
    with running(fake) as url, pytest.raises(RunError, match="its results have 10 of them"):
        run_steps(tmp_path, steps("openai", url, questions(20)))
    assert len(fake.made) == 1


@each_kind
def test_lines_of_results_that_are_none_cost_nobody_a_reply(kind: Kind, tmp_path: Path) -> None:
    odd = b'[]\n{"custom_id": ["a"], "result": "x"}\n\xff\xfe\n{"custom_id": 5, "result": {"type": "errored", "error": [1]}}\n'
    fake = FakeBatches(kind, odd_line=odd)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


def test_a_batch_that_somebody_cancels_gives_what_it_has(tmp_path: Path) -> None:
    fake = FakeBatches("openai", keeps_going=False)

    async def cancel(engine: Engine) -> None:
        while not fake.looks:
            await asyncio.sleep(0.01)
        fake.cancel()

    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(20)), during=cancel)
    assert len(result.only) == 10
    assert {one.code for one in result.failures} == {"server-failed"}
    assert len(fake.made) == 1


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_results_without_an_end_end_the_run_and_the_next_session_collects_them(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES_EACH", 2**20)
    fake = FakeBatches(kind, has_no_end=True)
    with running(fake) as url:
        with pytest.raises(RunError, match="which has 20 requests") as told:
            run_steps(tmp_path, steps(kind, url, questions(20)))
        assert fake.endless_bytes < 100 * 2**20
        assert [path.suffixes for path in (tmp_path / "batches").glob("*.results.jsonl")] == []
        fake.has_no_end = False
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert "nothing is sent again" in told.value.fix
    assert len(result.only) == len(costs(tmp_path)) == 20
    assert len(fake.made) == 1


def _little_is_left(folder: Path, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(fetching, "LOOKED_EVERY", 1)
    patched.setattr(fetching, "SPARE_BYTES", 2**62)


def _nothing_is_left(folder: Path, patched: pytest.MonkeyPatch) -> None:
    full = folder / "full"
    full.symlink_to("/dev/full")
    patched.setattr(Submissions, "results", lambda self, one, part: full)


@pytest.mark.parametrize(
    ("fill", "said"),
    [(_little_is_left, "MB left on its disk"), (_nothing_is_left, "No space left on device")],
    ids=["little is left", "nothing is left"],
)
def test_results_that_the_disk_has_no_room_for_are_fetched_by_the_next_session(
    fill: Callable[[Path, pytest.MonkeyPatch], None], said: str, tmp_path: Path
) -> None:
    fake = FakeBatches("mistral")
    with running(fake) as url:
        with pytest.MonkeyPatch.context() as patched:
            fill(tmp_path, patched)
            with pytest.raises(RunError, match=said) as told:
                run_steps(tmp_path, steps("mistral", url, questions(20)))
        result = run_steps(tmp_path, steps("mistral", url, questions(20)))
    assert "make room" in told.value.fix
    assert len(result.only) == len(costs(tmp_path)) == 20
    assert len(fake.made) == 1


def test_a_line_that_no_reply_can_have_is_left_out_and_the_others_are_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES_EACH", 2**20)
    fake = FakeBatches("azure", odd_line=b" " * (3 * 2**20) + b'{"custom_id": "x"}\n')
    with running(fake) as url:
        result = run_steps(tmp_path, steps("azure", url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


@each_filed_kind
def test_the_file_of_requests_is_deleted_at_the_provider_and_the_results_are_left(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps(kind, url, questions(5)), during=stopping(fake))
        assert not fake.deleted
        fake.keeps_going = True
        run_steps(tmp_path, steps(kind, url, questions(5)))
    [made] = fake.made
    assert fake.deleted == [made.file]
    assert fake.files == {f"{made.id}-output", f"{made.id}-errors"}


@each_filed_kind
def test_a_file_that_cannot_be_deleted_is_no_trouble(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, keeps_files=True)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(5)))
    assert len(result.only) == 5
    assert fake.made[0].file in fake.files
    assert not [text for level, text in result.said if level != "info"]


@each_filed_kind
def test_the_file_of_a_batch_that_is_not_taken_is_deleted_too(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, most_open=0)
    with running(fake) as url, pytest.raises(RunError, match="takes no batch"):
        run_steps(tmp_path, steps(kind, url, questions(1)))
    assert fake.deleted == [fake.made[0].file]
