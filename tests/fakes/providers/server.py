"""One server for all providers: it tells them apart by the host that a request names."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from aiohttp import web

from tests.fakes.providers.dialects import DIALECTS, Dialect
from tests.fakes.providers.embedders import EMBEDDERS, Embedder, embeddings
from tests.fakes.providers.failures import Failure
from tests.fakes.providers.refusals import NO_MODEL, problem_of
from tests.fakes.providers.replies import answered_with, completion, message, texts_of


class Prompt(StrEnum):
    """Words of a prompt that have the server do something else than answer."""

    WAIT = "please refuse the first time"
    FAIL = "please fail the first time"
    CUT = "please hang up the first time"
    LONG = "please find this too long"
    FORBIDDEN = "please forbid this"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that reached a provider."""

    dialect: str
    prompt: str
    system: str
    body: dict[str, Any]
    status: int
    at: float


class FakeProviders:
    """All providers, told apart by host; `only` is the one that answers where the host says nothing."""

    def __init__(self, only: str = "", delay_s: float = 0.0) -> None:
        self._delay_s = delay_s
        self.seen: list[Seen] = []
        self._only = only
        self._asked: Counter[tuple[str, str, str]] = Counter()

    def build_app(self) -> web.Application:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    def requests(self, dialect: str, words: str = "") -> list[Seen]:
        """The requests to a provider whose prompt has these words."""
        return [one for one in self.seen if one.dialect == dialect and words in one.prompt]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        host = (request.host or "").partition(":")[0]
        found = [one for one in DIALECTS.values() if one.host == host] or [DIALECTS[self._only]]
        dialect = found[0]
        path, embedder = request.path.replace(NO_MODEL, "some-model"), EMBEDDERS.get(dialect.name)
        is_embedder = embedder is not None and path == embedder.path
        if request.method != "POST" or not (is_embedder or path == dialect.path):
            return web.json_response({"error": {"message": f"no such path: {request.path}"}}, status=404)
        body: dict[str, Any] = orjson.loads(await request.read())
        prompt, system = texts_of(body)
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        answer = self._answer(dialect, request, body, prompt, embedder if is_embedder else None)
        now = asyncio.get_running_loop().time()
        if answer is None:
            self.seen.append(Seen(dialect.name, prompt, system, body, 0, now))
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        self.seen.append(Seen(dialect.name, prompt, system, body, answer.status, now))
        return answer

    def _answer(
        self, dialect: Dialect, request: web.Request, body: dict[str, Any], prompt: str, embedder: Embedder | None
    ) -> web.Response | None:
        """None: the connection is cut."""
        if problem := problem_of(dialect, request, body, embedder):
            return answered_with(problem)
        asked = (dialect.name, request.path, prompt)
        self._asked[asked] += 1
        is_first = self._asked[asked] == 1
        failure: Failure | None = None
        if Prompt.CUT in prompt and is_first:
            return None
        if Prompt.WAIT in prompt and is_first:
            failure = dialect.rate_limited
        elif Prompt.FAIL in prompt and is_first:
            failure = dialect.failed
        elif Prompt.LONG in prompt:
            failure = dialect.too_long if embedder is None else embedder.too_long
        elif Prompt.FORBIDDEN in prompt:
            failure = dialect.filtered
        if failure is not None and not failure.finish_reason:
            return answered_with(failure)
        if embedder is not None:
            return web.Response(body=orjson.dumps(embeddings(embedder, body)), content_type="application/json")
        reason = failure.finish_reason if failure is not None else ""
        made = message(body, prompt, reason) if dialect.is_anthropic else completion(dialect, body, prompt, reason)
        return web.Response(body=orjson.dumps(made), content_type="application/json")
