"""Sets the limits of other people's code, starts it, watches it, and ends all that it left behind.

`steps.sandbox` runs this as a script, with the standard library alone: guard -> keeper -> the code. The keeper is the first
process of a namespace where the system allows that: when it ends, the system ends whatever the code started. Elsewhere it
adopts what the code leaves behind and ends it one by one.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

NEW_USER, NEW_PID, NEW_NET, NEW_IPC, NEW_MOUNTS = 0x10000000, 0x20000000, 0x40000000, 0x08000000, 0x00020000  # sched.h
END_WITH_PARENT, FILTER_CALLS, BE_SUBREAPER, NO_NEW_PRIVILEGES = 1, 22, 36, 38  # prctl.h
BIND, PRIVATE, ALL_BELOW = 0x1000, 0x44000, 0x8000  # mount.h
SET_MOUNT, READ_ONLY, FROM_HERE = 442, 1, -100  # a system call, the same on all processors; mount.h, fcntl.h
LOAD, KEEP_BITS, IF_EQUAL, IF_AT_LEAST, ANSWER = 0x20, 0x54, 0x15, 0x35, 0x06  # linux/bpf_common.h
REFUSED_CALLS = {
    "x86_64": (0xC000003E, 41, 53, (29, 319, 425, 447)),
    "aarch64": (0xC00000B7, 198, 199, (194, 279, 425, 447)),
}
"""By processor: its mark, `socket`, `socketpair`, and calls that get around limits (shmget, memfd_*, io_uring_setup)."""
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls of Landlock, the same on all processors
RIGHTS = (13, 13, 14, 15, 15, 16)
"""How many rights about files Landlock knew in its version 0, 1, 2, ...; from then on 16."""
READ, ON_FILES = 0b1101, 0b1100_0000_0000_0111  # execute, read file, read folder; what can be said of a file
SCOPES_SIGNALS = 6
"""The version of Landlock from which on it keeps processes from signalling others."""
NOBODY = 65534
MOST_FILES_OPEN = 128
SLOWEST_LOOK_S = 0.05
SMALLEST_FILE = 4096


def main() -> None:
    job = json.loads(sys.argv[1])
    os.set_inheritable(job["report"], False)
    os.umask(0o077)
    _leave_root(job)
    job["tasks"] = _tasks_of_user() + 2  # the guard and the keeper are counted too
    left = _unshare()
    if left & NEW_USER and _counts_by_namespace():
        job["tasks"] = 2
    if keeper := os.fork():
        os.waitpid(keeper, 0)
        os._exit(0)
    unguarded = [] if left & NEW_NET else ["network"]
    unguarded += [] if _version_of_landlock() else ["files"]
    unguarded += [] if left & NEW_PID or _version_of_landlock() >= SCOPES_SIGNALS else ["processes"]
    _keep(job, unguarded, has_own_processes=bool(left & NEW_PID))


# ---- where it runs
def _leave_root(job: dict[str, Any]) -> None:
    """Become a user who owns nothing.

    Where that one could not read this Python or reach the folder, become so only where processes are counted: root may have as
    many as it likes.
    """
    if os.geteuid() != 0:
        return
    try:
        os.seteuid(NOBODY)
        needed = (job["python"], Path(os.__file__).parent, Path(job["main"]).parents[1])
        is_readable = all(os.access(path, os.R_OK | os.X_OK, effective_ids=True) for path in needed)
        os.seteuid(0)
        if is_readable:
            for path in [Path(), *Path().rglob("*")]:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        elif sys.platform == "linux":
            os.setresuid(NOBODY, 0, 0)
    except OSError:  # root in name only, as in some containers
        return


def _unshare() -> int:
    """Leave what this machine shares among its processes; returns what could be left of users, processes and network."""
    for kinds in (NEW_USER | NEW_PID | NEW_NET | NEW_IPC, NEW_PID | NEW_NET | NEW_IPC, NEW_USER | NEW_NET, NEW_NET):
        if _libc("unshare", kinds) == 0:
            return kinds
    return 0


def _counts_by_namespace() -> bool:
    """Whether the system counts the processes of a user by namespace: Linux does from 5.14 on."""
    major, minor = (int("".join(filter(str.isdigit, part)) or 0) for part in os.uname().release.split(".")[:2])
    return (major, minor) >= (5, 14)


def _libc(name: str, *values: Any) -> int:
    """A call to the system; -1 where it fails or does not exist."""
    function = getattr(ctypes.CDLL(None), name, None)
    return -1 if function is None else int(function(*values))


# ---- the keeper
def _keep(job: dict[str, Any], unguarded: list[str], has_own_processes: bool) -> NoReturn:
    if sys.platform == "linux":
        _libc("prctl", BE_SUBREAPER, 1, 0, 0, 0)
    started = time.monotonic()
    _say(job, unguarded=unguarded)
    job["environment"]["SANDBOX_UNGUARDED"] = " ".join(unguarded)  # whoever starts others there may have to know
    if (code := os.fork()) == 0:
        _run(job)
    status, limit = _watch(job, code, started + job["wall_s"])
    if not has_own_processes:
        _end_all(code)
    _say(job, status=status, limit=limit, seconds=time.monotonic() - started)
    os._exit(0)  # where the processes are its own, this ends them all


def _say(job: dict[str, Any], **what: Any) -> None:
    os.write(job["report"], json.dumps(what).encode() + b"\n")


def _watch(job: dict[str, Any], code: int, deadline: float) -> tuple[int, str]:
    """Wait for the end of the code, or bring it about; returns the exit status and the limit that was hit."""
    pause = 0.001
    while True:
        over = _over(job) or ("time" if time.monotonic() > deadline else "")
        is_unwanted = bool(select.select([0], [], [], 0)[0])  # whoever asked is gone, or has had enough
        if over or is_unwanted:
            os.kill(code, signal.SIGKILL)
            os.waitpid(code, 0)
            return -signal.SIGKILL, over
        if (ended := _ended(code, job["cpu_s"])) is not None:
            return ended
        select.select([0], [], [], pause)
        pause = min(pause * 2, SLOWEST_LOOK_S)


def _ended(code: int, cpu_s: int) -> tuple[int, str] | None:
    """Exit status and limit of the code, if it has ended. What it left behind and has ended too is cleared away."""
    while True:
        try:
            ended, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if ended == 0:
            return None
        if ended == code:
            exit_status = os.waitstatus_to_exitcode(status)
            is_late = exit_status == -signal.SIGKILL and used.ru_utime + used.ru_stime >= cpu_s
            return exit_status, "cpu" if is_late or exit_status == -signal.SIGXCPU else ""


def _over(job: dict[str, Any]) -> str:
    """The limit that all processes of the code exceed together, if they do."""
    tasks = memory = 0
    unnamed: dict[tuple[int, int], int] = {}
    for pid in _descendants():
        try:
            tasks += sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
            memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
            unnamed |= _unnamed(pid)
        except (OSError, IndexError):  # it has just ended
            continue
        if tasks > job["processes"]:  # said at once: there may be very many, and more by the time they are counted
            return "processes"
    if memory > job["memory"]:
        return "memory"
    given = os.fstat(job["stdin"])
    unnamed.pop((given.st_dev, given.st_ino), None)
    return "files" if sum(unnamed.values()) + sum(_sizes()) > job["files"] else ""


def _descendants() -> Iterator[str]:
    """Processes below this one, in the numbers of /proc."""
    try:
        todo = [str(Path("/proc/self").readlink())]  # in a namespace of its own, os.getpid() is another number
    except OSError:
        return
    while todo:
        parent = todo.pop()
        try:
            children = [
                child for task in Path(f"/proc/{parent}/task").iterdir() for child in (task / "children").read_text().split()
            ]
        except OSError:
            continue
        yield from children
        todo += children


def _unnamed(pid: str) -> dict[tuple[int, int], int]:
    """Bytes of each file that a process has removed and keeps open."""
    found = {}
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            state = file.stat()
            if not state.st_nlink:
                found[state.st_dev, state.st_ino] = state.st_blocks * 512
    return found


def _sizes() -> Iterator[float]:
    """Bytes that each file and folder takes on the disk: a block at least, since many empty ones fill it too."""
    todo = ["."]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    yield max(entry.stat(follow_symlinks=False).st_blocks * 512, SMALLEST_FILE)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # nested so deep that it cannot be counted
                yield float("inf")


def _end_all(code: int) -> None:
    """End what is left of the code, until nothing is: each round ends the parents of the next."""
    with suppress(OSError):
        os.killpg(code, signal.SIGKILL)
    while left := list(_descendants()):
        for pid in left:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        _ended(code, 0)
        time.sleep(0.001)


# ---- the code
def _run(job: dict[str, Any]) -> NoReturn:
    """Become the code."""
    try:
        os.setpgid(0, 0)
        os.nice(5)  # those who watch go first
        os.dup2(job["stdin"], 0)
        _limit(job)
        if sys.platform == "linux":
            _libc("prctl", END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
            _freeze_files()
            _libc("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            _refuse_calls()
            _fence([*job["readable"], job["python"]])
        os.set_inheritable(job["stdin"], False)
        os.execve(job["python"], [job["python"], "-s", "-B", "-X", "utf8", job["main"]], job["environment"])
    except BaseException as error:
        _say(job, failed=str(error))
    os._exit(126)


def _limit(job: dict[str, Any]) -> None:
    limits = {
        "CORE": 0,
        "CPU": job["cpu_s"],
        "AS": job["memory"],
        "FSIZE": job["files"],
        "NOFILE": MOST_FILES_OPEN,
        "NPROC": job["processes"] + job["tasks"],
    }
    for name, value in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None:
            continue
        _, most = resource.getrlimit(which)
        hard = value + (name == "CPU")  # the first second over it can be noticed by the code, the next cannot
        hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
        try:
            resource.setrlimit(which, (min(value, hard), hard))
        except (OSError, ValueError):  # macOS has limits that cannot be set
            continue


def _tasks_of_user() -> int:
    """Processes and threads of this user: the system counts them with those of the code."""
    user, count = os.getuid(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == user:
                count += sum(1 for _ in (folder / "task").iterdir())
        except OSError:
            continue
    return count


def _version_of_landlock() -> int:
    """What Linux offers to fence a process in, without root; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    version: int = ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1)
    return max(version, 0)


def _freeze_files() -> None:
    """Make all files but those of the working folder unchangeable where mounts can be: Landlock lets modes and times be set."""
    libc = ctypes.CDLL(None)
    if _libc("unshare", NEW_MOUNTS) != 0 or libc.mount(None, b"/", None, PRIVATE, None) != 0:
        return
    if libc.mount(b".", b".", None, BIND, None) != 0:
        return
    os.chdir(Path.cwd())  # what lies on top now
    set_it, take_it_back = struct.pack("QQQQ", READ_ONLY, 0, 0, 0), struct.pack("QQQQ", 0, READ_ONLY, 0, 0)
    if libc.syscall(SET_MOUNT, FROM_HERE, b"/", ALL_BELOW, set_it, len(set_it)) == 0:
        libc.syscall(SET_MOUNT, FROM_HERE, b".", 0, take_it_back, len(take_it_back))


def _refuse_calls() -> None:
    """Have the system refuse sockets that lie in files, which reach whoever listens there, and memory that nobody counts."""
    if os.uname().machine not in REFUSED_CALLS or sys.maxsize < 2**32:
        return
    processor, socket, pair, others = REFUSED_CALLS[os.uname().machine]
    number, mark, family, kind = 0, 4, 16, 24  # where they stand in what is looked at
    checks: list[tuple[int, int | str, int | str, int]]
    checks = [(LOAD, 0, 0, mark), (IF_EQUAL, 0, "no", processor), (LOAD, 0, 0, number), (IF_AT_LEAST, "no", 0, 0x40000000)]
    checks += [(IF_EQUAL, "no", 0, one) for one in others]
    checks += [(IF_EQUAL, 1, 0, socket), (IF_EQUAL, 2, "yes", pair)]
    checks += [(LOAD, 0, 0, family), (IF_EQUAL, "no", "yes", 1)]  # AF_UNIX
    checks += [(LOAD, 0, 0, kind), (KEEP_BITS, 0, 0, 0xF), (IF_EQUAL, "no", "yes", 2)]  # SOCK_DGRAM can be sent anywhere
    ends = {"yes": len(checks), "no": len(checks) + 1}
    program = b""
    for at, (code, if_so, if_not, value) in enumerate(checks):
        jumps = (one if isinstance(one, int) else ends[one] - at - 1 for one in (if_so, if_not))
        program += struct.pack("HBBI", code, *jumps, value)
    program += struct.pack("HBBI", ANSWER, 0, 0, 0x7FFF0000) + struct.pack("HBBI", ANSWER, 0, 0, 0x00050000 | errno.EACCES)
    held = ctypes.create_string_buffer(program)
    whole = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(held))
    _libc("prctl", FILTER_CALLS, 2, whole, 0, 0)


def _fence(readable: list[str]) -> None:
    """Have the system refuse all files but these, and all but the folder of the code to write in."""
    if not (version := _version_of_landlock()):
        return
    libc = ctypes.CDLL(None)
    rights = (1 << RIGHTS[min(version, len(RIGHTS) - 1)]) - 1
    handled = struct.pack(
        "QQQ", rights, 0b11 if version >= 4 else 0, 0b11 if version >= SCOPES_SIGNALS else 0
    )  # files, TCP, signals
    size = 24 if version >= SCOPES_SIGNALS else 16 if version >= 4 else 8
    ruleset = libc.syscall(CREATE_RULESET, handled, size, 0)
    if ruleset < 0:
        raise OSError("the system offers Landlock and refuses it")
    for path, allowed in [(".", rights), *((path, READ) for path in readable)]:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed &= rights if Path(path).is_dir() else ON_FILES & rights
        libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    if libc.syscall(RESTRICT_SELF, ruleset, 0) != 0:
        raise OSError("the system offers Landlock and refuses it")


if __name__ == "__main__":
    main()
