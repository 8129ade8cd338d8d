"""The fake OpenAI server itself: routes, faults and counting."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from tests.fakes.openai_server import wire
from tests.fakes.openai_server.behaviour import Behaviour, Fault, Rule
from tests.fakes.openai_server.rate_limit import TokenBucket, retry_headers
from tests.fakes.openai_server.stats import CLIENT_GAVE_UP, CONNECTION_CLOSED, Stats

JSON_TYPE = "application/json"
MAX_BODY_BYTES = 64 * 2**20


class FakeOpenAI:
    """An OpenAI-compatible server of completions, of chats and of plain text, that answers and fails as told, and counts.

    Clients use `<url>/v1` as their base URL.
    """

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.stats = Stats()
        self.behaviour = behaviour or Behaviour()

    @property
    def behaviour(self) -> Behaviour:
        """The settings in force; assigning new ones also fills the rate limit again."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._buckets: dict[str, TokenBucket] = {}

    def reset(self) -> None:
        """Forget all counts (so "once" rules play again), except that of requests still in flight."""
        in_flight = self.stats.in_flight
        self.stats = Stats(in_flight=in_flight, peak_in_flight=in_flight)

    def build_app(self) -> web.Application:
        """Return the web app, for `running` or any aiohttp runner."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", self._count_and_complete)
        if self.behaviour.completes_text:
            app.router.add_post("/v1/completions", self._count_and_complete)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_get("/_stats", self._show_stats)
        app.router.add_post("/_reset", self._reset)
        return app

    async def _count_and_complete(self, request: web.Request) -> web.StreamResponse:
        body = _parse(await request.read(), "messages" if request.path.endswith("/chat/completions") else "prompt")
        if body is None:
            return _json_response(wire.error_body("Invalid request.", "invalid_request_error", None), 400)
        prompt = wire.prompt_of(wire.messages_of(body))
        attempt = self.stats.enter(prompt, body, _key_of(request))
        status = CLIENT_GAVE_UP
        try:
            response = await self._complete(request, body, prompt, attempt)
            status = CONNECTION_CLOSED if _is_closed(request) else response.status
            return response
        finally:
            self.stats.leave(status)

    async def _complete(
        self,
        request: web.Request,
        body: wire.Json,
        prompt: str,
        attempt: int,
    ) -> web.StreamResponse:
        key = _key_of(request)
        if key in self._behaviour.refused_keys:
            return _fault_response(Fault.UNAUTHORIZED)
        bucket = self._bucket_of(key)
        headers = bucket.headers if bucket and self._behaviour.tells_limits else dict[str, str]
        if bucket and (wait_s := bucket.take()):
            said = self._behaviour.retry_after
            retry = retry_headers(wait_s) if said is None else {"retry-after": said}
            return _fault_response(Fault.RATE_LIMITED, headers() | retry)
        if latency_s := self._behaviour.latency_of(prompt):
            await asyncio.sleep(latency_s)
        if (kind := wire.format_of(body)) in self._behaviour.refused_formats:
            return _json_response(wire.format_refused(kind), 400)
        if rule := self._behaviour.rule_for(prompt, attempt):
            return await self._play(rule, request, body)
        return _json_response(self._answer(body), headers=headers())

    async def _play(self, rule: Rule, request: web.Request, body: wire.Json) -> web.StreamResponse:
        match rule.fault:
            case Fault.GARBAGE:
                return web.Response(text="<html>upstream is not JSON", content_type=JSON_TYPE)
            case Fault.EMPTY:
                return web.Response(content_type=JSON_TYPE)
            case Fault.DISCONNECT:
                return _disconnect(request)
            case Fault.HANG:
                return await asyncio.Future()  # until the client or the server closes the connection
            case Fault.SLOW_BODY:
                content = orjson.dumps(self._answer(body))
                return await _send_slowly(request, content, self._behaviour.slow_body_s)
            case Fault.RATE_LIMITED | Fault.OVERLOADED:
                return _fault_response(rule.fault, {"retry-after": rule.retry_after} if rule.retry_after else None)
            case _:
                return _fault_response(rule.fault)

    def _answer(self, body: wire.Json) -> wire.Json:
        answer = wire.completion(self.stats.requests, body, self._behaviour)
        usage = answer.get("usage", {})
        self.stats.input_tokens += usage.get("prompt_tokens", 0)
        self.stats.output_tokens += usage.get("completion_tokens", 0)
        return answer

    def _bucket_of(self, key: str) -> TokenBucket | None:
        rate = self._behaviour.requests_per_s
        return self._buckets.setdefault(key, TokenBucket(rate, self._behaviour.burst)) if rate else None

    async def _list_models(self, _: web.Request) -> web.Response:
        return _json_response(wire.model_list(self._behaviour.models))

    async def _show_stats(self, _: web.Request) -> web.Response:
        return _json_response(self.stats.as_dict())

    async def _reset(self, _: web.Request) -> web.Response:
        self.reset()
        return _json_response({})


def _parse(content: bytes, needed: str) -> wire.Json | None:
    """Return the request, or None for what the fake cannot answer: nothing to answer to, or a stream."""
    try:
        body: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    is_usable = isinstance(body, dict) and body.get(needed) and not body.get("stream")
    return body if is_usable else None


def _key_of(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _json_response(body: wire.Json, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type=JSON_TYPE)


def _fault_response(fault: Fault, headers: dict[str, str] | None = None) -> web.Response:
    status, body = wire.STATUS_FAULTS[fault]
    return _json_response(body, status, headers)


def _is_closed(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _disconnect(request: web.Request) -> web.Response:
    """Drop the connection; aiohttp then discards the response it is given."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _send_slowly(request: web.Request, content: bytes, delay_s: float) -> web.StreamResponse:
    """Send headers and half of the body, then the rest after `delay_s`."""
    response = web.StreamResponse(headers={"content-type": JSON_TYPE, "content-length": str(len(content))})
    await response.prepare(request)
    middle = len(content) // 2
    await response.write(content[:middle])
    await asyncio.sleep(delay_s)
    await response.write(content[middle:])
    await response.write_eof()
    return response
