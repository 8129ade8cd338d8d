"""Collecting what came of a batch: all of it is in the journal before anybody uses it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.engine.batching.fetching import fetch, fetched_lines
from flows.engine.batching.open_batch import LOOKS, OpenBatch
from flows.engine.batching.submissions import AskedRequests, Outcome, Place
from steps.errors import LLMError, RunError
from steps.llms.batch_apis.told import BatchState

AT_A_TIME = 500
"""Replies that are put into the journal together."""
BYTES_AT_A_TIME = 64 * 2**20
"""The same, where they are long: they are in memory."""


async def collect(batch: OpenBatch, state: BatchState, times: int) -> bool:
    """Put all replies into the journal, then let those have them who wait; whether all were there. `times`: it was tried.

    Raises:
        RunError: Time and again results are not there that the provider counts.
    """
    run, one = batch.run, batch.one
    requests = await asyncio.to_thread(AskedRequests, run.files.requests(one))
    left = {key for key in one.keys if key in run.replies.keys}
    answered, seen = 0, set[str]()
    try:
        for part, where in enumerate(state.results):
            path = run.files.results(one, part + 10 * times)
            await _download(batch, where, path)
            answered += await _read(batch, requests, path, left, seen)
        if answered < state.done:
            if times < LOOKS:
                return False
            what = f"{one.provider} has done {state.done:,} requests of {one.name}, and its results have {answered:,} of them"
            again = "to have the others sent and paid for again"
            raise RunError(what, f"resume later; or, {again}, {run.files.without(one)}")
        await _take_in(batch, _missing(batch, requests, left, state))
    finally:
        requests.close()
    ended = "cancelled" if state.is_cancelled else "collected"
    await asyncio.to_thread(run.files.close, one, f"{ended}: {answered:,} of {one.count:,} answered")
    run.release(one)
    return True


async def _download(batch: OpenBatch, where: str, path: Path) -> None:
    pause_s = batch.line.pause_s
    while True:
        try:
            return await fetch(batch, where, path)
        except LLMError as error:
            batch.tell_if_it_may_pass(error)
            await batch.sleep(pause_s)
            pause_s = batch.longer(pause_s)


async def _read(batch: OpenBatch, requests: AskedRequests, path: Path, left: set[str], seen: set[str]) -> int:
    """Take in one file of results, as far as they are `left`; how many in it are answers that no file before it had."""
    one, chunk, size, answered = batch.one, list[Outcome](), 0, 0
    for at, content in fetched_lines(path):
        result = batch.api.result(content, lambda custom_id: requests.wanted(one.key_in(custom_id)))
        if result is None or (key := one.key_in(result.custom_id)) not in requests or key in seen:
            continue
        seen.add(key)
        answered += result.was_run
        if key not in left:
            continue
        left.discard(key)
        asked = requests.get(key)
        chunk.append(Outcome(asked, result, Place(path, at, len(content), asked.request.n, batch.api)))
        size += len(content)
        if len(chunk) >= AT_A_TIME or size >= BYTES_AT_A_TIME:
            await _take_in(batch, chunk)
            chunk, size = [], 0
    await _take_in(batch, chunk)
    return answered


def _missing(batch: OpenBatch, requests: AskedRequests, left: set[str], state: BatchState) -> Iterator[Outcome]:
    """What no result names."""
    nowhere = Place(Path(), 0, 0, 1, batch.api)
    for key in left:
        result = batch.api.missing(batch.one.custom_id(key), is_cancelled=state.is_cancelled)
        yield Outcome(requests.get(key), result, nowhere)


async def _take_in(batch: OpenBatch, outcomes: Iterable[Outcome]) -> None:
    left = iter(outcomes)
    while chunk := list(itertools.islice(left, AT_A_TIME)):
        await batch.run.replies.take_in(batch.one, batch.line, chunk)
