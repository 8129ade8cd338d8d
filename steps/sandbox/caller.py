"""A program for the sandbox: calls functions of a library, for one row or for several, and says what came of it.

Standard input names the calls. Of one row, they are made right here, and a line of JSON is said for each. Of several rows, each
gets a process forked for it, and a line is said for each row. After a row all that it started is ended and the folder is laid
out anew, so that the next one finds nothing of it. What the functions print is kept apart from what is said here.
"""

from __future__ import annotations

import _thread
import ctypes
import gc
import importlib.util
import json
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

DUMPABLE, BE_SUBREAPER = 4, 36  # prctl.h
LAST_WORDS = 2000
"""Bytes of what a row printed that are told: its last line may name the limit it failed at."""
FILES = dict[str, bytes | None]
"""What lies in the folder: path and content; None for what is no plain file."""


class Ended(NamedTuple):
    """What became of a forked process."""

    report: bytes
    printed: bytes
    status: int
    limit: str
    is_all: bool
    """Whether it left no others behind. They are ended too."""


def main() -> None:
    job = json.load(sys.stdin)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # no row reads the calls of another
    os.close(null)
    says = os.dup(1)
    os.dup2(2, 1)
    if len(job["rows"]) == 1:
        _finish(partial(_make, job, 0, says))
    elif "processes" not in os.environ.get("SANDBOX_UNGUARDED", "processes") and _reaches_only_its_own():
        _each_row(job, says)  # elsewhere what a row left behind could not be ended without reaching others


def _reaches_only_its_own() -> bool:
    """Whether a signal to all reaches nothing but what was started here: asked again, since much depends on it."""
    if os.getppid() == 1:  # the keeper, which the system shields within its namespace
        return True
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return True
    return False


# ---- the calls of a row
def _make(job: dict[str, Any], row: int, report: int) -> None:
    with os.fdopen(report, "w", encoding="utf-8", errors="backslashreplace") as says:
        for call in json.loads(job["rows"][row]["calls"]):
            says.write(json.dumps(_called(**call, most=job["most_chars"])) + "\n")
            says.flush()  # a later call may end all
            sys.stdout.flush()


def _called(file: str, name: str, arguments: dict[str, Any], most: int) -> dict[str, Any]:
    try:
        value = getattr(_module(file), name)(**arguments)
        return {"is_ok": True, "said": str(value)[:most]}
    except BaseException as error:
        return {"is_ok": False, "said": f"{type(error).__name__}: {error}"[:most]}


@cache
def _module(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"library_{file.removesuffix('.py')}", f"library/{file}")
    if spec is None or spec.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# ---- several rows
def _each_row(job: dict[str, Any], pipe: int) -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(BE_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(DUMPABLE, 0, 0, 0, 0)  # no row looks into this process
    files = _files()
    with os.fdopen(pipe, "w", encoding="utf-8") as says:

        def leave() -> None:
            os.close(pipe)
            libc.prctl(DUMPABLE, 1, 0, 0, 0)

        def fork(work: Callable[[int], None]) -> Ended:
            return _forked(work, job, leave)

        def say(line: str) -> None:
            says.write(f"{line}\n")
            says.flush()

        firsts = {row["files"][0] for row in job["rows"]}
        if len(firsts) == 1:  # what every row would load first is loaded once
            [first] = firsts
            tried = fork(partial(_try_to_load, first))
            _lay_out(files)
            say("")  # a sign of life
            if tried.report and tried.status == 0 and tried.is_all:
                _module(first)
                sys.stdout.flush()
                gc.freeze()
                say("")
        for number, row in enumerate(job["rows"]):
            own = {f"library/{file}" for file in row["files"]}
            _lay_out({path: text for path, text in files.items() if path in own or not path.startswith("library/")})
            ended = fork(partial(_make, job, number))
            told = {"report": ended.report.decode("utf-8", "replace"), "printed": ended.printed.decode("utf-8", "replace")}
            say(json.dumps({**told, "status": ended.status, "limit": ended.limit or None}))


def _try_to_load(file: str, report: int) -> None:
    """Report something if a file may be loaded once for all: it leaves nothing that forked processes would share or miss."""
    before = _traces()
    _module(file)
    if _traces() == before:
        os.write(report, b"loaded")


def _traces() -> tuple[Any, ...]:
    timers = [signal.getitimer(which)[0] for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)]
    shared = sum(type(one).__module__ == "mmap" for one in gc.get_objects())
    luck = random.getstate(), "numpy.random" in sys.modules
    return Path.cwd(), _files(), _open(), _thread._count(), timers, shared, luck


def _open() -> list[tuple[int, int, int]]:
    """The files that are open."""
    found = []
    for number in range(resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
        try:
            state = os.fstat(number)
        except OSError:
            continue
        found.append((number, state.st_dev, state.st_ino))
    return found


# ---- the folder
def _files() -> FILES:
    found = (path for path in Path().rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path): path.read_bytes() if path.is_file() and not path.is_symlink() else None for path in found}


def _lay_out(files: FILES) -> None:
    """Have these files in the folder, and nothing else."""
    _empty(Path())
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(text or b"")


def _empty(folder: Path) -> None:
    folder.chmod(0o700)
    for path in list(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            _empty(path)
            path.rmdir()
        else:
            path.unlink()


# ---- processes
def _forked(work: Callable[[int], None], job: dict[str, Any], leave: Callable[[], None]) -> Ended:
    """Do some work in a process forked for it, which leaves what is ours. When this returns, nothing of it runs."""
    heard, report = os.pipe()
    shown, output = os.pipe()
    if (child := os.fork()) == 0:
        for mine in (heard, shown):
            os.close(mine)
        leave()
        _be_apart(output, job["cpu_s"])
        _finish(partial(work, report))
    os.close(report)
    os.close(output)
    try:
        told, printed, limit = _watch(child, heard, shown, job)
        status, used, is_all = _end(child)
        told += _rest(heard)
        printed += _rest(shown)
    finally:
        os.close(heard)
        os.close(shown)
    if limit:
        status = -signal.SIGKILL
    elif status == -signal.SIGXCPU or (status == -signal.SIGKILL and used >= job["cpu_s"]):
        limit = "cpu"
    return Ended(told, printed[-LAST_WORDS:], status, limit, is_all)


def _be_apart(output: int, cpu_s: int) -> None:
    os.setpgid(0, 0)
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


def _finish(work: Callable[[], None]) -> NoReturn:
    """Do the last work of this process: what it left to do at its end is not done."""
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _watch(child: int, heard: int, shown: int, job: dict[str, Any]) -> tuple[bytes, bytes, str]:
    """Read what it reports and prints until it ends, or goes too far; returns both, and the limit."""
    read = {heard: b"", shown: b""}
    unclosed, count = [heard, shown], 0
    deadline = time.monotonic() + job["wall_s"]
    ends = os.pidfd_open(child)
    try:
        while (left := deadline - time.monotonic()) > 0:
            ready = select.select([ends, *unclosed], [], [], left)[0]
            if ends in ready:
                return read[heard], read[shown], ""
            for pipe in ready:
                chunk = os.read(pipe, 1 << 16)
                if not chunk:
                    unclosed.remove(pipe)
                count += len(chunk)
                read[pipe] = read[pipe] + chunk if pipe == heard else (read[pipe] + chunk)[-LAST_WORDS:]
            if count > job["most_bytes"]:
                return read[heard], read[shown], "output"
        return read[heard], read[shown], "time"
    finally:
        os.close(ends)


def _end(child: int) -> tuple[int, float, bool]:
    """End all that runs here, at one stroke; returns exit status and computing time of the child, and if there was no other."""
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # the guard has seen to it that this reaches nobody else
    _, status, used = os.wait4(child, 0)
    is_all = True
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, is_all
        is_all = False


def _rest(pipe: int) -> bytes:
    """What is still in a pipe into which nobody writes any more."""
    rest = b""
    while chunk := os.read(pipe, 1 << 16):
        rest += chunk
    return rest


if __name__ == "__main__":
    main()
