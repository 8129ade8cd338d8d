"""An `OpenAILLM` that is loaded and talks to a fake server: `async with loaded(fake) as llm: ...`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from steps.llms.base import Request
from steps.llms.openai_llm import OpenAILLM
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running

KEY = "sk-test-4242424242424242"


def asking(prompt: str = "hi", n: int = 1, **fields: Any) -> Request:
    return Request([{"role": "user", "content": prompt}], n=n, **fields)


def failing(fault: Fault, **fields: Any) -> FakeOpenAI:
    """A server that plays this fault every time."""
    return FakeOpenAI(Behaviour(rules=[Rule("", fault, **fields)]))


def answering(status: int = 200, body: Any = None, text: str | None = None, headers: Any = None) -> web.Application:
    """A server that gives one answer to everything."""

    async def handle(request: web.Request) -> web.Response:
        if text is not None:
            return web.Response(status=status, text=text, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


@asynccontextmanager
async def loaded(server: FakeOpenAI | web.Application, **fields: Any) -> AsyncIterator[OpenAILLM]:
    with running(server) as url:
        async with loaded_at(url, **fields) as llm:
            yield llm


@asynccontextmanager
async def loaded_at(url: str, **fields: Any) -> AsyncIterator[OpenAILLM]:
    llm = OpenAILLM(model="m", base_url=f"{url}/v1", **fields)
    await llm.load()
    try:
        yield llm
    finally:
        await llm.unload()
