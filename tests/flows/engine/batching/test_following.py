"""Batches that are looked at until they have ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flows.engine.engine import Engine
from steps.errors import RunError
from tests.fakes.providers.batches import FakeBatches, Kind
from tests.fakes.serving import Restartable, running
from tests.flows.engine.batching.pipelines import each_kind, questions, steps
from tests.flows.engine.running import run_steps


def test_it_is_told_how_far_a_batch_is(tmp_path: Path) -> None:
    fake = FakeBatches("anthropic", takes_s=0.4)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("anthropic", url, questions(10)))
    told = [text for level, text in result.said if level == "info" and "0 of 10 requests of step 'answer' are done" in text]
    assert len(told) == 1
    assert "Anthropic" in told[0]


def test_looks_get_rarer(tmp_path: Path) -> None:
    fake = FakeBatches("openai", takes_s=1.5)
    with running(fake) as url:
        run_steps(tmp_path, steps("openai", url, questions(10)))
    apart = [later - earlier for earlier, later in zip(fake.looked_at, fake.looked_at[1:], strict=False)]
    assert apart[-1] > 2 * apart[0]


def test_looks_that_fail_are_repeated_and_told_once(tmp_path: Path) -> None:
    fake = FakeBatches("azure", failing_looks=3)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("azure", url, questions(10)))
    assert len(result.only) == 10
    assert sum("is asked again" in text for _, text in result.said) == 1


@each_kind
def test_a_look_that_tells_of_no_batch_is_repeated(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, odd_looks=2)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


def test_a_server_that_is_gone_while_its_batch_runs_is_waited_for(tmp_path: Path) -> None:
    fake = FakeBatches("openai", keeps_going=False)
    with Restartable(fake) as server:

        async def interrupt(engine: Engine) -> None:
            while not fake.looks:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.5)
            fake.keeps_going = True
            await asyncio.to_thread(server.start)

        result = run_steps(tmp_path, steps("openai", server.url, questions(20)), during=interrupt)
    assert len(result.only) == 20
    assert len(fake.made) == 1


def test_a_batch_that_the_provider_does_not_know_is_not_sent_again(tmp_path: Path) -> None:
    fake = FakeBatches("openai", forgets=True)
    with running(fake) as url:
        with pytest.raises(RunError, match="does not know") as told:
            run_steps(tmp_path, steps("openai", url, questions(20)))
        assert "delete" in told.value.fix
        with pytest.raises(RunError, match="does not know"):
            run_steps(tmp_path, steps("openai", url, questions(20)))
        assert len(fake.made) == 1
        fake.forgets = False
        result = run_steps(tmp_path, steps("openai", url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


NO_STATE = {
    "a page": (b"<html>Please sign in</html>", "not with a batch: it is not JSON"),
    "no status": (b'{"id": "BATCH", "request_counts": {"completed": 0}}', "a batch whose status is None"),
    "a status nobody knows": (b'{"id": "BATCH", "status": "napping", "processing_status": "napping"}', "'napping'"),
    "an end without results": (b'{"id": "BATCH", "status": "cancelled", "processing_status": "ended"}', "tells of no results"),
}


@each_kind
@pytest.mark.parametrize("answer", NO_STATE)
def test_looks_that_never_say_how_far_a_batch_is_are_told_and_nothing_is_sent_again(
    kind: Kind, answer: str, tmp_path: Path
) -> None:
    body, seen = NO_STATE[answer]
    fake = FakeBatches(kind, look=body)

    async def wait_and_stop(engine: Engine) -> None:
        while fake.looks < 5:
            await asyncio.sleep(0.01)
        engine.stop()

    with running(fake) as url:
        steps_of_it = steps(kind, url, questions(5))
        stopped = run_steps(tmp_path, steps_of_it, during=wait_and_stop)
        fake.look = None
        result = run_steps(tmp_path, steps_of_it)
    waited = [text for level, text in stopped.said if level == "info" and "does not say how far" in text]
    warned = [text for level, text in stopped.said if level == "warning" and "is asked again" in text]
    assert len(waited) == len(warned) == 1
    assert seen in waited[0]
    assert seen in warned[0]
    assert len(result.only) == 5
    assert len(fake.made) == 1
