from __future__ import annotations

import os
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from steps.errors import RunError
from steps.sandbox import Limits, Ran, run_python

BRIEF = Limits(cpu_s=1, wall_s=30, memory_mb=200, files_mb=2, processes=8, output_chars=1000)


@cache
def unguarded() -> tuple[str, ...]:
    return run_python("").unguarded


@pytest.fixture
def _fenced_files() -> None:
    if "files" in unguarded():
        pytest.skip("this system has no Landlock")


@pytest.fixture
def _no_network() -> None:
    if "network" in unguarded():
        pytest.skip("this system has no namespaces for everybody")


def tried(source: str, limits: Limits = BRIEF) -> Ran:
    started = time.monotonic()
    ran = run_python(source, limits=limits)
    assert time.monotonic() - started < 60
    return ran


def test_what_a_program_prints_comes_back() -> None:
    ran = run_python("import sys; print('ü', input()); print('!', file=sys.stderr); sys.exit(3)", stdin="🦆\n")

    assert (ran.status, ran.stdout, ran.stderr, ran.limit, ran.is_ok) == (3, "ü 🦆\n", "!\n", None, False)


def test_a_program_finds_its_files_and_nothing_else_in_its_folder() -> None:
    source = "import os, helper.words as words; print(sorted(os.listdir('.')), words.WORD)"

    ran = run_python(source, files={"helper/words.py": "WORD = 'hi'"})

    assert ran.stdout == "['helper', 'main.py'] hi\n"


@pytest.mark.parametrize("name", ["/tmp/x", "../x", "a/../../x", ""])
def test_a_file_outside_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="does not lie in the working folder"):
        run_python("", files={name: "x"})


def test_keys_are_not_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    ran = run_python("import os; print(*os.environ, *os.environ.values())")

    assert "OPENAI" not in ran.stdout
    assert "sk-secret" not in ran.stdout


def test_open_files_of_ours_are_closed_to_it(tmp_path: Path) -> None:
    with (tmp_path / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)

        ran = run_python("import os\nfor n in range(3, 100):\n  try: os.fstat(n); print(n)\n  except OSError: pass")

    assert (ran.stdout, ran.status) == ("", 0)


def test_errors_name_files_without_the_folder() -> None:
    ran = run_python("1/0")

    assert ran.stderr.startswith('Traceback (most recent call last):\n  File "main.py", line 1')
    assert ran.limit is None


def test_texts_are_hashed_alike_in_each_run() -> None:
    assert len({run_python("print(hash('x'), {*'abcdef'})").stdout for _ in range(2)}) == 1


def test_an_endless_loop_ends_by_its_computing_time() -> None:
    assert tried("while True: pass").limit == "cpu"


def test_one_who_ignores_the_end_of_its_time_is_ended_a_second_later() -> None:
    ran = tried("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass")

    assert (ran.limit, ran.status) == ("cpu", -9)


def test_one_who_waits_ends_by_the_clock() -> None:
    ran = tried("import time; time.sleep(60)", Limits(wall_s=0.3))

    assert (ran.limit, ran.status) == ("time", -9)
    assert ran.seconds < 30


def test_a_memory_hog_is_stopped() -> None:
    ran = tried("x = bytearray(10**10)")

    assert ran.limit == "memory"
    assert "MemoryError" in ran.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_processes_share_the_memory() -> None:
    hog = "import os, time\nos.fork(); os.fork()\nx = bytearray(90 << 20)\nx[::4096] = b'1' * len(x[::4096])\ntime.sleep(20)"

    assert tried(hog).limit == "memory"


def test_a_fork_bomb_stays_small_and_ends() -> None:
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    most, is_over = 0, threading.Event()

    def count() -> None:
        nonlocal most
        while not is_over.wait(0.05):
            most = max(most, len(_named("main.py")))

    before = len(_named("main.py"))
    counting = threading.Thread(target=count)
    counting.start()
    try:
        ran = tried(bomb, Limits(cpu_s=1, wall_s=2, processes=8))
    finally:
        is_over.set()
        counting.join()

    assert ran.limit in ("processes", "time", "cpu")
    assert most - before < 60  # others of these tests may run at the same time


def test_one_process_too_many_is_refused() -> None:
    ran = tried("import threading, time\nfor _ in range(30): threading.Thread(target=time.sleep, args=(1,)).start()")

    assert ran.limit == "processes"


def test_huge_output_is_cut_and_ends_the_program() -> None:
    ran = tried("while True: print('x' * 10_000)")

    assert ran.limit == "output"
    assert len(ran.stdout) < 1100


def test_of_long_output_beginning_and_end_are_kept() -> None:
    ran = tried("print('first', 'x' * 100_000, 'last', end='')")

    assert (ran.limit, ran.status) == (None, 0)
    assert ran.stdout.startswith("first xxx")
    assert ran.stdout.endswith("xxx last")
    assert "[... 99,011 characters ...]" in ran.stdout


@pytest.mark.parametrize(
    "source",
    [
        "open('big', 'wb').write(b'x' * 10_000_000)",
        "for n in range(50): open(str(n), 'wb').write(b'x' * 500_000)\nimport time; time.sleep(20)",
        "import os, time\nkept = [open(str(n), 'wb') for n in range(50)]\n"
        "for n, file in enumerate(kept): os.remove(str(n)); file.write(b'x' * 500_000)\ntime.sleep(20)",
    ],
    ids=["one", "many", "removed and kept open"],
)
def test_files_stay_small(source: str) -> None:
    assert tried(source).limit == "files"


@pytest.mark.usefixtures("_fenced_files")
@pytest.mark.parametrize("doing", ["open({0!r}, 'w')", "print(open({0!r}).read())", "__import__('os').remove({0!r})"])
def test_files_elsewhere_are_out_of_reach(doing: str, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.write_text("as it was")

    ran = tried(doing.format(str(ours)))

    assert "PermissionError" in ran.stderr or "Read-only file system" in ran.stderr
    assert ours.read_text() == "as it was"


@pytest.mark.skipif(sys.platform != "linux", reason="mounts of Linux")
@pytest.mark.usefixtures("_fenced_files", "_no_network")
@pytest.mark.parametrize("doing", ["chmod({0!r}, 0o777)", "utime({0!r}, (1, 1))"])
def test_modes_and_times_of_files_elsewhere_stay(doing: str, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.touch(mode=0o600)
    before = ours.stat()

    ran = tried(f"import os; os.{doing.format(str(ours))}")

    assert ran.status == 1
    assert (ours.stat().st_mode, ours.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_modes_of_its_own_files_are_its_own() -> None:
    ran = tried("import os, shutil; open('a', 'w'); os.chmod('a', 0o640); shutil.copy2('a', 'b'); print(os.stat('b').st_mode)")

    assert ran.stdout == f"{0o100640}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp")
@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_who_listens_at_a_socket_in_a_file_is_out_of_reach(kind: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, getattr(socket, kind)) as ours:
        ours.bind(str(tmp_path / "ours"))
        if kind == "SOCK_STREAM":
            ours.listen()
        alone, in_pair = (
            tried(f"import socket; {made}.sendto(b'x', {str(tmp_path / 'ours')!r})")
            for made in (f"socket.socket(socket.AF_UNIX, socket.{kind})", f"socket.socketpair(type=socket.{kind})[0]")
        )
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.accept() if kind == "SOCK_STREAM" else ours.recv(1)

    assert "PermissionError" in alone.stderr
    assert in_pair.status == 1


def test_processes_of_one_program_talk_to_each_other() -> None:
    source = (
        "import asyncio, multiprocessing as mp\n"
        "def tell(pipe): pipe.send('hi')\n"
        "context = mp.get_context('fork')\n"
        "mine, theirs = context.Pipe()\n"
        "context.Process(target=tell, args=[theirs]).start()\n"
        "print(mine.recv())\n"
        "asyncio.run(asyncio.sleep(0))"
    )

    assert tried(source).stdout == "hi\n"


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp")
@pytest.mark.parametrize("made", ["os.memfd_create('x')", "memory()"])
def test_memory_that_belongs_to_no_process_is_refused(made: str) -> None:
    source = (
        "import ctypes, os\n"
        "def memory():\n"
        "    if ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600) < 0: raise PermissionError\n"
        f"{made}"
    )

    assert "PermissionError" in tried(source).stderr


@pytest.mark.usefixtures("_fenced_files")
def test_our_environment_cannot_be_read_from_the_system() -> None:
    ran = tried(f"print(open('/proc/{os.getpid()}/environ').read())")

    assert "PermissionError" in ran.stderr


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_there_is_no_network(kind: str) -> None:
    ran = tried(f"import socket; socket.socket(socket.AF_INET, socket.{kind}).connect(('192.0.2.1', 53))")

    assert ran.status == 1
    assert "unreachable" in ran.stderr or "Permission" in ran.stderr


def test_what_it_leaves_behind_is_ended() -> None:
    mark = f"left-{os.getpid()}-{time.time_ns()}"
    source = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', {mark!r}], start_new_session=True)\n"
        "print('bye')"
    )

    ran = tried(source)

    assert (ran.stdout, ran.status) == ("bye\n", 0)
    assert ran.seconds < 30
    assert _named(mark) == []


def test_one_who_ends_its_keeper_ends_itself() -> None:
    ran = tried("import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(0.2)\nprint('on')")

    assert (ran.status, ran.stdout) in ((-9, ""), (0, "on\n"), (1, ""))
    assert run_python("print(1)").stdout == "1\n"


def test_its_folder_is_gone_even_if_it_closed_it() -> None:
    ran = run_python(
        "import os\nprint(os.environ['HOME'])\nos.makedirs('a/b')\nos.chmod('a/b', 0)\nos.chmod('a', 0)\nos.chmod('.', 0)"
    )

    assert ran.status == 0
    assert ran.stdout.startswith("/")
    assert not Path(ran.stdout.strip()).exists()


def test_folders_nested_deeper_than_python_goes_are_counted_and_removed() -> None:
    ran = tried("import os\nprint(os.environ['HOME'], flush=True)\nwhile True: os.mkdir('deep'); os.chdir('deep')")

    assert ran.limit == "files"
    assert not Path(ran.stdout.strip()).exists()


def test_many_empty_files_count_too() -> None:
    assert tried("n = 0\nwhile True:\n  open(str(n), 'w').close(); n += 1").limit == "files"


def test_many_run_at_the_same_time() -> None:
    with ThreadPoolExecutor(4) as pool:
        ran = pool.map(run_python, (f"print({n})" for n in range(8)))

    assert [one.stdout for one in ran] == [f"{n}\n" for n in range(8)]


@settings(max_examples=8, deadline=None)
@given(st.text())
def test_any_text_is_a_program_that_ends(source: str) -> None:
    ran = run_python(f"exit()\n{source}")

    assert ran.status in (0, 1)  # 1: it is not Python


def test_half_an_emoji_and_a_null_are_errors_of_the_program() -> None:
    assert "SyntaxError" in run_python("'\ud83e'").stderr
    assert "null bytes" in run_python("1\x00").stderr


def test_a_python_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(RunError, match=r"could not be started: .*/nowhere/python"):
        run_python("print(1)")


@pytest.mark.parametrize("wrong", [{"cpu_s": 0}, {"wall_s": 0}, {"memory_mb": 1}, {"seconds": 3}])
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(wrong)


def _named(mark: str) -> list[str]:
    """Processes with this text in their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "cmdline").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found
