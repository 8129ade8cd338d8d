"""The batch endpoints of providers: many requests in one file, answered within a day for less.

What differs between providers is here: where a file goes, how a batch is made, looked at and found again, and how the lines
of its results read. What to do about all that is up to the engine (`flows.engine.batching`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from steps.errors import BadRequest, LLMError, ServerFailed
from steps.llms.addresses import url_of
from steps.llms.base import Completion
from steps.llms.chat_replies import object_of
from steps.llms.http import Answer, JSONEndpoint
from steps.llms.provider_errors import Target, classify
from steps.providers import Provider

TRANSFER_S = 1800.0
"""How long a file may take, up or down."""
PAGES = 20
"""How far back a batch is looked for."""

State = Literal["running", "ended", "failed"]
"""failed: it never began, so nothing of it is charged."""


class BatchUnknown(LLMError):
    """The provider does not know a batch, or no longer has what came of it."""

    code = "batch-unknown"


class Fault(NamedTuple):
    """Why a provider did not take a batch: its code and words, and the line of the file that it means; 0 for all of it."""

    code: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is. `done` and `failed` are as the provider counts its requests."""

    id: str
    state: State
    done: int
    failed: int
    results: tuple[str, ...] = ()
    """Where its results are, once it has ended: files by their ids, or an address."""
    faults: tuple[Fault, ...] = ()
    is_cancelled: bool = False
    """Somebody ended it before its time; what was answered by then counts."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one request. `is_final`: asked again, it would be no better, or nobody wants it to be. `was_run`: the
    provider counts it as done, whatever the reply is good for.
    """

    custom_id: str
    reply: Completion | LLMError
    is_final: bool = False
    was_run: bool = False


Body = dict[str, Any]
Read = Callable[[Answer, int, Target], Completion]
"""Reads the answer to a request for so many replies."""


@dataclass(frozen=True, slots=True)
class Translation:
    """How the requests of a model are written, and their answers read."""

    body: Callable[[Any], Body]
    read: Read


class BatchAPI(ABC):
    """The batch endpoint of one provider, for one model and one key: `async with api:` opens the connection."""

    has_tags = True
    """Whether a batch can be found again by the tag that it was made with."""

    def __init__(
        self,
        address: str,
        provider: Provider,
        target: Target,
        headers: dict[str, str],
        told: Translation,
        *,
        timeout_s: float,
        pause_s: float,
    ) -> None:
        """`pause_s`: how long requests wait for others, and how far the first looks at a batch are apart."""
        self.provider = provider
        self.told = told
        self.pause_s = pause_s
        self._address = address
        self._target = target
        self._headers = headers
        self._timeout_s = timeout_s
        self._endpoint = JSONEndpoint(address, {}, timeout_s)

    async def __aenter__(self) -> BatchAPI:
        await self._endpoint.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._endpoint.close()

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
    async def upload(self, file: Path) -> str:
        """Bring the file to the provider; returns what it is called there.

        Raises:
            LLMError: It is not there, or nobody knows.
        """
        from aiohttp import MultipartWriter

        with file.open("rb") as content, MultipartWriter("form-data") as form:
            form.append("batch").set_content_disposition("form-data", name="purpose")
            part = form.append(content, {"Content-Type": "application/jsonl"})
            part.set_content_disposition("form-data", name="file", filename=file.name)
            headers = {"Content-Type": form.headers["Content-Type"]}
            answer = await self._send("POST", "files", data=form, headers=headers, timeout_s=TRANSFER_S)
        if answer.status in (404, 405, 501):
            seen = self._target.excerpt(answer.body.decode(errors="replace")) or "(nothing)"
            what = f"{self._target} has no batch endpoint that takes files; it said {answer.status}: {seen}"
            raise BadRequest(what, "leave `batch` out of the step, or correct base_url")
        return self._id_of(object_of(answer, replace(self._target, path="/files")))

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
        answer = await self._send("GET", f"{self._batches}/{batch}")
        if answer.status == 404:
            raise self._unknown(batch, answer)
        said = object_of(answer, self._target)
        try:
            return self._state(said)
        except (AttributeError, TypeError) as error:
            raise self._is_odd(answer, "no batch") from error

    async def find(self, tag: str, uploaded: str, total: int, since: float) -> list[str]:
        """The batches that may be the one made with this tag of this file, of so many requests, at about this Unix time;
        newest first. Servers that keep no tags know the file all the same.
        """

        def is_it(one: Body) -> bool:
            told = one.get("metadata")
            files = one.get("input_files")
            used = [one.get("input_file_id"), *(files if isinstance(files, list) else [])]
            return (isinstance(told, dict) and told.get(TAG) == tag) or (bool(uploaded) and uploaded in used)

        return [self._id_of(one) async for one in self._listed() if is_it(one)]

    async def download(self, part: str, into: Path) -> None:
        """Bring results here, one of `BatchState.results`.

        Raises:
            BatchUnknown: They are gone.
        """
        answer = await self._send("GET", f"files/{part}/content", into=into, timeout_s=TRANSFER_S)
        self._check_download(part, answer)

    def _check_download(self, part: str, answer: Answer) -> None:
        if answer.status in (404, 410):
            raise self._unknown(part, answer)
        if answer.status >= 300:
            raise classify(answer.status, answer.body, answer.headers, self._target)

    def result(self, line: bytes, wanted: Callable[[str], int]) -> Result | None:
        """What a line of the results says; None where it says nothing. `wanted`: replies that a request asked for."""
        said = _object(line)
        custom_id = said.get("custom_id")
        if not isinstance(custom_id, str):
            return None
        response = said.get("response")
        if isinstance(response, dict) and isinstance(response.get("status_code"), int):
            body = response.get("body")
            content = body.encode() if isinstance(body, str) else orjson.dumps(body)
            return self._read(custom_id, Answer(response["status_code"], {}, content), wanted(custom_id))
        error = said.get("error") if isinstance(said.get("error"), dict) else {}
        return self._gone(custom_id, str((error or {}).get("code") or ""), str((error or {}).get("message") or ""))

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

    def missing(self, custom_id: str, *, is_cancelled: bool) -> Result:
        """What it is when an ended batch says nothing about a request."""
        code = "batch_cancelled" if is_cancelled else "no result"
        return self._gone(custom_id, code, "the results of the batch do not name it")

    # ---- what providers differ in
    _batches = "batches"

    @abstractmethod
    def _state(self, said: Body) -> BatchState:
        """A batch as the provider describes it."""

    @abstractmethod
    def _listed(self) -> AsyncIterator[Body]:
        """All batches, newest first, as the provider describes them."""

    # ---- requests
    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        data: Any = None,
        headers: dict[str, str] | None = None,
        into: Path | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        url, given = url_of(self._address, path, query), {**self._headers, **(headers or {})}
        return await self._endpoint.send(method, url, given, data=data, into=into, timeout_s=timeout_s or self._timeout_s)

    async def _post(self, path: str, body: Body) -> Body:
        return self._made(await self._send("POST", path, data=orjson.dumps(body)), path)

    def _made(self, answer: Answer, path: str) -> Body:
        """What was made. Where a server failed, overload included, nobody knows whether it was.

        Raises:
            LLMError: ServerFailed where nobody knows; else nothing was made.
        """
        target = replace(self._target, path=f"/{path}")
        if answer.status >= 500:
            error = classify(answer.status, answer.body, answer.headers, target)
            raise ServerFailed(error.message, error.fix, error.retry_after_s)
        return object_of(answer, target)

    async def _get(self, path: str, query: str = "") -> Body:
        return object_of(await self._send("GET", path, query=query), replace(self._target, path=f"/{path}"))

    async def _page(self, path: str, query: str) -> tuple[Body, list[Body]]:
        """A page of a list, and its entries.

        Raises:
            ServerFailed: It is none: then nobody knows what there is.
        """
        answer = await self._send("GET", path, query=query)
        page = object_of(answer, replace(self._target, path=f"/{path}"))
        found = page.get("data")
        if found is None and page.get("total") == 0:  # Mistral, where there is none
            found = []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._is_odd(answer, "no list of batches")
        return page, found

    def _is_odd(self, answer: Answer, what: str) -> ServerFailed:
        seen = self._target.excerpt(answer.body[:2000].decode(errors="replace")) or "(nothing)"
        return ServerFailed(f"{self._target} answered with {what}: {seen}", "check that base_url is the API itself")

    def _id_of(self, said: Body) -> str:
        if not isinstance(found := said.get("id"), str) or not found:
            raise ServerFailed(f"{self._target} named no id for what it was sent", "check that base_url is the API itself")
        return found

    def _unknown(self, what: str, answer: Answer) -> BatchUnknown:
        seen = self._target.excerpt(answer.body.decode(errors="replace")) or "(nothing)"
        return BatchUnknown(f"{self._target} does not know {what!r}; it said {answer.status}: {seen}")


TAG = "distilflow"
"""The name of the tag in the metadata of a batch."""


class OpenAIBatches(BatchAPI):
    """OpenAI, and those who do as it does."""

    route = "/v1/chat/completions"

    def line(self, custom_id: str, body: Body) -> Body:
        return {"custom_id": custom_id, "method": "POST", "url": self.route, "body": body}

    async def create(self, uploaded: str, file: Path, tag: str) -> str:
        told = {"input_file_id": uploaded, "endpoint": self.route, "completion_window": "24h", "metadata": {TAG: tag}}
        return self._id_of(await self._post("batches", told))

    def _state(self, said: Body) -> BatchState:
        status, counts = said.get("status"), said.get("request_counts") or {}
        files = tuple(str(said[name]) for name in ("output_file_id", "error_file_id") if said.get(name))
        errors = (said.get("errors") or {}).get("data") or []
        faults = tuple(
            Fault(str(one.get("code") or ""), str(one.get("message") or ""), _number(one.get("line")))
            for one in errors
            if isinstance(one, dict)
        )
        state: State = "running"
        if status in ("completed", "expired", "cancelled"):
            state = "ended"
        elif status == "failed":
            state = "ended" if files else "failed"
        done, failed = _number(counts.get("completed")), _number(counts.get("failed"))
        is_cancelled = status == "cancelled"
        return BatchState(self._id_of(said), state, done, failed, files, faults, is_cancelled)

    async def _listed(self) -> AsyncIterator[Body]:
        after = ""
        for _ in range(PAGES):
            page, found = await self._page("batches", f"limit=100{after and f'&after={after}'}")
            for one in found:
                yield one
            if not page.get("has_more") or not found:
                return
            after = str(page.get("last_id") or self._id_of(found[-1]))


class AzureBatches(OpenAIBatches):
    """Azure OpenAI: the files and batches of a resource, whatever deployment they ask."""

    def __init__(self, address: str, *others: Any, **more: Any) -> None:
        resource = re.sub(r"/deployments/[^/?]+", "", address)
        if resource != address:
            self.route = "/chat/completions"
        super().__init__(resource, *others, **more)

    async def is_ready(self, uploaded: str) -> bool:
        said = await self._get(f"files/{uploaded}")
        if (status := said.get("status")) == "error":
            what = self._target.excerpt(str(said.get("status_details") or said.get("error") or ""))
            raise BadRequest(
                f"{self._target} cannot use the file of a batch: {what}", "check generation_kwargs and the prompts"
            )
        return status not in ("pending", "running")


class MistralBatches(BatchAPI):
    """Mistral's batch jobs."""

    _batches = "batch/jobs"

    def line(self, custom_id: str, body: Body) -> Body:
        return {"custom_id": custom_id, "body": {name: value for name, value in body.items() if name != "model"}}

    async def create(self, uploaded: str, file: Path, tag: str) -> str:
        told = {
            "input_files": [uploaded],
            "model": self._target.model,
            "endpoint": "/v1/chat/completions",
            "metadata": {TAG: tag},
            "timeout_hours": 24,
        }
        return self._id_of(await self._post("batch/jobs", told))

    def _state(self, said: Body) -> BatchState:
        status = said.get("status")
        files = tuple(str(said[name]) for name in ("output_file", "error_file") if said.get(name))
        faults = tuple(Fault("", str(one.get("message") or "")) for one in said.get("errors") or [] if isinstance(one, dict))
        state: State = "running"
        if status in ("SUCCESS", "TIMEOUT_EXCEEDED", "CANCELLED"):
            state = "ended"
        elif status == "FAILED":
            state = "ended" if files else "failed"
        done, failed = _number(said.get("succeeded_requests")), _number(said.get("failed_requests"))
        return BatchState(self._id_of(said), state, done, failed, files, faults, is_cancelled=status == "CANCELLED")

    async def _listed(self) -> AsyncIterator[Body]:
        for page in range(PAGES):
            _, found = await self._page("batch/jobs", f"page={page}&page_size=100&created_by_me=true")
            for one in found:
                yield one
            if len(found) < 100:
                return


def lines_of(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file of results, each with its place."""
    with file.open("rb") as content:
        at = 0
        for line in content:
            if line.strip():
                yield at, line
            at += len(line)


def is_refusal(error: LLMError) -> bool:
    """Whether a provider that was asked to make something said no: then there is nothing. Else nobody knows."""
    return not isinstance(error, ServerFailed) and not error.code.startswith(("network", "unreachable"))


def _object(line: bytes) -> Body:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
