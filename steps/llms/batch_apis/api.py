"""What the engine asks of a batch endpoint, whoever's it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from steps.errors import LLMError, ServerFailed
from steps.llms.batch_apis.server import A_BATCH, BatchServer, Body
from steps.llms.batch_apis.told import BatchState, Result, State
from steps.llms.http import Answer, Grown
from steps.llms.provider_errors import classify

PAGES = 20
"""How far back a batch is looked for."""
BATCHES = "a list of batches"


class _NotAState(ValueError):
    """A status that says nothing of how far a batch is."""


class BatchAPI(BatchServer, ABC):
    """The batch endpoint of one provider."""

    has_tags = True
    """Whether a batch can be found again by the tag that it was made with."""

    # ---- the file
    def opening(self) -> bytes:
        """What the file begins with."""
        return b""

    def closing(self) -> bytes:
        """What the file ends with."""
        return b""

    def separator(self) -> bytes:
        """What stands between two requests."""
        return b"\n"

    @abstractmethod
    def line(self, custom_id: str, body: Body) -> Body:
        """One request, as the file has it."""

    # ---- life of a batch
    @abstractmethod
    async def upload(self, file: Path) -> str:
        """Bring the file to the provider; returns what it is called there, "" where nothing goes ahead.

        Raises:
            LLMError: It is not there, or nobody knows.
        """

    async def is_ready(self, uploaded: str) -> bool:
        """Whether a file that was uploaded can be used by now."""
        return True

    @abstractmethod
    async def create(self, uploaded: str, file: Path, tag: str) -> str:
        """Have the provider begin; returns the id of the batch. A refusal (`is_refusal`) means that there is none."""

    async def look(self, batch: str) -> BatchState:
        """How far it is.

        Raises:
            BatchUnknown: There is no such batch.
        """
        answer = await self._send("GET", path := f"{self._batches}/{batch}")
        if answer.status == 404:
            raise self._unknown(batch, answer)
        said = self._object(answer, path, A_BATCH)
        try:
            return self._state(said)
        except _NotAState as error:
            raise self._is_odd(answer, f"a batch whose status is {self._target.excerpt(str(error))}") from error
        except (AttributeError, TypeError) as error:
            raise self._is_odd(answer, "no batch") from error

    @abstractmethod
    async def find(self, tag: str, uploaded: str, total: int, since: float) -> list[str]:
        """The batches that may be the one made with this tag of this file, of so many requests, at about this Unix time;
        newest first.
        """

    @abstractmethod
    async def download(self, part: str, into: Path, grown: Grown) -> None:
        """Bring results here, one of `BatchState.results`, as long as `grown` lets it.

        Raises:
            BatchUnknown: They are gone.
        """

    @abstractmethod
    async def discard(self, uploaded: str) -> None:
        """Delete a file that was uploaded.

        Raises:
            LLMError: It is still there, or nobody knows.
        """

    @abstractmethod
    def result(self, line: bytes, wanted: Callable[[str], int]) -> Result | None:
        """What a line of the results says; None where it says nothing. `wanted`: replies that a request asked for."""

    def missing(self, custom_id: str, *, is_cancelled: bool) -> Result:
        """What it is when an ended batch says nothing about a request."""
        code = "batch_cancelled" if is_cancelled else "no result"
        return self._gone(custom_id, code, "the results of the batch do not name it")

    # ---- what providers differ in
    _batches = "batches"
    _states: Mapping[str, State] = {}
    """What its words for how far a batch is mean, in small letters."""

    def _state_of(self, status: object, *, has_outcome: bool) -> State:
        """`has_outcome`: it has results, or counts of them; without, an ended one would pass for one that ran no request."""
        if (found := self._states.get(str(status).lower())) is None:
            raise _NotAState(repr(status))
        if found == "ended" and not has_outcome:
            raise _NotAState(f"{status!r}, and that tells of no results")
        return found

    @abstractmethod
    def _state(self, said: Body) -> BatchState:
        """A batch as the provider describes it."""

    @abstractmethod
    def _listed(self) -> AsyncIterator[Body]:
        """All batches, newest first, as the provider describes them."""

    # ---- what they have in common
    def _check_download(self, part: str, answer: Answer) -> None:
        if answer.status in (404, 410):
            raise self._unknown(part, answer)
        if answer.status >= 300:
            raise classify(answer.status, answer.body, answer.headers, self._target)

    def _read(self, custom_id: str, answer: Answer, wanted: int) -> Result:
        try:
            return Result(custom_id, self.told.read(answer, wanted, self._target), was_run=True)
        except LLMError as error:
            return Result(custom_id, error, was_run=200 <= answer.status < 300)

    def _gone(self, custom_id: str, code: str, message: str) -> Result:
        """A request that the provider did not get to, or not to the end of."""
        is_cancelled = "cancel" in code
        words = self._target.excerpt(message) or code or "it said nothing"
        fix = "run it again with --retry: it was cancelled at the provider" if is_cancelled else "look at its status page"
        error = ServerFailed(f"{self._target} did not answer this request of a batch ({code or 'no reason'}): {words}", fix)
        return Result(custom_id, error, is_final=is_cancelled)

    async def _page(self, path: str, query: str) -> tuple[Body, list[Body]]:
        """A page of a list, and its entries.

        Raises:
            ServerFailed: It is none: then nobody knows what there is.
        """
        answer = await self._send("GET", path, query=query)
        page = self._object(answer, path, BATCHES)
        found = page.get("data")
        if found is None and page.get("total") == 0:  # Mistral, where there is none
            found = []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._is_odd(answer, f"something else than {BATCHES}")
        return page, found
