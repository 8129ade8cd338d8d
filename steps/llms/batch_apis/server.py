"""Requests to the server of a batch endpoint, and answers of it that are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import orjson

from steps.errors import ServerFailed
from steps.llms.addresses import url_of
from steps.llms.base import Completion
from steps.llms.batch_apis.told import BatchUnknown
from steps.llms.chat_replies import object_of
from steps.llms.http import Answer, Grown, JSONEndpoint
from steps.llms.provider_errors import Target, classify
from steps.providers import Provider

TRANSFER_S = 1800.0
"""How long a file may take, up or down."""
A_BATCH = "a batch"
A_FILE = "a file"

Body = dict[str, Any]
Read = Callable[[Answer, int, Target], Completion]
"""Reads the answer to a request for so many replies."""


@dataclass(frozen=True, slots=True)
class Translation:
    """How the requests of a model are written, and their answers read."""

    body: Callable[[Any], Body]
    read: Read


class BatchServer:
    """The server of one provider, asked for one model with one key: `async with server:` opens the connection."""

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

    async def __aenter__(self) -> Self:
        await self._endpoint.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._endpoint.close()

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        data: Any = None,
        headers: dict[str, str] | None = None,
        into: Path | None = None,
        grown: Grown = lambda size: None,
        timeout_s: float | None = None,
    ) -> Answer:
        url, given = url_of(self._address, path, query), {**self._headers, **(headers or {})}
        timeout_s = timeout_s or self._timeout_s
        return await self._endpoint.send(method, url, given, data=data, into=into, grown=grown, timeout_s=timeout_s)

    async def _post(self, path: str, body: Body) -> Body:
        """Have a batch made.

        Raises:
            LLMError: As `_made`.
        """
        return self._made(await self._send("POST", path, data=orjson.dumps(body)), path)

    def _made(self, answer: Answer, path: str) -> Body:
        """The batch that was made. Where a server failed, overload included, nobody knows whether it was.

        Raises:
            LLMError: ServerFailed where nobody knows; else nothing was made.
        """
        if answer.status >= 500:
            error = classify(answer.status, answer.body, answer.headers, self._target_at(path))
            raise ServerFailed(error.message, error.fix, error.retry_after_s)
        return self._object(answer, path, A_BATCH)

    def _object(self, answer: Answer, path: str, what: str) -> Body:
        """What the server answered with; `what` was asked for."""
        return object_of(answer, self._target_at(path), what, is_of_model=False)

    def _target_at(self, path: str) -> Target:
        return replace(self._target, path=f"/{path}")

    def _is_odd(self, answer: Answer, what: str) -> ServerFailed:
        seen = self._target.excerpt(answer.body[:2000]) or "(nothing)"
        return ServerFailed(f"{self._target} answered with {what}: {seen}", "check that base_url is the API itself")

    def _id_of(self, said: Body) -> str:
        if not isinstance(found := said.get("id"), str) or not found:
            raise ServerFailed(f"{self._target} named no id for what it was sent", "check that base_url is the API itself")
        return found

    def _unknown(self, what: str, answer: Answer) -> BatchUnknown:
        seen = self._target.excerpt(answer.body) or "(nothing)"
        return BatchUnknown(f"{self._target} does not know {what!r}; it said {answer.status}: {seen}")
