"""The life of one batch: handed in, looked at until it has ended, and brought in."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from flows.engine.batching.line import BatchLine
from flows.engine.batching.replies import Replies
from flows.engine.batching.submissions import Asked, AskedRequests, Outcome, Place, Submission, Submissions
from flows.engine.notices import Notice, Tell
from steps.errors import BadRequest, EndpointDown, LLMError, RateLimited, RowError, RunError
from steps.llms.batch_apis import BatchAPI, BatchState, BatchUnknown, Fault, is_refusal, lines_of
from steps.wording import counted

SLOWEST = 12
"""Looks at a batch are at most so many times as far apart as the first ones."""
SLOWER = 1.5
SURE = 12
"""A batch that is not found so many pauses after it was asked for, in `LOOKS` looks, was never made."""
LOOKS = 3
LONGEST_WAIT_S = 3600.0
"""A provider that asks for more, such as a year, is asked again after this."""
AT_A_TIME = 500
"""Replies that are put into the journal together."""


class Over(Exception):
    """The run is ending: batches are left where they are."""


class Run(Protocol):
    """The run that a batch belongs to, as far as that matters to it."""

    files: Submissions
    replies: Replies
    submissions: dict[str, Submission]
    """Batches that are not in the journal yet, by tag."""
    broken: dict[str, Exception]
    """Why nobody can go on with a batch that stays open, by tag."""
    tell: Tell
    over: asyncio.Event
    """The run is ending."""
    may_go_on: asyncio.Event
    """It is not paused."""
    is_stopped: bool

    def under_way(self, line: BatchLine) -> int:
        """Batches of a line that are open."""

    def take_at_most(self, line: BatchLine, count: int) -> None:
        """Let no more requests of a line leave together."""

    def release(self, one: Submission, error: Exception | None = None) -> None:
        """Nothing of a batch is open any more: who still waits asks anew, or gets the error."""

    def say(self, text: str) -> None:
        """Tell something that is worth knowing, once."""

    def forget(self, text: str) -> None:
        """Tell it again when it happens again."""


class Course:
    """Sees one batch through."""

    def __init__(self, run: Run, one: Submission, line: BatchLine, api: BatchAPI) -> None:
        self._run = run
        self._one = one
        self._line = line
        self._api = api
        self._trouble = ""
        self._topic = f"batch {one.tag}"

    async def see_through(self, asked: Sequence[Asked]) -> None:
        try:
            async with self._api:
                if asked:
                    await asyncio.to_thread(self._run.files.write, self._one, asked, self._api)
                if self._one.progress == "creating":
                    await self._look_for()
                if self._one.progress in ("written", "uploaded"):
                    if not asked:  # it was never made, and its rows come anew
                        await asyncio.to_thread(self._run.files.forget, self._one)
                        self._run.release(self._one)
                        return
                    await self._bring()
                await self._follow()
        except Over:
            pass
        except Exception as error:
            said = self._said_of(error)
            self._run.broken[self._one.tag] = said
            if self._one.progress in ("written", "uploaded"):  # it was refused: nothing is there
                await asyncio.to_thread(self._run.files.forget, self._one)
                self._run.release(self._one, said)
            else:
                self._wake(said)
        finally:
            self._run.tell(Notice("over", self._topic, "", level="info"))

    def _said_of(self, error: Exception) -> Exception:
        """What ends the way of a batch, as all its rows are told."""
        if isinstance(error, BatchUnknown):
            again = "to have its requests sent and paid for once more"
            fix = f"use a key of the account that it was sent with; or, {again}, {self._run.files.without(self._one)}"
            return RunError(f"step {self._one.step!r}: {error.message}", fix)
        if isinstance(error, LLMError) and not error.is_fatal:  # it is no single row's
            return RunError(f"a batch of step {self._one.step!r}: {error.message}", error.fix)
        return error if isinstance(error, (RowError, RunError)) else RunError(_in_words(error, self._one), "see run.log")

    async def _bring(self) -> None:
        """Upload the file and have the batch made.

        Raises:
            LLMError: The provider refused.
        """
        file, pause_s, failures = self._run.files.input(self._one), self._line.pause_s, 0
        while not self._one.batch:
            try:
                if not self._one.uploaded:
                    await self._may_proceed()
                    self._one.uploaded = await self._api.upload(file)
                    self._one.progress = "uploaded"
                    await asyncio.to_thread(self._run.files.save, self._one)
                while self._one.uploaded and not await self._api.is_ready(self._one.uploaded):
                    await self._sleep(self._line.pause_s)
                await self._may_proceed()
                self._one.progress, self._one.creating_at = "creating", time.time()
                await asyncio.to_thread(self._run.files.save, self._one)
                self._one.batch = await self._api.create(self._one.uploaded, file, self._one.tag)
            except LLMError as error:
                is_known = self._one.progress != "creating" or is_refusal(error)
                if is_known:
                    self._one.progress = "uploaded"
                    if error.is_fatal or not error.is_retryable:
                        raise
                    failures += not isinstance(error, RateLimited)
                    if failures > self._line.llm.max_retries:
                        raise EndpointDown(
                            f"{self._one.endpoint} takes no batch: {error.message} ({failures} attempts)", error.fix
                        ) from error
                self._tell_once(error)
                wait_s = min(error.retry_after_s or 0.0, LONGEST_WAIT_S) if isinstance(error, RateLimited) else 0.0
                await self._sleep(max(pause_s, wait_s))
                pause_s = _longer(pause_s, self._line)
                if not is_known:
                    await self._look_for()
        self._one.progress = "submitted"
        await asyncio.to_thread(self._run.files.save, self._one)
        await asyncio.to_thread(self._run.files.sent, self._one)

    async def _look_for(self) -> None:
        """Find out whether the provider made a batch; if not, it is as if it had never been asked to."""
        looks, pause_s, strangers = 0, self._line.pause_s, set[str]()
        others = {other.batch for other in self._run.submissions.values()}
        while not self._one.batch:
            try:
                await self._may_proceed()
                found = [each for each in await self._api.find(*self._traces) if each not in others | strangers]
                if self._api.has_tags:
                    self._one.batch = found[0] if found else ""
                else:
                    for each in found:
                        await self._compare(each, strangers)
                        if self._one.batch:
                            break
                    found = [each for each in found if each not in strangers]
                looks += 1
                if not found and looks >= LOOKS and time.time() - self._one.creating_at > SURE * self._line.pause_s:
                    self._one.progress = "uploaded"
                    await asyncio.to_thread(self._run.files.save, self._one)
                    return
            except LLMError as error:
                self._tell_if_it_may_pass(error)
            if not self._one.batch:
                told = f"{counted(self._one.count, 'request')} of step {self._one.step!r}"
                text = f"waiting for {self._one.provider}: it is not known whether it took {told}"
                self._progress(f"{text}; they are looked for, and sent only if they are not there")
                await self._sleep(pause_s)
                pause_s = _longer(pause_s, self._line)
        self._one.progress = "submitted"
        await asyncio.to_thread(self._run.files.save, self._one)

    @property
    def _traces(self) -> tuple[str, str, int, float]:
        """By what the provider may know the batch."""
        return self._one.tag, self._one.uploaded, self._one.count, self._one.creating_at

    async def _compare(self, batch: str, strangers: set[str]) -> None:
        """See by its results whether a batch is the one that is looked for; as long as it runs, nobody can tell.

        Raises:
            BatchUnknown: It may be, and has no results that can be read.
        """
        state = await self._api.look(batch)
        if state.state == "running":
            return
        for part, where in enumerate(state.results):
            path = self._run.files.results(self._one, part)
            await self._api.download(where, path)
            for _, content in lines_of(path):
                result = self._api.result(content, lambda custom_id: 1)
                if result is None:
                    continue
                if self._one.key_in(result.custom_id):
                    self._one.batch = batch
                    return
                strangers.add(batch)
                return
        what = f"{self._one.provider} has {batch}, of the same time and size, without results that tell whose it is"
        raise BatchUnknown(what)

    async def _follow(self) -> None:
        """Look at a batch until it has ended, and bring in what came of it."""
        pause_s, times = self._line.pause_s, 0
        while True:
            is_last = self._run.over.is_set()
            try:
                await self._may_proceed(is_last=is_last)
                state = await self._api.look(self._one.batch)
                self._forget_trouble()
                if state.state == "failed":
                    await self._was_not_taken(state)
                    return
                if state.state == "ended":
                    if await self._collect(state, times):
                        return
                    times += 1
                done = f"{state.done + state.failed:,} of {self._one.count:,}"
                self._progress(
                    f"waiting for {self._one.provider}: {done} requests of step {self._one.step!r} are done in {self._one.name}"
                )
            except LLMError as error:
                self._tell_if_it_may_pass(error)
            if is_last:
                raise Over
            await self._sleep(pause_s, may_look_once_more=True)
            pause_s = _longer(pause_s, self._line)

    async def _was_not_taken(self, state: BatchState) -> None:
        """The provider refused the file of a batch; none of it is charged."""
        fault = state.faults[0] if state.faults else Fault("", "it said nothing")
        said = " ".join(f"{fault.code}: {fault.message}".strip(": ").split())[:300]
        requests = await asyncio.to_thread(AskedRequests, self._run.files.requests(self._one))
        at_fault = {key: fault for fault in state.faults if (key := requests.at_line(fault.line)) is not None}
        requests.close()
        count = self._one.count
        await asyncio.to_thread(self._run.files.close, self._one, f"not taken: {said}")
        del self._run.submissions[self._one.tag]
        if "token_limit" in fault.code or "enqueued token" in fault.message.lower():
            if not self._run.under_way(self._line) and count == 1:
                self._run.release(
                    self._one,
                    RunError(f"{self._one.provider} takes no batch of step {self._one.step!r}: {said}", "see your limits"),
                )
                return
            whose = f"requests of step {self._one.step!r}"
            text = f"{self._one.provider} takes no more in batches at a time ({said}); {whose} wait their turn"
            if self._run.under_way(self._line):
                self._run.say(text)
                await self._until_one_ends()
            else:
                self._run.say(f"{text}, in smaller batches")
                self._run.take_at_most(self._line, max(1, count // 2))
            self._run.release(self._one)
        elif at_fault:
            for key, (code, message, _) in at_fault.items():
                what = f"{self._one.provider} did not take this request into a batch ({code or 'no code'}): {message}"
                self._run.replies.answer(key, BadRequest(what, "check generation_kwargs and the prompt"))
                self._run.replies.keys.pop(key, None)
            self._run.release(self._one)
        else:
            what = f"{self._one.provider} did not take a batch of step {self._one.step!r}; it said {said}"
            self._run.release(self._one, RunError(what, "correct the model's parameters, or set `batch: false` in this step"))

    async def _until_one_ends(self) -> None:
        before = self._run.under_way(self._line)
        while self._run.under_way(self._line) >= before:
            await self._sleep(self._line.pause_s)

    # ---- what came of a batch
    async def _collect(self, state: BatchState, times: int) -> bool:
        """Put all replies into the journal, then let those have them who wait; whether all were there. `times`: it was tried.

        Raises:
            RunError: Time and again results are not there that the provider counts.
        """
        requests = await asyncio.to_thread(AskedRequests, self._run.files.requests(self._one))
        left = {key for key in self._one.keys if key in self._run.replies.keys}
        answered, seen = 0, set[str]()
        try:
            for part, where in enumerate(state.results):
                path = self._run.files.results(self._one, part + 10 * times)
                await self._download(where, path)
                answered += await self._read(requests, path, left, seen)
            if answered < state.done:
                if times < LOOKS:
                    return False
                what = f"{self._one.provider} has done {state.done:,} requests of {self._one.name}"
                again = "to have the others sent and paid for again"
                raise RunError(
                    f"{what}, and its results have {answered:,} of them",
                    f"resume later; or, {again}, {self._run.files.without(self._one)}",
                )
            await self._take_in(self._missing(requests, left, state))
        finally:
            requests.close()
        ended = "cancelled" if state.is_cancelled else "collected"
        await asyncio.to_thread(self._run.files.close, self._one, f"{ended}: {answered:,} of {self._one.count:,} answered")
        self._run.release(self._one)
        return True

    async def _read(self, requests: AskedRequests, path: Path, left: set[str], seen: set[str]) -> int:
        """Take in one file of results, as far as they are `left`; how many in it are answers that no file before it had."""
        chunk: list[Outcome] = []
        answered = 0
        for at, content in lines_of(path):
            result = self._api.result(content, lambda custom_id: requests.wanted(self._one.key_in(custom_id)))
            if result is None or (key := self._one.key_in(result.custom_id)) not in requests or key in seen:
                continue
            seen.add(key)
            answered += result.was_run
            if key not in left:
                continue
            left.discard(key)
            asked = requests.get(key)
            chunk.append(Outcome(asked, result, Place(path, at, len(content), asked.request.n, self._api)))
            if len(chunk) >= AT_A_TIME:
                await self._take_in(chunk)
                chunk = []
        await self._take_in(chunk)
        return answered

    def _missing(self, requests: AskedRequests, left: set[str], state: BatchState) -> Iterator[Outcome]:
        """What no result names."""
        nowhere = Place(Path(), 0, 0, 1, self._api)
        for key in left:
            result = self._api.missing(self._one.custom_id(key), is_cancelled=state.is_cancelled)
            yield Outcome(requests.get(key), result, nowhere)

    async def _take_in(self, outcomes: Iterable[Outcome]) -> None:
        left = iter(outcomes)
        while chunk := list(itertools.islice(left, AT_A_TIME)):
            await self._run.replies.take_in(self._one, self._line, chunk)

    async def _download(self, where: str, path: Path) -> None:
        pause_s = self._line.pause_s
        while True:
            try:
                return await self._api.download(where, path)
            except LLMError as error:
                self._tell_if_it_may_pass(error)
                await self._sleep(pause_s)
                pause_s = _longer(pause_s, self._line)

    async def _may_proceed(self, *, is_last: bool = False) -> None:
        """Wait as long as the run is paused.

        Raises:
            Over: The run is ending.
        """
        await self._run.may_go_on.wait()
        if self._run.is_stopped or (self._run.over.is_set() and not is_last):
            raise Over

    async def _sleep(self, seconds: float, *, may_look_once_more: bool = False) -> None:
        try:
            await asyncio.wait_for(self._run.over.wait(), seconds)
        except TimeoutError:
            return
        if self._run.is_stopped or not may_look_once_more:
            raise Over

    def _progress(self, text: str) -> None:
        self._run.tell(Notice("waiting", self._topic, text, level="info"))

    def _tell_if_it_may_pass(self, error: LLMError) -> None:
        """Raises: The error, where asking again would not help."""
        if error.is_fatal or not error.is_retryable:
            raise error
        self._tell_once(error)

    def _tell_once(self, error: LLMError) -> None:
        where = f"{self._one.provider} could not be asked about a batch of step {self._one.step!r}"
        self._trouble = f"{where}: {error.message}; it is asked again"
        self._run.say(self._trouble)

    def _forget_trouble(self) -> None:
        self._run.forget(self._trouble)

    def _wake(self, error: Exception) -> None:
        """Nobody can tell what comes of the batch, and it stays open: who waits gets the error."""
        for key in self._run.replies.of(self._one):
            self._run.replies.answer(key, error)


def _in_words(error: Exception, one: Submission) -> str:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return f"a batch of step {one.step!r} cannot be gone on with: {reason}"


def _longer(pause_s: float, line: BatchLine) -> float:
    return min(pause_s * SLOWER, line.pause_s * SLOWEST)
