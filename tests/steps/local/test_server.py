"""Servers that are started for a run: real processes, with a fake model."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from steps.errors import EndpointDown, RunError
from steps.local import keeper, logs
from steps.local.engine import Asked, Structure
from steps.local.server import OwnServer, Program, free_port
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = await OwnServer.start(fake(port=taken.getsockname()[1]))
        assert server.program.port != taken.getsockname()[1]
        assert (await server.answer(ASKED)).texts
        await server.close()


@pytest.mark.parametrize("option", [socket.SO_REUSEADDR, socket.SO_REUSEPORT])
async def test_nobody_else_who_answers_at_its_port_is_taken_for_it(option: int) -> None:
    with socket.socket() as taken, running(FakeOpenAI(Behaviour(reply="foreign"))) as url:
        taken.setsockopt(socket.SOL_SOCKET, option, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port in (taken.getsockname()[1], urlsplit(url).port):
            server = await OwnServer.start(fake("--reply", "own", port=port))
            assert (await server.answer(ASKED)).texts == ["own"]
            await server.close()


async def test_nobody_is_given_its_port_while_it_loads() -> None:
    loading = program("import time; time.sleep(600)")
    starting = asyncio.create_task(OwnServer.start(loading))
    await asyncio.sleep(0.3)

    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", loading.port))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with socket.socket() as other:
        other.bind(("127.0.0.1", loading.port))


async def test_whoever_answers_at_its_port_once_it_has_died_is_not_believed() -> None:
    server = await OwnServer.start(fake())
    for process in children(server):
        process.kill()
    wait_for(lambda: not children(server), 10)

    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", str(server.program.port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as foreign:
        assert foreign.stdout is not None
        foreign.stdout.readline()
        with pytest.raises(EndpointDown, match="it was killed"):
            await server.answer(ASKED)
        foreign.terminate()
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


async def test_keys_that_a_server_writes_to_its_log_stay_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", key := "0a1b2c3d4e5f60718293a4b5c6d7e8f9")
    told = f"print('started with', {{'api_key': {key!r}}}); raise OSError('cannot be read with {key}')"

    with pytest.raises(RunError, match="cannot be read with \\*\\*\\*") as caught:
        await OwnServer.start(program(told))

    assert key not in f"{caught.value} {caught.value.fix}"


async def test_what_an_earlier_server_wrote_to_the_same_log_is_not_its_reason() -> None:
    with pytest.raises(RunError, match="does not fit"):
        await OwnServer.start(program("print('Error: CUDA out of memory'); raise SystemExit(1)"))

    with pytest.raises(RunError, match="no such flag"):
        await OwnServer.start(program("raise SystemExit('error: no such flag')"))


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


def test_not_even_where_the_process_has_forked_others_that_live_on(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, time, tests.steps.local.test_server as t\n"
        "async def go():\n"
        "    server = await t.OwnServer.start(t.fake())\n"
        "    forked = os.fork()\n"
        "    if not forked: time.sleep(60); os._exit(0)\n"
        "    print(forked, *[process.pid for process in t.children(server)], flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(go())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        forked, *pids = map(int, starter.stdout.readline().split())
        os.kill(starter.pid, signal.SIGKILL)

    try:
        assert pids
        wait_for(lambda: not any(alive(pid) for pid in pids), keeper.PATIENCE_S + 10)
    finally:
        os.kill(forked, signal.SIGKILL)


async def test_a_server_that_does_not_end_when_told_to_is_ended() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    with pytest.raises(RunError, match="does not answer"):
        await OwnServer.start(program(code), within_s=1)

    assert not [one for one in psutil.process_iter(["cmdline"]) if code in (one.info["cmdline"] or [])]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
async def test_a_server_does_not_outlive_its_keeper() -> None:
    server = await OwnServer.start(fake())
    started = [process.pid for process in children(server)]

    os.kill(server.pid, signal.SIGKILL)

    assert started
    wait_for(lambda: not any(alive(pid) for pid in started), 5)
    await server.close()


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    "leaves_group", [False, pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="-"))]
)
def test_the_keeper_gives_the_programs_exit_code_and_ends_what_it_left_behind(leaves_group: bool) -> None:
    sleeping = f"subprocess.Popen(['sleep', '600'], start_new_session={leaves_group})"
    left = f"import subprocess, sys; print({sleeping}.pid, flush=True); sys.exit(7)"

    command = [sys.executable, keeper.__file__, sys.executable, "-c", left]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as kept:
        assert kept.stdout is not None
        pid = int(kept.stdout.readline())
        assert kept.wait(30) == 7

    wait_for(lambda: not alive(pid), 5)


def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    talk = "for _ in range(200): print('x' * 10_000, flush=True); import time; time.sleep(0.01)\nprint('the end')"
    code = (
        "import sys; from steps.local import keeper\n"
        "keeper.LONGEST_LOG_BYTES, keeper.LOOK_EVERY_S = 100_000, 0.05\n"
        f"sys.argv = ['keeper', sys.executable, '-c', {talk!r}]; sys.exit(keeper.main())"
    )
    log = tmp_path / "log"
    with (
        log.open("ab") as stream,
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=stream) as kept,
    ):
        assert kept.wait(60) == 0

    assert log.stat().st_size < 1_000_000
    assert log.read_bytes().endswith(b"the end\n")
