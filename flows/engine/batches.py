"""Requests that go to a provider many at a time, by its batch endpoint, and are answered within a day.

Requests that miss the journal gather until as many are there as a batch takes, or none has come for a while. A batch is on
disk before it is sent (`flows.engine.submissions`), and its replies are in the journal before anybody uses them. A run that
goes on finds the batches that are open and waits for these: nothing is handed in twice. Where it is not known whether the
provider made a batch (the process died, or the provider failed, while it was asked to), it is looked for there.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.engine.budget import Amount, Budget, Purpose, ceiling_of
from flows.engine.gathering import Gathering
from flows.engine.journal import ROW_BYTES, TAG_BYTES, Entry, Journal
from flows.engine.not_sent import NotSent
from flows.engine.notices import Notice, Tell
from flows.engine.submissions import Asked, AskedRequests, Place, Submission, Submissions, line_of, new_tag
from flows.engine.tally import Tally
from steps.errors import BadRequest, EmptyReply, EndpointDown, LLMError, RateLimited, RowError, RunError, SchemaRefused
from steps.llms.base import LLM, Account, Completion, Request
from steps.llms.batch_apis import BatchAPI, BatchState, BatchUnknown, Fault, Result, is_refusal, lines_of
from steps.llms.prices import Price
from steps.wording import counted

SLOWEST = 12
"""Looks at a batch are at most so many times as far apart as the first ones."""
SLOWER = 1.5
SURE = 12
"""A batch that is not found so many pauses after it was asked for, in `LOOKS` looks, was never made."""
LOOKS = 3
AT_A_TIME = 500
"""Replies that are put into the journal together."""
STOPPED_S = 10.0
"""How long a run that stops waits for the answer to what it has just asked a provider."""
ENDED_S = 120.0
"""How long a run that has ended goes on with bringing in what nobody waits for."""

Paid = Callable[[Entry, Tally], None]
"""Is told of each reply that was paid for now and that no row waits for."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A reply, and what it used; `is_new`: it was got now."""

    completion: Completion
    used: Tally
    is_new: bool = True


class _Again:
    """What a request gets instead of an answer when it is to go into another batch."""


_AGAIN = _Again()
_Waiting = asyncio.Future[Arrival | _Again]


class _Over(Exception):
    """The run is ending: batches are left where they are."""


class BatchLine:
    """The way of one step to one of its models, through the model's batch endpoint."""

    def __init__(self, llm: LLM, step: str, identity: bytes, price: Price | None) -> None:
        """`price`: that of batches."""
        assert llm.batching is not None
        self.llm = llm
        self.step = step
        self.identity = identity.hex()
        self.price = price
        self.api = llm.batch_api()
        self.pause_s = float(getattr(llm, "batch_pause", 5.0))

    @property
    def most_n(self) -> int:
        """Replies that one request gets at most."""
        return int(getattr(self.llm, "provider").most_n)  # noqa: B009

    @property
    def provider(self) -> str:
        return str(getattr(self.llm, "provider").title)  # noqa: B009 - only servers have one


class Batches:
    """The batches of a run."""

    def __init__(self, folder: Path, journal: Journal, tell: Tell, budget: Budget | None, paid: Paid) -> None:
        self._files = Submissions(folder)
        self._journal = journal
        self._tell = tell
        self._budget = budget
        self._paid = paid
        self._gatherings: dict[tuple[str, str], Gathering[Asked]] = {}
        self._lines: dict[tuple[str, str], BatchLine] = {}
        self._open: dict[str, Submission] = {}
        """Batches that are not in the journal yet, by tag."""
        self._keys: dict[str, Submission] = {}
        """What lies in them."""
        self._owed: dict[str, int] = {}
        """What the budget holds for those of earlier sessions."""
        self._attended: set[str] = set()
        self._waiting: dict[str, list[_Waiting]] = {}
        self._attempts: dict[str, int] = {}
        self._arrived: dict[str, tuple[Place, Tally]] = {}
        self._refused: dict[str, LLMError] = {}
        self._broken: dict[str, Exception] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._ended = asyncio.Condition()
        self._is_stopped = False
        self._said: set[str] = set()

    # ---- life
    async def open(self) -> None:
        """Find the batches of earlier sessions.

        Raises:
            RunError: What says of them cannot be read.
        """
        for one in await asyncio.to_thread(self._files.all):
            for key, (code, message, fix) in one.failed.items():
                self._refused[key] = _refusal(code, message, fix)
            if one.progress == "closed":
                continue
            self._open[one.tag] = one
            self._keys.update(dict.fromkeys(one.keys, one))
            if self._budget is not None:
                self._owed[one.tag] = self._budget.owe(Purpose(one.step, one.model), Amount(*one.ceiling))

    def line(self, llm: LLM, step: str, identity: bytes, price: Price | None) -> BatchLine:
        """How a step reaches a model in batches."""
        assert llm.batching is not None
        return BatchLine(llm, step, identity, price.at(llm.batching.rate) if price is not None else None)

    def is_awaited(self, endpoint: str) -> bool:
        """Whether a batch of an earlier session is open there."""
        return any(one.endpoint == endpoint for one in self._open.values())

    def attend(self, line: BatchLine) -> None:
        """Go on with the open batches at a model's endpoint, unless somebody does."""
        for one in list(self._open.values()):
            if one.endpoint == line.llm.endpoint and one.tag not in self._attended:
                account = next((found for found in line.llm.accounts if account_of(found, one.tag) == one.account), None)
                self._start(one, line, line.llm.batch_api(account))

    def hold(self) -> None:
        """Send nothing, and look at nothing, until `go_on`."""
        self._may_go_on.clear()

    def go_on(self) -> None:
        self._may_go_on.set()

    def drain(self) -> None:
        """Send no more, and let nobody wait: the run is ending. What is at providers stays there for the next session."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._over.set()
        self._may_go_on.set()
        for gathering in self._gatherings.values():
            gathering.end()
        waiting, self._waiting = self._waiting, {}
        for one in (one for futures in waiting.values() for one in futures):
            if not one.done():
                one.set_exception(NotSent())

    async def close(self) -> None:
        """End; what is just being asked of a provider is waited for, for a moment, and so are replies that come in."""
        self._over.set()
        self._may_go_on.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOPPED_S if self._is_stopped else ENDED_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for text in self.left:
            self._tell(Notice("warning", "", text))
        await asyncio.to_thread(self._files.sweep)

    @property
    def left(self) -> list[str]:
        """What is still at providers, in words."""
        told = []
        for one in self._open.values():
            if one.progress in ("written", "uploaded"):
                continue
            where = f"{counted(one.count, 'request')} of step {one.step!r} " + (
                f"are at {one.provider} ({one.name})" if one.batch else f"may be at {one.provider}"
            )
            then = "resume collects what comes of them"
            if one.tag not in self._attended and not self._is_stopped:
                then = f"no step of the pipeline asks {one.endpoint} any more: bring one back to collect what comes of them"
            told.append(f"{where}; {then}")
        return told

    # ---- a row asks
    def has(self, key: bytes) -> bool:
        """Whether a request lies in a batch, or what came of it has not been told yet."""
        name = key.hex()
        return name in self._keys or name in self._waiting or name in self._arrived or name in self._refused

    async def ask(self, line: BatchLine, key: bytes, row: str, request: Request) -> Arrival:
        """Wait for the reply to a request: in a batch that it lies in, or in the next one.

        Raises:
            LLMError: There is none.
            RunError: Nobody knows what came of it.
            NotSent: The run is ending.
        """
        name = key.hex()
        if (arrived := self._arrived.pop(name, None)) is not None:
            place, spent = arrived
            return Arrival(await asyncio.to_thread(place.read), spent, is_new=False)
        if (refused := self._refused.get(name)) is not None:
            raise _refusal(refused.code, refused.message, refused.fix)
        hold: int | None = None
        used = None
        try:
            while True:
                if self._is_stopped:
                    raise NotSent
                self._check(name)
                is_new = name not in self._keys and name not in self._waiting
                if is_new and hold is None and self._budget is not None:
                    hold = await self._hold(line, request)
                    continue  # another row may have asked the same meanwhile
                size = self._size(line, name, request) if is_new else 0
                waiting: _Waiting = asyncio.get_running_loop().create_future()
                self._waiting.setdefault(name, []).append(waiting)
                if is_new:
                    attempts = self._attempts[name] = self._attempts.get(name, 0) + 1
                    self._gathering(line).add(Asked(name, row, request, attempts), size)
                came = await waiting
                if isinstance(came, Arrival):
                    self._attempts.pop(name, None)
                    used = came.used if came.is_new else None
                    return came
        except LLMError as error:
            error.attempts = self._attempts.pop(name, 1)
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
        if (one := self._keys.get(name)) is None:
            return
        if (broken := self._broken.get(one.tag)) is not None:
            raise broken
        if one.tag not in self._attended:
            raise RunError(
                f"step {one.step!r} has requests in {one.name} at {one.endpoint}, and asks somewhere else now",
                f"have it ask there again; or, to have them sent and paid for once more, {self._without(one)}",
            )

    def _size(self, line: BatchLine, name: str, request: Request) -> int:
        assert line.llm.batching is not None
        try:
            size = len(line_of(line.api, "-" * 17 + name, request))
        except TypeError as error:
            raise BadRequest(f"this chat cannot be written as JSON: {error}", "mend the row's text") from error
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
            self._lines[which] = line

            def let_go(asked: list[Asked]) -> None:
                self._hand_in(line, asked)

            found = Gathering(line.llm.batching, line.pause_s, let_go, self._may_go_on, lambda: self._under_way(line))
            self._gatherings[which] = found
        return found

    def _under_way(self, line: BatchLine) -> int:
        """Batches of a line that are open."""
        return sum(one.step == line.step and one.identity == line.identity for one in self._open.values())

    def _hand_in(self, line: BatchLine, asked: list[Asked]) -> None:
        keys = [one.key for one in asked]
        price = line.price.model_dump(mode="json") if line.price is not None else None
        tag = new_tag()
        account = account_of(line.llm.accounts[0], tag)
        about = (tag, line.step, line.llm.model_name, line.identity, line.llm.endpoint, line.provider, account)
        one = Submission(*about, price, keys, count=len(keys))
        found = [ceiling_of(line.llm, line.price, each.request) for each in asked]
        ceilings = [amount for amount in found if amount is not None]
        one.ceiling = (sum(amount.cost for amount in ceilings), sum(amount.tokens for amount in ceilings))
        self._open[one.tag] = one
        self._keys.update(dict.fromkeys(keys, one))
        self._start(one, line, line.api, asked)

    def _start(self, one: Submission, line: BatchLine, api: BatchAPI, asked: Sequence[Asked] = ()) -> None:
        self._attended.add(one.tag)
        task = asyncio.create_task(self._see_through(one, line, api, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- the life of a batch
    async def _see_through(self, one: Submission, line: BatchLine, api: BatchAPI, asked: Sequence[Asked]) -> None:
        try:
            async with api:
                if asked:
                    await asyncio.to_thread(self._files.write, one, asked, api)
                if one.progress == "creating":
                    await self._look_for(one, line, api)
                if one.progress in ("written", "uploaded"):
                    if not asked:  # it was never made, and its rows come anew
                        await asyncio.to_thread(self._files.forget, one)
                        self._release(one)
                        return
                    await self._bring(one, line, api)
                await self._follow(one, line, api)
        except _Over:
            pass
        except Exception as error:
            said = self._said_of(one, error)
            self._broken[one.tag] = said
            if one.progress in ("written", "uploaded"):  # it was refused: nothing is there
                await asyncio.to_thread(self._files.forget, one)
                self._release(one, said)
            else:
                self._wake(one, said)
        finally:
            self._tell(Notice("over", _topic(one), "", level="info"))
            async with self._ended:
                self._ended.notify_all()

    def _said_of(self, one: Submission, error: Exception) -> Exception:
        """What ends the way of a batch, as all its rows are told."""
        if isinstance(error, BatchUnknown):
            again = "to have its requests sent and paid for once more"
            fix = f"use a key of the account that it was sent with; or, {again}, {self._without(one)}"
            return RunError(f"step {one.step!r}: {error.message}", fix)
        if isinstance(error, LLMError) and not error.is_fatal:  # it is no single row's
            return RunError(f"a batch of step {one.step!r}: {error.message}", error.fix)
        return error if isinstance(error, (RowError, RunError)) else RunError(_in_words(error, one), "see run.log")

    async def _bring(self, one: Submission, line: BatchLine, api: BatchAPI) -> None:
        """Upload the file and have the batch made.

        Raises:
            LLMError: The provider refused.
        """
        file, pause_s, failures = self._files.input(one), line.pause_s, 0
        while not one.batch:
            try:
                if not one.uploaded:
                    await self._may_proceed()
                    one.uploaded = await api.upload(file)
                    one.progress = "uploaded"
                    await asyncio.to_thread(self._files.save, one)
                while one.uploaded and not await api.is_ready(one.uploaded):
                    await self._sleep(line.pause_s)
                await self._may_proceed()
                one.progress, one.creating_at = "creating", time.time()
                await asyncio.to_thread(self._files.save, one)
                one.batch = await api.create(one.uploaded, file, one.tag)
            except LLMError as error:
                is_known = one.progress != "creating" or is_refusal(error)
                if is_known:
                    one.progress = "uploaded"
                    if error.is_fatal or not error.is_retryable:
                        raise
                    failures += not isinstance(error, RateLimited)
                    if failures > line.llm.max_retries:
                        raise EndpointDown(
                            f"{one.endpoint} takes no batch: {error.message} ({failures} attempts)", error.fix
                        ) from error
                self._tell_once(one, error)
                wait_s = error.retry_after_s if isinstance(error, RateLimited) else None
                await self._sleep(max(pause_s, wait_s or 0.0))
                pause_s = _longer(pause_s, line)
                if not is_known:
                    await self._look_for(one, line, api)
        one.progress = "submitted"
        await asyncio.to_thread(self._files.save, one)
        await asyncio.to_thread(self._files.sent, one)

    async def _look_for(self, one: Submission, line: BatchLine, api: BatchAPI) -> None:
        """Find out whether the provider made a batch; if not, it is as if it had never been asked to."""
        looks, pause_s, strangers = 0, line.pause_s, set[str]()
        others = {other.batch for other in self._open.values()}
        while not one.batch:
            try:
                await self._may_proceed()
                found = [each for each in await api.find(one.tag, one.count, one.creating_at) if each not in others | strangers]
                if api.has_tags:
                    one.batch = found[0] if found else ""
                else:
                    for each in found:
                        await self._compare(one, each, api, strangers)
                        if one.batch:
                            break
                    found = [each for each in found if each not in strangers]
                looks += 1
                if not found and looks >= LOOKS and time.time() - one.creating_at > SURE * line.pause_s:
                    one.progress = "uploaded"
                    await asyncio.to_thread(self._files.save, one)
                    return
            except LLMError as error:
                if error.is_fatal or not error.is_retryable:
                    raise
                self._tell_once(one, error)
            if not one.batch:
                text = f"waiting for {one.provider}: it is not known whether it took {counted(one.count, 'request')} of step"
                self._progress(one, f"{text} {one.step!r}; they are looked for, and sent only if they are not there")
                await self._sleep(pause_s)
                pause_s = _longer(pause_s, line)
        one.progress = "submitted"
        await asyncio.to_thread(self._files.save, one)

    async def _compare(self, one: Submission, batch: str, api: BatchAPI, strangers: set[str]) -> None:
        """See by its results whether a batch is the one that is looked for; as long as it runs, nobody can tell."""
        state = await api.look(batch)
        if state.state == "running":
            return
        for part, where in enumerate(state.results):
            path = self._files.results(one, part)
            await api.download(where, path)
            for _, line in lines_of(path):
                result = api.result(line, lambda custom_id: 1)
                if result is not None and one.key_in(result.custom_id):
                    one.batch = batch
                    return
                break
        strangers.add(batch)

    async def _follow(self, one: Submission, line: BatchLine, api: BatchAPI) -> None:
        """Look at a batch until it has ended, and bring in what came of it."""
        pause_s, times = line.pause_s, 0
        while True:
            is_last = self._over.is_set()
            try:
                await self._may_proceed(is_last=is_last)
                state = await api.look(one.batch)
                self._forget_trouble(one)
                if state.state == "failed":
                    await self._was_not_taken(one, line, state)
                    return
                if state.state == "ended":
                    if await self._collect(one, line, api, state, times):
                        return
                    times += 1
                done = f"{state.done + state.failed:,} of {one.count:,}"
                self._progress(one, f"waiting for {one.provider}: {done} requests of step {one.step!r} are done in {one.name}")
            except LLMError as error:
                if error.is_fatal or not error.is_retryable:
                    raise
                self._tell_once(one, error)
            if is_last:
                raise _Over
            await self._sleep(pause_s, may_look_once_more=True)
            pause_s = _longer(pause_s, line)

    async def _was_not_taken(self, one: Submission, line: BatchLine, state: BatchState) -> None:
        """The provider refused the file of a batch; none of it is charged."""
        fault = state.faults[0] if state.faults else Fault("", "it said nothing")
        said = " ".join(f"{fault.code}: {fault.message}".strip(": ").split())[:300]
        requests = await asyncio.to_thread(AskedRequests, self._files.requests(one))
        at_fault = {key: fault for fault in state.faults if (key := requests.at_line(fault.line)) is not None}
        requests.close()
        count = one.count
        await asyncio.to_thread(self._files.close, one, f"not taken: {said}")
        del self._open[one.tag]
        if "token_limit" in fault.code or "enqueued token" in fault.message.lower():
            if not self._under_way(line) and count == 1:
                self._release(one, RunError(f"{one.provider} takes no batch of step {one.step!r}: {said}", "see your limits"))
                return
            text = f"{one.provider} takes no more in batches at a time ({said}); requests of step {one.step!r} wait their turn"
            if self._under_way(line):
                self._say(text)
                await self._until_one_ends(line)
            else:
                self._say(f"{text}, in smaller batches")
                self._gathering(line).take_at_most(max(1, count // 2))
            self._release(one)
        elif at_fault:
            for key, (code, message, _) in at_fault.items():
                what = f"{one.provider} did not take this request into a batch ({code or 'no code'}): {message}"
                self._answer(key, BadRequest(what, "check generation_kwargs and the prompt"))
                self._keys.pop(key, None)
            self._release(one)
        else:
            what = f"{one.provider} did not take a batch of step {one.step!r}; it said {said}"
            self._release(one, RunError(what, "correct the model's parameters, or set `batch: false` in this step"))

    async def _until_one_ends(self, line: BatchLine) -> None:
        before = self._under_way(line)
        async with self._ended:
            await self._ended.wait_for(lambda: self._under_way(line) < before or self._over.is_set())

    # ---- what came of a batch
    async def _collect(self, one: Submission, line: BatchLine, api: BatchAPI, state: BatchState, times: int) -> bool:
        """Put all replies into the journal, then let those have them who wait; whether all were there. `times`: it was tried.

        Raises:
            RunError: Time and again results are not there that the provider counts.
        """
        requests = await asyncio.to_thread(AskedRequests, self._files.requests(one))
        left = {key for key in one.keys if key in self._keys}
        answered = 0
        try:
            for part, where in enumerate(state.results):
                path = self._files.results(one, part + 10 * times)
                await self._download(one, line, api, where, path)
                answered += await self._read(one, line, api, requests, path, left)
            if answered < state.done:
                if times < LOOKS:
                    return False
                what = (
                    f"{one.provider} answered {state.done:,} requests in {one.name}, and its results have {answered:,} of them"
                )
                raise RunError(what, f"resume later; or, to have the others sent and paid for again, {self._without(one)}")
            missing = [api.missing(one.custom_id(key), is_cancelled=state.is_cancelled) for key in left]
            nowhere = Place(Path(), 0, 0, 1, api)
            await self._take_in(one, line, requests, [(one.key_in(each.custom_id), each, nowhere) for each in missing])
        finally:
            requests.close()
        ended = "cancelled" if state.is_cancelled else "collected"
        await asyncio.to_thread(self._files.close, one, f"{ended}: {answered:,} of {one.count:,} answered")
        self._release(one)
        return True

    async def _read(
        self, one: Submission, line: BatchLine, api: BatchAPI, requests: AskedRequests, path: Path, left: set[str]
    ) -> int:
        """Take in one file of results, as far as they are `left`; how many of all in it are answers."""
        chunk: list[tuple[str, Result, Place]] = []
        seen, answered = set[str](), 0
        for at, content in lines_of(path):
            result = api.result(content, lambda custom_id: _wanted(requests, one.key_in(custom_id)))
            if result is None or (key := one.key_in(result.custom_id)) not in requests or key in seen:
                continue
            seen.add(key)
            answered += isinstance(result.reply, Completion) or result.reply.usage is not None
            if key not in left:
                continue
            left.discard(key)
            chunk.append((key, result, Place(path, at, len(content), _wanted(requests, key), api)))
            if len(chunk) >= AT_A_TIME:
                await self._take_in(one, line, requests, chunk)
                chunk = []
        await self._take_in(one, line, requests, chunk)
        return answered

    def _without(self, one: Submission) -> str:
        """How to forget a batch."""
        return f"delete {self._files.path(one)}"

    async def _download(self, one: Submission, line: BatchLine, api: BatchAPI, where: str, path: Path) -> None:
        pause_s = line.pause_s
        while True:
            try:
                return await api.download(where, path)
            except LLMError as error:
                if error.is_fatal or not error.is_retryable:
                    raise
                self._tell_once(one, error)
                await self._sleep(pause_s)
                pause_s = _longer(pause_s, line)

    async def _take_in(
        self, one: Submission, line: BatchLine, requests: AskedRequests, chunk: list[tuple[str, Result, Place]]
    ) -> None:
        """Put some replies into the journal, all of them together, and answer those who wait for them."""
        kept = await asyncio.gather(*(self._keep(one, requests.get(key), result) for key, result, _ in chunk))
        for (key, result, place), (entry, used, is_new) in zip(chunk, kept, strict=True):
            self._keys.pop(key, None)
            asked = requests.get(key)
            if isinstance(result.reply, Completion):
                arrival = Arrival(result.reply, used, is_new)
                if not self._answer(key, arrival):
                    self._arrived[key] = (place, used)
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
        await self._journal.keep(key, entry)
        return entry, used, True

    def _fail(self, one: Submission, line: BatchLine, asked: Asked, result: Result) -> bool:
        """What comes of a request that got no reply; whether anybody waited for one."""
        error = result.reply
        assert isinstance(error, LLMError)
        self._attempts[asked.key] = asked.attempts
        is_schema = isinstance(error, SchemaRefused) and asked.request.schema is not None
        if is_schema:
            line.llm.ask_without_schemas()
        if is_schema or (error.is_retryable and not result.is_final and asked.attempts <= line.llm.max_retries):
            return self._answer(asked.key, _AGAIN)
        if self._answer(asked.key, error):
            return True
        if not (error.is_fatal or error.is_retryable or isinstance(error, EmptyReply)):  # those are asked anew
            self._refused[asked.key] = error
            one.failed[asked.key] = (error.code, error.message, error.fix)
        return False

    def _answer(self, key: str, came: Arrival | _Again | Exception) -> bool:
        """Tell those who wait for a request what came of it; whether anybody does."""
        waiting = [one for one in self._waiting.pop(key, ()) if not one.done()]
        for number, one in enumerate(waiting):
            if isinstance(came, Exception):
                one.set_exception(came)
            elif isinstance(came, Arrival) and number:  # it was paid for once
                one.set_result(Arrival(came.completion, came.used, is_new=False))
            else:
                one.set_result(came)
        return bool(waiting)

    # ---- the end of a batch
    def _release(self, one: Submission, error: Exception | None = None) -> None:
        """Nothing of a batch is open any more: who still waits asks anew, or gets the error."""
        self._open.pop(one.tag, None)
        keys = [key for key, other in self._keys.items() if other is one]
        for key in keys:
            del self._keys[key]
        for key in keys:
            self._answer(key, error or _AGAIN)
        if (owed := self._owed.pop(one.tag, None)) is not None and self._budget is not None:
            self._budget.settle(owed, None)

    def _wake(self, one: Submission, error: Exception) -> None:
        """Nobody can tell what comes of a batch, and it stays open: who waits gets the error."""
        for key in [key for key, other in self._keys.items() if other is one]:
            self._answer(key, error)

    # ---- waiting and telling
    async def _may_proceed(self, *, is_last: bool = False) -> None:
        """Wait as long as the run is paused.

        Raises:
            _Over: The run is ending.
        """
        await self._may_go_on.wait()
        if self._is_stopped or (self._over.is_set() and not is_last):
            raise _Over

    async def _sleep(self, seconds: float, *, may_look_once_more: bool = False) -> None:
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return
        if self._is_stopped or not may_look_once_more:
            raise _Over

    def _progress(self, one: Submission, text: str) -> None:
        self._tell(Notice("waiting", _topic(one), text, level="info"))

    def _tell_once(self, one: Submission, error: LLMError) -> None:
        topic = f"{_topic(one)} trouble"
        if topic not in self._said:
            self._said.add(topic)
            text = f"{one.provider} could not be asked about a batch of step {one.step!r}: {error.message}; it is asked again"
            self._tell(Notice("warning", "", text))

    def _forget_trouble(self, one: Submission) -> None:
        self._said.discard(f"{_topic(one)} trouble")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._tell(Notice("warning", "", text))


def account_of(account: Account, tag: str) -> str:
    """Which key a batch was sent with, as far as a file may say it."""
    return hashlib.blake2b(f"{tag} {account.identity}".encode(), digest_size=8).hexdigest()


def error_tally(line: BatchLine, error: LLMError) -> Tally:
    """What a reply of no use used."""
    assert error.usage is not None
    return Tally.of(error.usage, line.price.cost(error.usage) if line.price is not None else None, error.seconds)


def _wanted(requests: AskedRequests, key: str) -> int:
    return requests.get(key).request.n if key and key in requests else 1


def _key_of_useless(key: bytes, tag: str) -> bytes:
    """A key that nobody asks for, always the same for a request of a batch: results that are read again count once."""
    begin = TAG_BYTES + ROW_BYTES
    return key[:begin] + hashlib.blake2b(key + tag.encode(), digest_size=len(key) - begin).digest()


def _refusal(code: str, message: str, fix: str) -> LLMError:
    error = LLMError(message, fix)
    error.code = code
    return error


def _topic(one: Submission) -> str:
    return f"batch {one.tag}"


def _in_words(error: Exception, one: Submission) -> str:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return f"a batch of step {one.step!r} cannot be gone on with: {reason}"


def _longer(pause_s: float, line: BatchLine) -> float:
    return min(pause_s * SLOWER, line.pause_s * SLOWEST)
