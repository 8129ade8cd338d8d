from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import gradio as gr
import httpx
import psutil
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from app.context import AppContext
from app.main import build_server, create_app, head
from flows.runners.prefect_server import ServerRecord, answers, free_port
from tests.flows.commands import wait_for


@pytest.fixture
async def demo(ctx: AppContext) -> gr.Blocks:  # async: without a loop Gradio makes one and never closes it
    return create_app(ctx)


def test_every_component_that_is_shown_has_an_id_of_its_own(demo: gr.Blocks) -> None:
    ids = [block.elem_id for block in demo.blocks.values() if isinstance(block, (gr.HTML, gr.Button, gr.Textbox, gr.Code))]

    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_every_event_has_a_name_and_none_is_a_partial(demo: gr.Blocks) -> None:
    names = [function.api_name for function in demo.fns.values() if function.fn is not None]

    assert "partial" not in names
    assert "lambda" not in names
    assert len([name for name in names if isinstance(name, str)]) == len(set(names) - {False})


def test_tokens_are_never_part_of_the_public_api(demo: gr.Blocks) -> None:
    push = next(function for function in demo.fns.values() if function.api_name == "push")

    assert push.api_visibility == "private"


def test_the_head_names_only_own_files() -> None:
    assert "http" not in head()
    assert 'rel="stylesheet"' in head()


@pytest.mark.parametrize(
    ("given", "address"),
    [("", ""), ("https://example.org/docs", "https://example.org/docs"), ("javascript:alert(1)", ""), ("docs/runs.md", "")],
)
def test_the_documentation_is_linked_where_an_address_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, address: str
) -> None:
    monkeypatch.setenv("DISTILFLOW_DOCS_URL", given)

    assert AppContext(tmp_path).docs_url == address


def test_an_app_that_is_ended_ends_its_prefect_server(tmp_path: Path) -> None:
    port, runs = free_port(), tmp_path / "runs"
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    command = [sys.executable, "-m", "app", "--port", str(port), "--runs-dir", str(runs)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as app:
        try:
            wait_for(lambda: prefect_of(runs) is not None, 100)
            server = prefect_of(runs)
            app.terminate()
            assert app.wait(60) == 128 + signal.SIGTERM
        finally:
            app.kill()
    assert server is not None
    wait_for(lambda: not psutil.pid_exists(server), 60)


def prefect_of(runs: Path) -> int | None:
    """The process of the server of a runs folder, once it answers."""
    for path in (runs / ".prefect").glob("*.json"):
        record = ServerRecord.model_validate_json(path.read_bytes())
        if answers(record.url):
            return record.pid
    return None


async def test_what_nobody_thought_of_is_told_in_words_and_left_to_the_servers_log(ctx: AppContext) -> None:
    def broken() -> None:
        raise ZeroDivisionError("nobody thought of this")

    server = build_server(ctx)
    of_gradio = next(route.app for route in server.routes if isinstance(route, Mount))
    assert isinstance(of_gradio, FastAPI)
    server.router.routes.insert(0, APIRoute("/api/broken", broken))
    of_gradio.router.routes.insert(0, APIRoute("/broken", broken))
    transport = httpx.ASGITransport(server, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        ours, gradios = await client.get("/api/broken"), await client.get("/broken")

    assert (ours.status_code, ours.json()["code"]) == (500, "unexpected")
    assert "nobody thought" not in ours.text
    assert (gradios.status_code, gradios.text) == (500, "Internal Server Error")  # Gradio answers for itself
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://127.0.0.1") as client:
        with pytest.raises(ZeroDivisionError):  # it comes to the server, which logs it
            await client.get("/api/broken")
