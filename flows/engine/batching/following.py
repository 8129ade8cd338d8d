"""Looking at a batch until it has ended."""

from __future__ import annotations

from flows.engine.batching.collecting import collect
from flows.engine.batching.not_taken import was_not_taken
from flows.engine.batching.open_batch import OpenBatch, Over
from steps.errors import LLMError


async def follow(batch: OpenBatch) -> None:
    """Look at a batch until it has ended, and bring in what came of it."""
    one, pause_s, times = batch.one, batch.line.pause_s, 0
    while True:
        is_last = batch.run.over.is_set()
        try:
            await batch.may_proceed(is_last=is_last)
            state = await batch.api.look(one.batch)
            batch.forget_trouble()
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
        if is_last:
            raise Over
        await batch.sleep(pause_s, may_look_once_more=True)
        pause_s = batch.longer(pause_s)
