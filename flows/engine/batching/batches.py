"""Requests that go to a provider many at a time, by its batch endpoint, and are answered within a day.

Requests that miss the journal gather until as many are there as a batch takes, or none has come for a while. A batch is on
disk before it is sent (`submissions`), and its replies are in the journal before anybody uses them. A run that goes on finds
the batches that are open and waits for these: nothing is handed in twice. Where it is not known whether the provider made a
batch (the process died, or the provider failed, while it was asked to), it is looked for there (`searching`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from flows.engine.batching.course import see_through
from flows.engine.batching.gathering import Gathering
from flows.engine.batching.line import AGAIN, Arrival, BatchLine, Sender, Waiting, account_of, error_tally, sender_of
from flows.engine.batching.open_batch import OpenBatch
from flows.engine.batching.replies import Paid, Replies, refusal
from flows.engine.batching.submissions import Asked, Submission, Submissions, line_of, new_tag
from flows.engine.budget import Amount, Budget, Purpose, ceiling_of
from flows.engine.journal import Journal
from flows.engine.keys import identity_of
from flows.engine.not_sent import NotSent
from flows.engine.notices import Notice, Tell
from flows.engine.tally import Tally
from steps.errors import BadRequest, LLMError, RunError
from steps.llms.base import Request, Responder
from steps.llms.batch_apis.api import BatchAPI
from steps.llms.prices import Price

STOPPED_S = 10.0
"""How long a run that stops waits for the answer to what it has just asked a provider."""
ENDED_S = 120.0
"""How long a run that has ended goes on with bringing in what nobody waits for."""


class Batches:
    """The batches of a run."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        tell: Tell,
        budget: Budget | None,
        paid: Paid,
        others: Sequence[Path] = (),
        models: Iterable[tuple[str, Responder]] = (),
    ) -> None:
        """`others`: folders of runs whose finished rows are taken over; what they have at providers is waited for too.

        `models`: those that will `attend`, each with the step that asks it.
        """
        self.files = Submissions(folder)
        self._others = others
        self.replies = Replies(journal, paid)
        self.submissions: dict[str, Submission] = {}
        self.broken: dict[str, Exception] = {}
        self.tell = tell
        self.over = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.is_stopped = False
        self._models = models
        self._budget = budget
        self._owed: dict[str, int] = {}
        """What the budget holds for batches of earlier sessions."""
        self._attended: set[str] = set()
        self._gatherings: dict[tuple[str, str], Gathering[Asked]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: set[str] = set()

    # ---- life
    async def open(self) -> None:
        """Find the batches of earlier sessions.

        Raises:
            RunError: What says of them cannot be read.
        """
        for other in self._others:
            await asyncio.to_thread(self.files.adopt, other)
        for one in await asyncio.to_thread(self.files.all):
            for key, (code, message, fix) in one.failed.items():
                self.replies.refused[key] = refusal(code, message, fix)
            if one.progress == "closed":
                continue
            self.submissions[one.tag] = one
            self.replies.keys.update(dict.fromkeys(one.keys, one))
            if self._budget is not None and not one.is_copy:
                self._owed[one.tag] = self._budget.owe(Purpose(one.step, one.model), Amount(*one.ceiling))

    def line(self, llm: Responder, step: str, identity: bytes, price: Price | None) -> BatchLine:
        """How a step reaches a model in batches."""
        assert llm.batching is not None
        return BatchLine(llm, step, identity, price.at(llm.batching.rate) if price is not None else None)

    def is_awaited(self, endpoint: str) -> bool:
        """Whether a batch of an earlier session is open there."""
        return any(one.endpoint == endpoint for one in self.submissions.values())

    def attend(self, line: BatchLine) -> None:
        """Go on with open batches at a model's endpoint, but those that somebody goes on with, or whose sender is to come."""
        for one in list(self.submissions.values()):
            if one.endpoint != line.llm.endpoint or one.tag in self._attended:
                continue
            if _sender(one) != line.sender and _sender(one) in self._senders:
                continue
            account = next((found for found in line.llm.accounts if account_of(found, one.tag) == one.account), None)
            self._start(one, line, line.llm.batch_api(account))

    @cached_property
    def _senders(self) -> set[Sender]:
        """Who sends batches from this pipeline, or might have before."""
        return {sender_of(llm, step, identity_of(llm)) for step, llm in self._models if llm.batching is not None}

    def hold(self) -> None:
        """Send nothing, and look at nothing, until `go_on`."""
        self.may_go_on.clear()

    def go_on(self) -> None:
        self.may_go_on.set()

    def drain(self) -> None:
        """Send no more, and let nobody wait: the run is ending. What is at providers stays there for the next session."""
        if self.is_stopped:
            return
        self.is_stopped = True
        self.over.set()
        self.may_go_on.set()
        for gathering in self._gatherings.values():
            gathering.end()
        waiting, self.replies.waiting = self.replies.waiting, {}
        for one in (one for futures in waiting.values() for one in futures):
            if not one.done():
                one.set_exception(NotSent())

    async def close(self) -> None:
        """End; what is just being asked of a provider is waited for, for a moment, and so are replies that come in."""
        self.over.set()
        self.may_go_on.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOPPED_S if self.is_stopped else ENDED_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for text in self.left:
            self.tell(Notice("warning", "", text))
        await asyncio.to_thread(self.files.sweep)

    @property
    def left(self) -> list[str]:
        """What is still at providers, in words."""
        told = []
        for one in self.submissions.values():
            if one.is_nowhere:
                continue
            then = "resume collects what comes of them"
            if one.tag not in self._attended and not self.is_stopped and _sender(one) not in self._senders:
                then = f"no step of the pipeline asks {one.endpoint} any more: bring one back to collect what comes of them"
            told.append(f"{one.where}; {then}")
        return told

    # ---- a row asks
    def has(self, key: bytes) -> bool:
        """Whether a request lies in a batch, or what came of it has not been told yet."""
        return self.replies.has(key.hex())

    async def ask(self, line: BatchLine, key: bytes, row: str, request: Request) -> Arrival:
        """Wait for the reply to a request: in a batch that it lies in, or in the next one.

        Raises:
            LLMError: There is none.
            RunError: Nobody knows what came of it.
            NotSent: The run is ending.
        """
        name = key.hex()
        if (arrived := self.replies.arrived.pop(name, None)) is not None:
            place, spent = arrived
            return Arrival(await asyncio.to_thread(place.read), spent, is_new=False)
        if (refused := self.replies.refused.get(name)) is not None:
            raise refusal(refused.code, refused.message, refused.fix)
        hold: int | None = None
        used = None
        try:
            while True:
                if self.is_stopped:
                    raise NotSent
                self._check(name)
                is_new = name not in self.replies.keys and name not in self.replies.waiting
                if is_new and hold is None and self._budget is not None:
                    hold = await self._hold(line, request)
                    continue  # another row may have asked the same meanwhile
                size = self._size(line, name, request) if is_new else 0
                waiting: Waiting = asyncio.get_running_loop().create_future()
                self.replies.waiting.setdefault(name, []).append(waiting)
                if is_new:
                    attempts = self.replies.attempts[name] = self.replies.attempts.get(name, 0) + 1
                    self._gathering(line).add(Asked(name, row, request, attempts), size)
                came = await waiting
                if isinstance(came, Arrival):
                    self.replies.attempts.pop(name, None)
                    used = came.used if came.is_new else None
                    return came
        except LLMError as error:
            error.attempts = self.replies.attempts.pop(name, 1)
            used = error_tally(line, error) if error.usage is not None else None
            raise
        finally:
            self._settle(line, hold, used)

    def _settle(self, line: BatchLine, hold: int | None, used: Tally | None) -> None:
        """Tell the budget what came of a request. `hold` is None where an earlier session sent it: all of its batch is owed."""
        if self._budget is None:
            return
        if hold is not None:
            self._budget.settle(hold, used)
        elif used is not None:
            self._budget.remember(Purpose(line.step, line.llm.model_name), used)

    def _check(self, name: str) -> None:
        """Raises: RunError where a request lies in a batch that nobody looks at."""
        if (one := self.replies.keys.get(name)) is None:
            return
        if (broken := self.broken.get(one.tag)) is not None:
            raise broken
        if one.tag not in self._attended:
            raise RunError(
                f"step {one.step!r} has requests in {one.name} at {one.endpoint}, and asks somewhere else now",
                f"have it ask there again; or, to have them sent and paid for once more, {self.files.without(one)}",
            )

    def _size(self, line: BatchLine, name: str, request: Request) -> int:
        assert line.llm.batching is not None
        size = len(line_of(line.api, "-" * 17 + name, request))
        if size >= line.llm.batching.most_bytes:
            raise BadRequest(f"this request has {size:,} bytes, more than a batch of {line.provider} may", "shorten the row")
        return size

    async def _hold(self, line: BatchLine, request: Request) -> int:
        assert self._budget is not None
        ceiling = ceiling_of(line.llm, line.price, request)
        purpose, is_free = Purpose(line.step, line.llm.model_name), line.price is not None and line.price.is_free
        return await self._budget.hold(purpose, ceiling, is_free=is_free, is_trusted=True)

    # ---- gathering
    def _gathering(self, line: BatchLine) -> Gathering[Asked]:
        which = (line.identity, line.step)
        if (found := self._gatherings.get(which)) is None:
            assert line.llm.batching is not None

            def let_go(asked: list[Asked]) -> None:
                self._hand_in(line, asked)

            found = Gathering(line.llm.batching, line.pause_s, let_go, self.may_go_on, lambda: self.under_way(line))
            self._gatherings[which] = found
        return found

    def under_way(self, line: BatchLine) -> int:
        """Batches of a line that are open."""
        return sum(one.step == line.step and one.identity == line.identity for one in self.submissions.values())

    def _hand_in(self, line: BatchLine, asked: list[Asked]) -> None:
        keys = [one.key for one in asked]
        price = line.price.model_dump(mode="json") if line.price is not None else None
        tag = new_tag()
        account = account_of(line.account, tag)
        about = (tag, line.step, line.llm.model_name, line.identity, line.llm.endpoint, line.provider, account)
        one = Submission(*about, price, keys, count=len(keys))
        found = [ceiling_of(line.llm, line.price, each.request) for each in asked]
        ceilings = [amount for amount in found if amount is not None]
        one.ceiling = (sum(amount.cost for amount in ceilings), sum(amount.tokens for amount in ceilings))
        self.submissions[one.tag] = one
        self.replies.keys.update(dict.fromkeys(keys, one))
        self._start(one, line, line.api, asked)

    def _start(self, one: Submission, line: BatchLine, api: BatchAPI, asked: Sequence[Asked] = ()) -> None:
        self._attended.add(one.tag)
        task = asyncio.create_task(see_through(OpenBatch(self, one, line, api), asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def release(self, one: Submission, error: Exception | None = None) -> None:
        """Nothing of a batch is open any more: who still waits asks anew, or gets the error."""
        self.submissions.pop(one.tag, None)
        keys = self.replies.of(one)
        for key in keys:
            del self.replies.keys[key]
        for key in keys:
            self.replies.answer(key, error or AGAIN)
        if (owed := self._owed.pop(one.tag, None)) is not None and self._budget is not None:
            self._budget.settle(owed, None)

    def take_at_most(self, line: BatchLine, count: int) -> None:
        """Let no more requests of a line leave together."""
        self._gathering(line).take_at_most(count)

    def say(self, text: str) -> None:
        """Tell something that is worth knowing, once."""
        if text not in self._said:
            self._said.add(text)
            self.tell(Notice("warning", "", text))

    def forget(self, text: str) -> None:
        """Tell it again when it happens again."""
        self._said.discard(text)


def _sender(one: Submission) -> Sender:
    return Sender(one.endpoint, one.step, one.identity)
