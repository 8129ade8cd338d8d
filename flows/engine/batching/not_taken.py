"""What becomes of the requests of a batch that the provider refused as a whole; none of it is charged."""

from __future__ import annotations

import asyncio

from flows.engine.batching.open_batch import OpenBatch
from flows.engine.batching.submissions import AskedRequests
from steps.errors import BadRequest, RunError
from steps.llms.batch_apis.told import BatchState, Fault


async def was_not_taken(batch: OpenBatch, state: BatchState) -> None:
    """Tell those who wait: where the provider takes no more for now, or names the rows it means, the others go again."""
    run, one = batch.run, batch.one
    fault = state.faults[0] if state.faults else Fault("", "it said nothing")
    said = " ".join(f"{fault.code}: {fault.message}".strip(": ").split())[:300]
    requests = await asyncio.to_thread(AskedRequests, run.files.requests(one))
    at_fault = {key: fault for fault in state.faults if (key := requests.at_line(fault.line)) is not None}
    requests.close()
    await asyncio.to_thread(run.files.close, one, f"not taken: {said}")
    del run.submissions[one.tag]
    if "token_limit" in fault.code or "enqueued token" in fault.message.lower():
        await _wait_for_room(batch, said)
    elif at_fault:
        for key, (code, message, _) in at_fault.items():
            what = f"{one.provider} did not take this request into a batch ({code or 'no code'}): {message}"
            run.replies.answer(key, BadRequest(what, "check generation_kwargs and the prompt"))
            run.replies.keys.pop(key, None)
        run.release(one)
    else:
        what = f"{one.provider} did not take a batch of step {one.step!r}; it said {said}"
        run.release(one, RunError(what, "correct the model's parameters, or set `batch: false` in this step"))


async def _wait_for_room(batch: OpenBatch, said: str) -> None:
    """The provider takes only so much at a time: requests go again once another batch has ended, or in smaller batches."""
    run, one = batch.run, batch.one
    if not run.under_way(batch.line) and one.count == 1:
        run.release(one, RunError(f"{one.provider} takes no batch of step {one.step!r}: {said}", "see your limits"))
        return
    whose = f"requests of step {one.step!r}"
    text = f"{one.provider} takes no more in batches at a time ({said}); {whose} wait their turn"
    if run.under_way(batch.line):
        run.say(text)
        await _until_one_ends(batch)
    else:
        run.say(f"{text}, in smaller batches")
        run.take_at_most(batch.line, max(1, one.count // 2))
    run.release(one)


async def _until_one_ends(batch: OpenBatch) -> None:
    before = batch.run.under_way(batch.line)
    while batch.run.under_way(batch.line) >= before:
        await batch.sleep(batch.line.pause_s)
