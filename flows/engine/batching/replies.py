"""Who waits for which request in a batch, and what came of those that nobody waits for yet."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence

from flows.engine.batching.line import AGAIN, Again, Arrival, BatchLine, Waiting
from flows.engine.batching.submissions import Asked, Outcome, Place, Submission
from flows.engine.journal import ROW_BYTES, TAG_BYTES, Entry, Journal
from flows.engine.tally import Tally
from steps.errors import EmptyReply, LLMError, SchemaRefused
from steps.llms.base import Completion
from steps.llms.batch_apis.told import Result
from steps.llms.prices import Price

Paid = Callable[[Entry, Tally], None]
"""Is told of each reply that was paid for now and that no row waits for."""


class Replies:
    """The requests of a run that go by batch, by their keys in hexadecimal."""

    def __init__(self, journal: Journal, paid: Paid) -> None:
        self._journal = journal
        self._paid = paid
        self.keys: dict[str, Submission] = {}
        """What lies in batches that are open."""
        self.waiting: dict[str, list[Waiting]] = {}
        self.attempts: dict[str, int] = {}
        self.arrived: dict[str, tuple[Place, Tally]] = {}
        """Replies that are in the journal, and whose rows have not come yet."""
        self.refused: dict[str, LLMError] = {}
        """Requests that would fail again, whose rows have not come yet."""

    def has(self, key: str) -> bool:
        """Whether a request lies in a batch, or what came of it has not been told yet."""
        return key in self.keys or key in self.waiting or key in self.arrived or key in self.refused

    def of(self, one: Submission) -> list[str]:
        """What of a batch is open."""
        return [key for key, other in self.keys.items() if other is one]

    async def take_in(self, one: Submission, line: BatchLine, chunk: Sequence[Outcome]) -> None:
        """Put some replies into the journal, all of them together, and answer those who wait for them."""
        kept = await asyncio.gather(*(self._keep(one, asked, result) for asked, result, _ in chunk))
        for (asked, result, place), (entry, used, is_new) in zip(chunk, kept, strict=True):
            self.keys.pop(asked.key, None)
            if isinstance(result.reply, Completion):
                arrival = Arrival(result.reply, used, is_new)
                if not self.answer(asked.key, arrival):
                    self.arrived[asked.key] = (place, used)
                    if is_new:
                        self._paid(entry, used)
                continue
            if not self._fail(one, line, asked, result) and is_new:
                self._paid(entry, used)
        await asyncio.sleep(0)

    async def _keep(self, one: Submission, asked: Asked, result: Result) -> tuple[Entry, Tally, bool]:
        """Put a reply into the journal, unless an earlier session did; whether it did so now."""
        key, reply = bytes.fromhex(asked.key), result.reply
        usage = reply.usage
        seconds = max(0.0, time.time() - one.at)
        if isinstance(reply, LLMError):
            reply.seconds = seconds
        is_useless = not isinstance(reply, Completion)
        completion = reply if isinstance(reply, Completion) else Completion([], one.model, usage) if usage else None
        price = Price.model_validate(one.price) if one.price is not None else None
        cost = price.cost(usage) if price is not None and usage is not None else None
        request = asked.request
        entry = Entry(
            *(one.step, asked.row, one.model, request.chat, request.n, request.schema),
            *(completion or Completion([], one.model), time.time(), seconds, asked.attempts, cost),
            *(request.have, request.speaker, request.model),
        )
        if completion is None or usage is None:
            return entry, Tally(), False
        if is_useless:
            key = _key_of_useless(key, one.tag)
        used = Tally.of(usage, cost, seconds)
        if self._journal.holds(key):
            return entry, used, False
        await self._journal.keep(key, entry, is_copy=one.is_copy)
        return entry, used, not one.is_copy

    def _fail(self, one: Submission, line: BatchLine, asked: Asked, result: Result) -> bool:
        """What comes of a request that got no reply; whether anybody waited for one."""
        error = result.reply
        assert isinstance(error, LLMError)
        self.attempts[asked.key] = asked.attempts
        is_schema = isinstance(error, SchemaRefused) and asked.request.schema is not None
        if is_schema:
            line.llm.ask_without_schemas()
        if is_schema or (error.is_retryable and not result.is_final and asked.attempts <= line.llm.max_retries):
            return self.answer(asked.key, AGAIN)
        if self.answer(asked.key, error):
            return True
        if not (error.is_fatal or error.is_retryable or isinstance(error, EmptyReply)):  # those are asked anew
            self.refused[asked.key] = error
            one.failed[asked.key] = (error.code, error.message, error.fix)
        return False

    def answer(self, key: str, came: Arrival | Again | Exception) -> bool:
        """Tell those who wait for a request what came of it; whether anybody does."""
        waiting = [one for one in self.waiting.pop(key, ()) if not one.done()]
        for number, one in enumerate(waiting):
            if isinstance(came, Exception):
                one.set_exception(came)
            elif isinstance(came, Arrival) and number:  # it was paid for once
                one.set_result(Arrival(came.completion, came.used, is_new=False))
            else:
                one.set_result(came)
        return bool(waiting)


def _key_of_useless(key: bytes, tag: str) -> bytes:
    """A key that nobody asks for, always the same for a request of a batch: results that are read again count once."""
    begin = TAG_BYTES + ROW_BYTES
    return key[:begin] + hashlib.blake2b(key + tag.encode(), digest_size=len(key) - begin).digest()


def refusal(code: str, message: str, fix: str) -> LLMError:
    error = LLMError(message, fix)
    error.code = code
    return error
