"""Looking for a batch at its provider, where nobody knows whether it was made."""

from __future__ import annotations

import time

from flows.engine.batching.fetching import fetch, fetched_lines
from flows.engine.batching.open_batch import LOOKS, OpenBatch
from steps.errors import LLMError
from steps.llms.batch_apis.told import BatchUnknown
from steps.wording import counted

SURE = 12
"""A batch that is not found so many pauses after it was asked for, in `LOOKS` looks, was never made."""


async def look_for(batch: OpenBatch) -> None:
    """Find out whether the provider made a batch; if not, it is as if it had never been asked to."""
    one, looks, pause_s, strangers = batch.one, 0, batch.line.pause_s, set[str]()
    others = {other.batch for other in batch.run.submissions.values()}
    while not one.batch:
        try:
            await batch.may_proceed()
            found = await batch.api.find(one.tag, one.uploaded, one.count, one.creating_at)
            found = await _pick(batch, [each for each in found if each not in others], strangers)
            looks += 1
            if not found and looks >= LOOKS and time.time() - one.creating_at > SURE * batch.line.pause_s:
                one.progress = "uploaded"
                await batch.save()
                return
        except LLMError as error:
            batch.tell_if_it_may_pass(error)
        if not one.batch:
            told = f"{counted(one.count, 'request')} of step {one.step!r}"
            text = f"waiting for {one.provider}: it is not known whether it took {told}"
            batch.progress(f"{text}; they are looked for, and sent only if they are not there")
            await batch.sleep(pause_s)
            pause_s = batch.longer(pause_s)
    one.progress = "submitted"
    await batch.save()


async def _pick(batch: OpenBatch, found: list[str], strangers: set[str]) -> list[str]:
    """Those of the batches found that may be the one. `strangers` are known to be none; they get more."""
    if batch.api.has_tags:
        batch.one.batch = found[0] if found else ""
        return found
    for each in found:
        if each not in strangers and await _is_it(batch, each, strangers):
            batch.one.batch = each
            break
    return [each for each in found if each not in strangers]


async def _is_it(batch: OpenBatch, name: str, strangers: set[str]) -> bool:
    """Whether its results say that a batch is the one that is looked for; as long as it runs, nobody can tell.

    Raises:
        BatchUnknown: It may be, and has no results that can be read.
    """
    state = await batch.api.look(name)
    if state.state == "running":
        return False
    for part, where in enumerate(state.results):
        path = batch.run.files.results(batch.one, part)
        await fetch(batch, where, path)
        for _, content in fetched_lines(path):
            result = batch.api.result(content, lambda custom_id: 1)
            if result is None:
                continue
            if batch.one.key_in(result.custom_id):
                return True
            strangers.add(name)
            return False
    what = f"{batch.one.provider} has {name}, of the same time and size, without results that tell whose it is"
    raise BatchUnknown(what)
