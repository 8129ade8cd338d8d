"""Other people's code, in a process of its own that can do little and not for long.

What holds wherever there are POSIX limits: time, memory, size of files and output, number of processes, an empty environment
(no keys), no descriptors but the standard ones, a working folder that is removed, and an end for whatever was started. What
depends on the system, and is named in `Ran.unguarded` where it lacks it: no network (namespaces of Linux), no files but those
of Python and of the working folder (Landlock), and no signals to other processes (either). Where Linux lets it, modes and
times of other files stay as they are (mounts), and sockets that lie in files and memory that no process holds are refused
(seccomp). It is no virtual machine: it holds what goes wrong and what is careless or curious, not somebody who knows a hole in
the kernel.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from steps.errors import RunError

Limit = Literal["cpu", "time", "memory", "files", "processes", "output"]
MAIN = "main.py"
_GUARD = str(Path(__file__).with_name("guard.py"))
_GRACE_S = 5.0
_OPEN_TO_ALL = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/sys/devices/system/cpu",
    "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo",
)  # fmt: skip


class Limits(BaseModel):
    """How far the code may go before it is ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu_s: int = Field(default=5, ge=1, description="Seconds of computing, for each process.")
    wall_s: float = Field(default=10.0, gt=0, description="Seconds from start to end.")
    memory_mb: int = Field(default=512, ge=64, description="Megabytes of memory, for all processes together.")
    files_mb: int = Field(default=16, ge=1, description="Megabytes that may be written: to files, and to the output.")
    processes: int = Field(default=16, ge=1, description="Processes and threads at a time.")
    output_chars: int = Field(default=20_000, ge=100, description="Longest output kept: its beginning and its end.")


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of some code.

    `status`: its exit status; the number of a signal, negative, if one ended it. `limit`: the limit that ended it, or that it
    failed at. `unguarded`: what this system could not keep it from, of `network`, `files` and
    `processes`.
    """

    status: int
    stdout: str
    stderr: str
    limit: Limit | None
    seconds: float
    unguarded: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        return self.status == 0 and self.limit is None


def run_python(
    source: str,
    *,
    limits: Limits | None = None,
    files: Mapping[str, str] | None = None,
    stdin: str = "",
    quiet_s: float = float("inf"),
) -> Ran:
    """Run a Python program; returns when nothing of it is left.

    It is a script `main.py` in an empty working folder with these `files` (path in it: text), and imports what this Python
    can import but for this project. Texts of the same program are hashed alike in each run. May be called from many threads.
    A program that prints nothing for `quiet_s` seconds is ended too.

    Raises:
        RunError: The program could not be started. What goes wrong in the program itself is told in what is returned.

    Example:
        >>> ran = run_python("print(6 * 7)")
        >>> ran.stdout, ran.status, ran.limit
        ('42\\n', 0, None)
    """
    if os.name != "posix":
        raise RunError("code of other people can only be run on Linux and macOS", "run the pipeline there, or in a container")
    limits = limits or Limits()
    with _folder({**(files or {}), MAIN: source}) as folder, tempfile.TemporaryFile() as given:
        given.write(stdin.encode("utf-8", "surrogatepass"))
        given.seek(0)
        said, out, err, cut_off = _run_guarded(folder, limits, given, quiet_s)
    if "failed" in said or "unguarded" not in said:
        why = said.get("failed") or err.strip()[-200:] or "no word from the process that guards it"
        raise RunError(f"the code could not be started: {why}", "see whether the machine has memory and processes left")
    status = said.get("status", -signal.SIGKILL)  # the code got at its keeper: it is gone too
    limit = cut_off or said.get("limit") or limit_told(status, err)
    place = f"{folder}/"
    out, err = (_cut(text.replace(place, ""), limits.output_chars) for text in (out, err))
    return Ran(status, out, err, limit, said.get("seconds", 0.0), tuple(said["unguarded"]))


def _run_guarded(
    folder: Path, limits: Limits, given: IO[bytes], quiet_s: float
) -> tuple[dict[str, Any], str, str, Limit | None]:
    """What the guard says, the two outputs, and the limit that they went beyond."""
    listen, tell = os.pipe()
    most = limits.files_mb << 20
    python = sys.executable
    job = {
        "python": python,
        "main": str(folder / MAIN),
        "readable": [*_OPEN_TO_ALL, *dict.fromkeys([sys.prefix, sys.base_prefix, *site.getsitepackages()])],
        "environment": _environment(folder),
        "stdin": given.fileno(),
        "report": tell,
        **limits.model_dump(include={"cpu_s", "wall_s", "processes"}),
        "memory": limits.memory_mb << 20,
        "files": most,
    }
    with os.fdopen(listen, "rb") as report:
        try:
            process = subprocess.Popen(
                [python, "-I", "-S", "-B", _GUARD, json.dumps(job)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env={},
                pass_fds=(given.fileno(), tell),
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(f"the code could not be started: {error}", "see whether the machine has room left") from error
        finally:
            os.close(tell)
        try:
            (out, err, said), cut_off = _read(process, report, most, quiet_s, time.monotonic() + limits.wall_s + _GRACE_S)
        finally:
            _end(process)
    told = dict(entry for line in said.splitlines() for entry in json.loads(line).items())
    return told, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), cut_off


def _read(
    process: subprocess.Popen[bytes], report: IO[bytes], most: int, quiet_s: float, deadline: float
) -> tuple[list[bytes], Limit | None]:
    """Read outputs and report to their ends. Output beyond `most` ends the code, as silence for too long does."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    pipes = [process.stdout, process.stderr, report]
    read = [bytearray() for _ in pipes]
    cut_off: Limit | None = None
    heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe, buffer in zip(pipes, read, strict=True):
            selector.register(pipe, selectors.EVENT_READ, buffer)
        while selector.get_map() and (left := deadline - (now := time.monotonic())) > 0:
            patience = float("inf") if cut_off else max(0.0, heard + quiet_s - now)
            for key, _ in selector.select(min(left, patience)):
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif not cut_off or key.fileobj is report:
                    key.data.extend(chunk)
                if chunk and key.fileobj is process.stdout:
                    heard = time.monotonic()
            if cut_off:
                continue
            if len(read[0]) + len(read[1]) > most:
                cut_off = "output"
            elif time.monotonic() >= heard + quiet_s:
                cut_off = "time"
            if cut_off:
                process.stdin.close()  # the keeper takes it as a sign to end
    return [bytes(buffer) for buffer in read], cut_off


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """What the code finds in its environment: nothing of ours. Libraries for numbers start no threads."""
    place = str(folder)
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"HOME": place, "TMPDIR": place, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", **one}


@contextmanager
def _folder(files: Mapping[str, str]) -> Iterator[Path]:
    """A working folder with these files; it is removed with all that was put into it."""
    folder = Path(tempfile.mkdtemp(prefix="distilflow-code-")).resolve()
    try:
        for name, text in files.items():
            inside = PurePosixPath(name)
            if inside.is_absolute() or ".." in inside.parts or not inside.parts:
                raise ValueError(f"{name!r} does not lie in the working folder")
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            (folder / inside).write_bytes(text.encode("utf-8", "surrogatepass"))
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder with all that the code put into it. Nothing runs any more that could put links in meanwhile."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if folder.exists():  # the code closed a folder, or nested them deeper than Python goes
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def limit_told(status: int, err: str) -> Limit | None:
    """The limit that a program ran into, by its last words; limits are errors that it may also catch."""
    if status == 0:
        return None
    last = err.rstrip().rpartition("\n")[2]
    if "MemoryError" in last.partition(":")[0]:
        return "memory"
    if last.startswith("OSError: [Errno 27]") or status == -signal.SIGXFSZ:
        return "files"
    if last.startswith(("BlockingIOError: [Errno 11]", "RuntimeError: can't start new thread")):
        return "processes"
    return None


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters ...]\n{text[-half:]}"
