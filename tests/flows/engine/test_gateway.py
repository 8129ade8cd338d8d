"""Rows that wait for the same reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flows.engine.gateway import Gateway, Lines
from flows.engine.journal import ALL_ROWS, Journal
from steps.llms.base import Completion, Request
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.steps.llms.serving import asking, loaded_at

Ways = tuple[FakeOpenAI, Gateway, Lines]


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    fake = FakeOpenAI(Behaviour(latency_s=0.2))
    gateway = Gateway(Journal(tmp_path, "w"))
    await gateway.open()
    with running(fake) as url:
        async with loaded_at(url) as llm:
            lines = gateway.lines({"": llm}, "judge", lambda used: None)
            await lines.open()
            yield fake, gateway, lines
            await lines.close()
    await gateway.close()


def ask(lines: Lines, row: str, request: Request) -> asyncio.Task[Completion]:
    async def asked() -> Completion:
        return await lines.of(row, ALL_ROWS)(request)

    return asyncio.create_task(asked())


async def test_those_who_wait_get_the_reply_also_where_the_one_who_asked_first_gives_up(ways: Ways) -> None:
    fake, gateway, lines = ways
    rows = [ask(lines, f"r{number}", asking()) for number in range(3)]
    await asyncio.sleep(0.1)

    rows[0].cancel()
    replies = await asyncio.gather(*rows, return_exceptions=True)

    assert isinstance(replies[0], asyncio.CancelledError)
    assert isinstance(replies[1], Completion)
    assert replies[1] == replies[2]
    assert fake.stats.requests == 1
    assert gateway.under_way == {}


async def test_a_request_that_nobody_waits_for_is_given_up_and_sent_anew_for_the_next(ways: Ways) -> None:
    fake, gateway, lines = ways
    rows = [ask(lines, f"r{number}", asking()) for number in range(3)]
    await asyncio.sleep(0.1)

    for row in rows:
        row.cancel()
    await asyncio.wait(rows)
    assert gateway.under_way == {}
    await ask(lines, "r4", asking())

    assert fake.stats.requests == 2
