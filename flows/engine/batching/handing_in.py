"""Bringing a batch to its provider: the file is uploaded, and the batch is made of it once."""

from __future__ import annotations

import asyncio
import time

from flows.engine.batching.open_batch import OpenBatch
from flows.engine.batching.searching import look_for
from steps.errors import EndpointDown, LLMError, RateLimited
from steps.llms.batch_apis.told import is_refusal

LONGEST_WAIT_S = 3600.0
"""A provider that asks for more, such as a year, is asked again after this."""


async def hand_in(batch: OpenBatch) -> None:
    """Upload the file and have the batch made.

    Raises:
        LLMError: The provider refused.
    """
    one, files, pause_s, failures = batch.one, batch.run.files, batch.line.pause_s, 0
    while not one.batch:
        try:
            await _upload(batch)
            await batch.may_proceed()
            one.progress, one.creating_at = "creating", time.time()
            await batch.save()
            one.batch = await batch.api.create(one.uploaded, files.input(one), one.tag)
        except LLMError as error:
            is_known = one.progress != "creating" or is_refusal(error)
            if is_known:
                one.progress = "uploaded"
                if error.is_fatal or not error.is_retryable:
                    raise
                failures += not isinstance(error, RateLimited)
                if failures > batch.line.llm.max_retries:
                    what = f"{one.endpoint} takes no batch: {error.message} ({failures} attempts)"
                    raise EndpointDown(what, error.fix) from error
            batch.tell_once(error)
            wait_s = error.retry_after_s if isinstance(error, RateLimited) else None
            await batch.sleep(max(pause_s, min(wait_s or 0.0, LONGEST_WAIT_S)))
            pause_s = batch.longer(pause_s)
            if not is_known:
                await look_for(batch)
    one.progress = "submitted"
    await batch.save()
    await asyncio.to_thread(files.sent, one)


async def _upload(batch: OpenBatch) -> None:
    """Bring the file there, unless it is, and wait until it can be used."""
    one = batch.one
    if not one.uploaded:
        await batch.may_proceed()
        one.uploaded = await batch.api.upload(batch.run.files.input(one))
        one.progress = "uploaded"
        await batch.save()
    while one.uploaded and not await batch.api.is_ready(one.uploaded):
        await batch.sleep(batch.line.pause_s)
