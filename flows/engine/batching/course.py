"""The life of one batch: handed in, followed until it has ended, and collected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from flows.engine.batching.following import follow
from flows.engine.batching.handing_in import hand_in
from flows.engine.batching.open_batch import OpenBatch, Over
from flows.engine.batching.searching import look_for
from flows.engine.batching.submissions import Asked, Submission
from steps.errors import AuthFailed, LLMError, RowError, RunError
from steps.llms.batch_apis.told import BatchUnknown


async def see_through(batch: OpenBatch, asked: Sequence[Asked]) -> None:
    """Go on with a batch from where it is; `asked`: its requests, where it is new."""
    try:
        if asked:
            await asyncio.to_thread(batch.run.files.write, batch.one, asked, batch.api)
        while (refusal := await _go_on_with_one_key(batch, is_new=bool(asked))) is not None:
            if not batch.may_use_another_key():
                raise refusal
            what = f"a key sends no batches of step {batch.one.step!r}, and another one is used: {refusal.message}"
            batch.run.say(f"{what} ({refusal.fix})")
    except Over:
        pass
    except Exception as error:
        await _end(batch, _said_of(error, batch))
    finally:
        batch.is_over()


async def _go_on_with_one_key(batch: OpenBatch, *, is_new: bool) -> AuthFailed | None:
    """See it through with the key that it has. Returns the refusal, if that key is refused."""
    async with batch.api:
        try:
            await _go_on(batch, is_new=is_new)
        except AuthFailed as error:
            return error
        finally:
            await batch.discard_input()
    return None


async def _go_on(batch: OpenBatch, *, is_new: bool) -> None:
    run, one = batch.run, batch.one
    if one.progress == "creating":
        await look_for(batch)
    if one.is_nowhere:
        if not is_new:  # it was never made, and its rows come anew
            await asyncio.to_thread(run.files.forget, one)
            run.release(one)
            return
        await hand_in(batch)
    await follow(batch)


async def _end(batch: OpenBatch, error: Exception) -> None:
    """Nobody can go on with a batch; whether it stays open depends on whether anything is at the provider."""
    run, one = batch.run, batch.one
    run.broken[one.tag] = error
    if one.is_nowhere:  # it was refused
        await asyncio.to_thread(run.files.forget, one)
        run.release(one, error)
        return
    for key in run.replies.of(one):
        run.replies.answer(key, error)


def _said_of(error: Exception, batch: OpenBatch) -> Exception:
    """What ends the way of a batch, as all its rows are told."""
    one = batch.one
    if isinstance(error, BatchUnknown):
        again = "to have its requests sent and paid for once more"
        fix = f"use a key of the account that it was sent with; or, {again}, {batch.run.files.without(one)}"
        return RunError(f"step {one.step!r}: {error.message}", fix)
    if isinstance(error, LLMError) and not error.is_fatal:  # it is no single row's
        return RunError(f"a batch of step {one.step!r}: {error.message}", error.fix)
    return error if isinstance(error, (RowError, RunError)) else RunError(_in_words(error, one), "see run.log")


def _in_words(error: Exception, one: Submission) -> str:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return f"a batch of step {one.step!r} cannot be gone on with: {reason}"
