"""Rows that share a sandbox: each comes out as if it had one of its own, whatever the others do."""

from __future__ import annotations

import pytest

from steps.sandbox import Limits, Ran, calls, run_python
from steps.sandbox.calls import Call, Called, call_rows

FILE = "nasty.py"
NASTY = """
import os, random, resource, signal, sys, threading, time
from pathlib import Path

KNOWN = []


def remember(what):
    KNOWN.append(what)
    os.environ["KNOWN"] = os.environ.get("KNOWN", "") + what
    return KNOWN, os.environ["KNOWN"]

def write(name):
    found = sorted(str(path) for path in Path().rglob("*"))
    Path(name).write_text("mine")
    return found

def move():
    os.mkdir("in")
    os.chdir("in")
    return Path.cwd().name

def here():
    return Path(os.environ["HOME"]) == Path.cwd()

def lock_up():
    os.makedirs("a/b")
    os.symlink("/usr", "a/b/usr")
    os.mkfifo("a/fifo")
    os.chmod("a", 0)
    os.chmod(".", 0)

def delete_library():
    Path(__file__).unlink()
    Path(__file__).parent.rmdir()
    Path("main.py").write_text("gone")

def own_source():
    return len(Path(__file__).read_text()), Path("main.py").read_text()[:20]

def end(status):
    os._exit(status)

def leave():
    sys.exit(3)

def loop():
    while True: pass

def sleep():
    time.sleep(60)

def hog():
    return len(bytearray(10**10))

def many_hogs():
    os.fork(); os.fork()
    x = bytearray(60 << 20)
    x[::4096] = b"1" * len(x[::4096])
    time.sleep(20)

def bomb():
    while True:
        try: os.fork()
        except OSError: pass

def start_threads(count):
    for _ in range(count): threading.Thread(target=time.sleep, args=(0.2,)).start()
    return count

def stay_behind():
    if os.fork() == 0:
        os.setsid()
        while True:
            try: Path("left").write_text("by another")
            except OSError: pass
    return "left one"

def look():
    time.sleep(0.2)
    return sorted(os.listdir()), sys._getframe(1).f_code.co_name

def babble():
    while True: print("x" * 10_000)

def print_much():
    print("x" * 1_200_000)
    return "much"

def fill():
    for n in range(50): open(str(n), "wb").write(b"x" * 500_000)
    time.sleep(20)

def kill_parent(how):
    os.kill(os.getppid(), how)
    time.sleep(0.1)
    return "sent"

def kill_all():
    os.kill(-1, signal.SIGKILL)
    return "all"

def kill_group():
    os.killpg(0, signal.SIGKILL)

def close_all():
    os.closerange(0, 128)
    return "closed"

def read_input():
    os.lseek(0, 0, os.SEEK_SET)
    return os.read(0, 100)

def talk_back():
    for n in range(3, 128):
        try: os.write(n, b'{"is_ok": true, "said": "forged"}\\n')
        except OSError: pass
    return "talked"

def limits():
    return resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS)

def give(value):
    return value

def give_duck():
    return "🦆" * 3000
"""
LIMITS = Limits(cpu_s=1, wall_s=3, memory_mb=150, files_mb=2, processes=8)


def row(*named: str | tuple[str, dict[str, object]], file: str = FILE) -> list[Call]:
    return [Call(file, *((one, {}) if isinstance(one, str) else one)) for one in named]


KIND = [
    row(("remember", {"what": "a"}), ("remember", {"what": "b"})),
    row(("write", {"name": "x"}), ("write", {"name": "y"})),
    row("move", "here"),
    row("lock_up"),
    row("delete_library"),
    row("own_source"),
    row("leave", "here"),
    row("limits"),
    row("look"),
    row("give_duck"),
    row(("give", {"value": [1, None, "ü\ud83e"]}), ("give", {"worth": 1})),
    row(("no_such_thing", {})),
    [],
]
ENDING = [
    row("here", ("end", {"status": 0}), "here"),
    row(("end", {"status": 7})),
    row("loop", "here"),
    row("sleep"),
    row("babble"),
    row("print_much", "print_much"),
    row("print_much"),
    row("kill_group"),
    row("hog"),
    row("close_all", "here"),
    row("read_input"),
]
AT_ALL = [
    row("stay_behind"),
    row(("kill_parent", {"how": 9})),
    row("kill_all"),
    row("many_hogs"),
    row("fill"),
    row(("start_threads", {"count": 6})),
    row(("start_threads", {"count": 7})),
]
"""What reaches for more than its own process."""


@pytest.fixture(scope="module", autouse=True)
def _processes_are_kept_apart() -> None:
    if "processes" in run_python("").unguarded:
        pytest.skip("this system has each row called in a sandbox of its own")


@pytest.mark.parametrize("rows", [KIND, ENDING, AT_ALL], ids=["kind", "ending", "at-all"])
def test_rows_come_out_as_each_does_alone(rows: list[list[Call]]) -> None:
    between = [one for calls in rows for one in (calls, row("look", ("remember", {"what": "c"})))]
    library = {FILE: NASTY}

    alone = [call_rows(library, [calls], LIMITS)[0] for calls in rows]
    [neighbour] = call_rows(library, [between[1]], LIMITS)
    together = call_rows(library, between, LIMITS)

    assert together[::2] == alone
    assert together[1::2] == [neighbour] * len(rows)


def test_a_row_that_is_ended_says_why_and_ends_no_other() -> None:
    rows = [row("here"), row("sleep", "here"), row("loop"), row("babble"), row("many_hogs"), row("fill"), row("here")]

    made = call_rows({FILE: NASTY}, rows, LIMITS)

    fine = [Called(True, "True")]
    assert made[0] == made[-1] == fine
    assert [one[0].said for one in made[1:-1]] == [
        "ended: the call took more than 3 s",
        "ended: the call computed for more than 1 s",
        "ended: the call printed more than 2 MB",
        "ended: the call took more than 150 MB of memory",
        "ended: the call wrote more than 2 MB",
    ]
    assert made[1][1].said == "not called: the call before it ended the process"


def test_a_fork_bomb_leaves_its_neighbours_their_processes() -> None:
    made = call_rows({FILE: NASTY}, [row("bomb"), row(("start_threads", {"count": 6})), row("bomb"), row("here")], LIMITS)

    assert made[0][0].said.startswith("ended: ")
    assert (made[1], made[3]) == ([Called(True, "6")], [Called(True, "True")])


def test_one_who_stops_the_caller_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_MOST_SILENCE_S", 1.0)
    rows = [row("here"), row(("kill_parent", {"how": 19})), *[row("here")] * 3]

    made = call_rows({FILE: NASTY}, rows, LIMITS)

    assert made[1] == call_rows({FILE: NASTY}, [rows[1]], LIMITS)[0]
    assert [one[0].said for one in (made[0], *made[2:])] == ["True"] * 4


def test_what_a_row_writes_where_it_should_not_is_told_of_no_other() -> None:
    made = call_rows({FILE: NASTY}, [row("talk_back"), row("here")], LIMITS)

    assert len(made[0]) == 1
    assert made[1] == [Called(True, "True")]


@pytest.mark.parametrize(
    ("at_import", "said"),
    [
        ("raise ValueError('not today')", "ValueError: not today"),
        ("import os; os._exit(4)", "ended: the call ended the process (exit status 4)"),
        ("import time; time.sleep(60)", "ended: the call took more than 1 s"),
        ("import sys; sys.exit('no')", "SystemExit: no"),
        ("while True: print('x' * 1000)", "ended: the call printed more than 2 MB"),
    ],
)
def test_a_library_that_fails_at_its_import_is_told_for_each_row(at_import: str, said: str) -> None:
    made = call_rows({"bad.py": f"{at_import}\ndef f(): return 1"}, [row("f", file="bad.py")] * 3, Limits(wall_s=1, files_mb=2))

    assert made == [[Called(False, said)]] * 3


@pytest.mark.parametrize(
    "library",
    [
        "from pathlib import Path\nPath('count').write_text('')\n"
        "def f():\n  with open('count', 'a+') as file: file.write('x'); file.seek(0); return file.read()",
        "FILE = open(__file__)\ndef f(): return FILE.readline()",
        "import mmap\nSHARED = mmap.mmap(-1, 10)\ndef f(): SHARED[0] += 1; return SHARED[0]",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n"
        "def f(): return threading.active_count()",
        "import random\nrandom.seed(3)\ndef f(): return random.random()",
        "import os\nos.mkdir('in')\nos.chdir('in')\ndef f(): return os.path.basename(os.getcwd())",
        "import os\nif not (CHILD := os.fork()):\n  os.setsid()\n  import time; time.sleep(60)\n"
        "def f(): return os.kill(CHILD, 0)",
        "import signal\nsignal.alarm(50)\ndef f(): return signal.getitimer(signal.ITIMER_REAL)[0] > 0",
    ],
    ids=["file", "open-file", "memory", "thread", "luck", "folder", "process", "timer"],
)
def test_what_a_fork_does_not_hand_on_is_loaded_for_each_row(library: str) -> None:
    rows = [row("f", "f", file="odd.py")] * 3

    [alone] = call_rows({"odd.py": library}, rows[:1], LIMITS)

    assert all(one.is_ok for one in alone)
    assert call_rows({"odd.py": library}, rows, LIMITS) == [alone] * 3


def test_a_library_is_loaded_once_for_all_rows() -> None:
    library = {"once.py": "import time\nLOADED = time.time_ns()\ndef f(): return LOADED"}

    made = call_rows(library, [row("f", file="once.py")] * 3, LIMITS)

    assert len({one[0].said for one in made}) == 1


def test_rows_do_not_find_what_files_of_others_did() -> None:
    library = {
        "one.py": "import json\njson.seen = True\ndef one(): return 1",
        "two.py": "import json, os\ndef two(): return hasattr(json, 'seen'), os.listdir('library')",
    }
    rows = [row("one", file="one.py"), row("two", file="two.py")]

    made = call_rows(library, rows, LIMITS)

    assert made == [[Called(True, "1")], [Called(True, "(False, ['two.py'])")]]


def test_rows_share_a_sandbox_and_one_that_ended_it_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def counted(*args: object, **kwargs: object) -> Ran:
        begun.append(1)
        return run_python(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(calls, "run_python", counted)
    call_rows({FILE: NASTY}, [row("here")] * 9, LIMITS)
    one = len(begun)
    call_rows({FILE: NASTY}, [*[row("here")] * 4, row(("kill_parent", {"how": 9})), *[row("here")] * 4], LIMITS)

    assert (one, len(begun) - one) == (1, 3)


def test_a_system_that_cannot_tell_processes_apart_gives_each_row_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = calls._CALLER.read_text("utf-8")
    open_to_all = (
        f"import os\nos.environ['SANDBOX_UNGUARDED'] = 'processes'\n{caller.replace('from __future__ import annotations', '')}"
    )
    place = type("Place", (), {"read_text": lambda self, encoding: open_to_all})()
    monkeypatch.setattr(calls, "_CALLER", place)

    made = call_rows({FILE: NASTY}, [row(("remember", {"what": "a"})), row(("remember", {"what": "b"})), row("here")], LIMITS)

    assert [one[0].said for one in made] == ["(['a'], 'a')", "(['b'], 'b')", "True"]
