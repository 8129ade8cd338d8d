"""What strangers try on a public server takes neither its time nor its memory for ever."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.api import add_routes
from app.context import AppContext
from app.handlers import apart, previews
from steps.errors import RunError, SpecError

FINE = """
name: fine
steps:
  - {name: load, use: LoadDataFromDicts, with: {data: [{i: 1}]}}
  - {name: make, use: ComputeColumn, after: load, with: {column: made, template: "EXPRESSION"}}
"""
ENDLESS = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}"
)


def computing(expression: str) -> dict[str, Any]:
    return {"text": FINE.replace("EXPRESSION", expression)}


@pytest.fixture
def server(tmp_path: Path) -> FastAPI:
    found = FastAPI()
    add_routes(found, AppContext(tmp_path / "runs", is_public=True))
    return found


async def asked(server: FastAPI, *wanted: tuple[str, dict[str, Any]]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(server)
    async with httpx.AsyncClient(transport=transport, base_url="http://app", timeout=60) as client:
        return list(await asyncio.gather(*(client.post(f"/api/{path}", json=told) for path, told in wanted)))


async def test_strangers_preview_and_estimate_as_others_do(server: FastAPI, tmp_path: Path) -> None:
    told = computing("{{ i + 1 }}")

    previewed, estimated = await asked(server, ("preview", told), ("estimate", told))

    here = previews.preview_text(told["text"], tmp_path / "other")
    assert previewed.json()["steps"] == here["steps"]
    assert previewed.json()["notice"] is None
    assert estimated.json()["rows"] == 1


async def test_what_takes_too_long_is_ended_and_others_get_their_turn(server: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LONGEST_S", 3.0)

    *endless, fine = await asked(server, *[("preview", computing(ENDLESS))] * 4, ("preview", computing("{{ i }}")))

    assert {"took more than 3 s" in reply.json()["error"] for reply in endless} == {True}
    assert fine.json()["notice"] is None


def test_what_takes_too_much_memory_is_an_error() -> None:
    with pytest.raises(RunError, match="more than 1024 MB"):
        apart.apart(bytearray, 2 << 30)


def test_a_process_that_ends_is_an_error() -> None:
    with pytest.raises(RunError, match="ended the process"):
        apart.apart(os._exit, 3)


def refuse() -> None:
    raise SpecError("this is none", "write one")


def test_an_error_for_people_arrives_as_it_is() -> None:
    with pytest.raises(SpecError) as caught:
        apart.apart(refuse)

    assert (caught.value.message, caught.value.fix) == ("this is none", "write one")
