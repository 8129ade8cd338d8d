"""A batch that is on its way, the run it belongs to, and how it waits and tells."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from flows.engine.batching.line import BatchLine, account_of
from flows.engine.batching.replies import Replies
from flows.engine.batching.submissions import Submission, Submissions
from flows.engine.notices import Notice, Tell
from steps.errors import DistilflowError, LLMError
from steps.llms.batch_apis.api import BatchAPI

SLOWEST = 12
"""Looks at a batch are at most so many times as far apart as the first ones."""
SLOWER = 1.5
LOOKS = 3
"""So often is looked before something is believed that one look may have missed."""


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


class OpenBatch:
    """One batch on its way: `one` is what the disk knows of it."""

    def __init__(self, run: Run, one: Submission, line: BatchLine, api: BatchAPI) -> None:
        self.run = run
        self.one = one
        self.line = line
        self.api = api
        self._trouble = ""
        self._trouble_code = ""
        self._topic = f"batch {one.tag}"

    async def save(self) -> None:
        """Put on disk how far it is."""
        await asyncio.to_thread(self.run.files.save, self.one)

    async def discard_input(self) -> None:
        """Have the provider delete the file of requests, once it is of no use; that it fails to is nobody's trouble."""
        if self.one.uploaded and not self.one.is_copy and (self.one.is_nowhere or self.one.progress == "closed"):
            with contextlib.suppress(DistilflowError):
                await self.api.discard(self.one.uploaded)

    def may_use_another_key(self) -> bool:
        """Start anew with another key than the one that was refused, if there is one; nothing has been made with that one."""
        if not self.one.is_nowhere or not self.line.use_another_key(self.api):
            return False
        self.api = self.line.api
        self.one.progress, self.one.uploaded = "written", ""
        self.one.account = account_of(self.line.account, self.one.tag)
        return True

    # ---- waiting
    async def may_proceed(self, *, is_last: bool = False) -> None:
        """Wait as long as the run is paused.

        Raises:
            Over: The run is ending.
        """
        await self.run.may_go_on.wait()
        if self.run.is_stopped or (self.run.over.is_set() and not is_last):
            raise Over

    async def sleep(self, seconds: float, *, may_look_once_more: bool = False) -> None:
        """Raises: Over, as soon as the run is ending."""
        try:
            await asyncio.wait_for(self.run.over.wait(), seconds)
        except TimeoutError:
            return
        if self.run.is_stopped or not may_look_once_more:
            raise Over

    def longer(self, pause_s: float) -> float:
        """The pause after one of `pause_s`."""
        return min(pause_s * SLOWER, self.line.pause_s * SLOWEST)

    # ---- telling
    def progress(self, text: str) -> None:
        """Tell how it stands."""
        self.run.tell(Notice("waiting", self._topic, text, level="info"))

    def is_over(self) -> None:
        """Tell that nobody waits for it any more."""
        self.run.tell(Notice("over", self._topic, "", level="info"))

    def tell_if_it_may_pass(self, error: LLMError) -> None:
        """Raises: The error, where asking again would not help."""
        if error.is_fatal or not error.is_retryable:
            raise error
        self.tell_once(error)

    def tell_once(self, error: LLMError) -> None:
        """Tell what went wrong, and that it is tried again; once, though the server's words are others each time."""
        if error.code == self._trouble_code:
            return
        where = f"{self.one.provider} could not be asked about a batch of step {self.one.step!r}"
        self._trouble, self._trouble_code = f"{where}: {error.message}; it is asked again", error.code
        self.run.say(self._trouble)

    def forget_trouble(self) -> None:
        self.run.forget(self._trouble)
        self._trouble_code = ""
