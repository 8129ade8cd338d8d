"""Looking at a batch until it has ended."""

from __future__ import annotations

from flows.engine.batching.collecting import collect
from flows.engine.batching.not_taken import was_not_taken
from flows.engine.batching.open_batch import LOOKS, OpenBatch, Over
from steps.errors import LLMError


async def follow(batch: OpenBatch) -> None:
    """Look at a batch until it has ended, and bring in what came of it."""
    one, pause_s, times, failed = batch.one, batch.line.pause_s, 0, 0
    batch.forget_trouble()
    while True:
        is_last = batch.run.over.is_set()
        try:
            await batch.may_proceed(is_last=is_last)
            state = await batch.api.look(one.batch)
            batch.forget_trouble()
            failed = 0
            if state.state == "failed":
                await was_not_taken(batch, state)
                return
            if state.state == "ended":
                if await collect(batch, state, times):
                    return
                times += 1
            done = f"{state.done + state.failed:,} of {one.count:,}"
            batch.progress(f"waiting for {one.provider}: {done} requests of step {one.step!r} are done in {one.name}")
        except LLMError as error:
            batch.tell_if_it_may_pass(error)
            failed += 1
            if failed == LOOKS:
                batch.progress(_said_of_looks(batch, error))
        if is_last:
            raise Over
        await batch.sleep(pause_s, may_look_once_more=True)
        pause_s = batch.longer(pause_s)


def _said_of_looks(batch: OpenBatch, error: LLMError) -> str:
    """What is told of a batch that nobody has been able to look at for some time; it may be for ever."""
    one = batch.one
    text = f"waiting for {one.provider}, which does not say how far {one.name} of step {one.step!r} is: {error.message}"
    return f"{text}; it goes on being asked, and nothing is sent again ({error.fix})"
