"""Servers that are started for a run: real processes, with a fake model."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from steps.errors import EndpointDown, RunError
from steps.local import keeper, logs
from steps.local.engine import Asked, Structure
from steps.local.server import OwnServer, Program, free_port
from tests.flows.commands import ROOT, wait_for

ASKED = Asked([{"role": "user", "content": "hello"}], {"max_new_tokens": 5}, structure=Structure("json", {"type": "object"}))


@pytest.fixture(autouse=True)
def logs_of_this_test(tmp_path: Path) -> Iterator[None]:
    logs.keep_in(tmp_path)
    yield
    logs._folder = None


def fake(*more: str, port: int | None = None) -> Program:
    chosen = port or free_port()
    command = ["python", "-m", "tests.fakes.openai_server", "--port", str(chosen), *more]
    return Program("fake", command, chosen, "acme/m", "/v1/models", {"PYTHONPATH": str(ROOT)})


def program(code: str) -> Program:
    return Program("fake", ["python", "-c", code], free_port(), "acme/m")


def children(server: OwnServer) -> list[psutil.Process]:
    return psutil.Process(server.pid).children(recursive=True)


async def test_a_server_is_started_asked_and_gone_with_its_log_kept(tmp_path: Path) -> None:
    server = await OwnServer.start(fake("--reply", "fine"))
    started = children(server)

    made = await server.answer(ASKED)
    await server.close()

    assert made.texts == ["fine"]
    assert made.usage.output_tokens
    assert started
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in started)
    assert server.log.parent == tmp_path
    assert "m-server" in server.log.name


async def test_a_port_that_was_taken_in_the_meantime_is_left_to_whoever_has_it() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = await OwnServer.start(fake(port=taken.getsockname()[1]))
        assert server.program.port != taken.getsockname()[1]
        assert (await server.answer(ASKED)).texts
        await server.close()


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("print('torch.OutOfMemoryError: CUDA out of memory'); raise SystemExit(1)", "does not fit into memory"),
        ("raise OSError('acme/m is not a valid model identifier')", "it is not there"),
        ("import sys; sys.exit(3)", "ended without a word"),
    ],
    ids=["memory", "missing", "silent"],
)
async def test_a_server_that_ends_before_it_answers_says_why(code: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=what) as caught:
        await OwnServer.start(program(code))

    assert str(tmp_path) in caught.value.fix


async def test_a_server_that_never_answers_is_given_up() -> None:
    with pytest.raises(RunError, match="does not answer after 1 s"):
        await OwnServer.start(program("import time; time.sleep(600)"), within_s=1)


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        await OwnServer.start(Program("fake", ["/no/such/program"], free_port(), "m"))


async def test_questions_to_a_server_that_was_killed_say_so() -> None:
    server = await OwnServer.start(fake("--latency", "30"))
    asking = asyncio.create_task(server.answer(ASKED))
    await asyncio.sleep(0.3)
    for process in children(server):
        process.kill()

    with pytest.raises(EndpointDown, match="died"):
        await asking
    await server.close()


def test_a_server_does_not_outlive_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import asyncio, tests.steps.local.test_server as t\n"
        "async def go():\n"
        "    server = await t.OwnServer.start(t.fake())\n"
        "    print(*[process.pid for process in t.children(server)], flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(go())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pids = list(map(int, starter.stdout.readline().split()))
        os.kill(starter.pid, signal.SIGKILL)

    assert pids
    wait_for(lambda: not any(alive(pid) for pid in pids), keeper.PATIENCE_S + 10)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_keeper_gives_the_programs_exit_code_and_ends_what_it_left_behind() -> None:
    left = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, flush=True); sys.exit(7)"

    command = [sys.executable, keeper.__file__, sys.executable, "-c", left]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as kept:
        assert kept.stdout is not None
        pid = int(kept.stdout.readline())
        assert kept.wait(30) == 7

    wait_for(lambda: not alive(pid), 5)
