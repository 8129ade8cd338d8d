"""Runs that are interrupted at random moments and started again: what is lost, doubled or paid for twice?

    python -m benchmarks.kills                                   # 20 kills, 5 terminations, 5 dead workers in each mode
    python -m benchmarks.kills --modes no-prefect --kill 3 --term 1 --worker 1

2500 rows go through `OpenAILLM` (256 requests at once, 200 ms each) and a cheap step in a worker process. `kill` is SIGKILL to
the whole process group, `term` SIGTERM to it; both are followed by the same command again. `worker` is SIGKILL to one worker
process, and the run has to go on by itself. Of three moments, two are drawn by replies (once so many of the 2500 have left the
server), and one by time, from that of a whole run, so that start and end have their share. A request may be sent again only
if its reply was not yet in the journal; the server counts what was sent, the journal what was kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import psutil

from benchmarks.groups import Group, ready_workers
from benchmarks.openai_server import Conduct, Server, openai_server
from benchmarks.peers.cases import Case, Job, pipeline
from benchmarks.peers.running import Rows
from benchmarks.surroundings import OFFLINE, ROOT, prefect_server
from flows.engine.index import Index, segments
from flows.engine.journal import JOURNAL
from flows.runs import RunFolder

Mode = Literal["prefect", "prefect-temporary", "no-prefect", "python"]
How = Literal["kill", "term", "worker"]
MODES: tuple[Mode, ...] = get_args(Mode)
STOPPED = 130
CASE = Case("kills", "", rows=2500)
PROGRAM = "import sys; from flows import Pipeline; Pipeline.from_file(sys.argv[1]).run(run_id='bench', runs_dir=sys.argv[2])"
GOES_WELL: dict[How, tuple[int, ...]] = {
    "kill": (0, -signal.SIGKILL),
    "term": (0, STOPPED, -signal.SIGTERM),
    "worker": (0,),
}
"""Exit codes of the interrupted process; 0 where it ended before."""
JITTER_S = 0.1
COLUMNS = (
    *(
        "mode",
        "interrupted by",
        "runs",
        "in time",
        "failed or hung",
        "lost",
        "doubled",
        "sent again: most",
        "of those in the journal",
    ),
    *("ended after s: most", "second start s: most", "left over"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When to interrupt: once so many replies have left the server, and so many seconds later."""

    replies: int
    seconds: float

    @classmethod
    def draw(cls, chance: random.Random, number: int, whole_s: float) -> Moment:
        if number % 3 == 2:
            return cls(0, chance.uniform(0, whole_s))
        return cls(chance.randint(1, CASE.rows), chance.uniform(0, JITTER_S))

    def __str__(self) -> str:
        return f"after {self.replies:4} replies + {self.seconds:5.2f} s"


@dataclass(frozen=True, slots=True)
class Interrupted:
    """One run that was interrupted, and how it went on."""

    mode: Mode
    how: How
    moment: Moment
    was_at_work: bool
    """Whether the signal found a process that still ran."""
    failure: str
    sent: int
    """Requests until the second start."""
    durable: int
    """Replies in the journal then."""
    sent_again: int
    rows: Rows
    ended_s: float
    """From the signal to the end of the process, or of the run for a worker."""
    again_s: float
    left_over: int
    """Processes that were there ten seconds after the end."""

    @property
    def sent_needlessly(self) -> int:
        """Requests sent again though their replies were in the journal."""
        return max(0, self.sent_again - (self.sent - self.durable))


def main() -> None:
    args = _parse_args()
    wanted: dict[How, int] = {"kill": args.kill, "term": args.term, "worker": args.worker}
    found: list[Interrupted] = []
    with tempfile.TemporaryDirectory(prefix="distilflow-kills-") as name, openai_server() as server:
        for mode in args.modes:
            folder = Path(name) / mode
            with _surroundings(mode, folder) as environment:
                bench = Kills(server, mode, folder, environment, args.hang)
                whole_s = bench.whole_run_s()
                for how, count in wanted.items():
                    for number in range(count):
                        chance = random.Random(f"{args.seed} {mode} {how} {number}")
                        found.append(bench.interrupt(how, Moment.draw(chance, number, whole_s)))
                        print(line(found[-1]), file=sys.stderr, flush=True)
                        args.json.parent.mkdir(parents=True, exist_ok=True)
                        args.json.write_text(json.dumps([asdict(one) for one in found], indent=1))
    print(table(found))
    if any(one.failure or one.sent_needlessly or not one.rows.are_right for one in found):
        sys.exit("not all went well; see the table")


class Kills:
    """Interrupts runs of one mode."""

    def __init__(self, server: Server, mode: Mode, folder: Path, environment: dict[str, str], hang_s: float) -> None:
        self._server = server
        self._mode = mode
        self._folder = folder
        self._environment = environment
        self._hang_s = hang_s

    def whole_run_s(self) -> float:
        """Wall time of a run that nobody interrupts."""
        with self._job() as job:
            group = self._start(job)
            code = group.wait(self._hang_s)
            took_s = time.perf_counter() - group.started
            group.end()
            if code or code is None or not Rows.of(_output(job), job.rows).are_right:
                sys.exit(f"{self._mode}: even an undisturbed run fails: {group.said}")
            return took_s

    def interrupt(self, how: How, moment: Moment) -> Interrupted:
        with self._job() as job:
            group = self._start(job)
            group.wait_for(lambda: self._server.counts().answered >= moment.replies, self._hang_s)
            code = group.wait(moment.seconds)
            started = time.perf_counter()
            was_at_work = code is None and self._send(how, group, job)
            if code is None:
                code = group.wait(self._hang_s)
            ended_s = time.perf_counter() - started
            failure = _failure(code, GOES_WELL[how], group)
            group.signal(signal.SIGKILL)
            left_over = group.end()
            sent = self._server.counts().requests
            durable = len(Index(segments([_run_folder(job) / JOURNAL])))
            again_s = 0.0
            if how != "worker":
                again = self._start(job)
                code = again.wait(self._hang_s)
                again_s = time.perf_counter() - again.started
                failure = failure or _failure(code, (0,), again)
                again.signal(signal.SIGKILL)
                left_over += again.end()
            sent_again = sum(times - 1 for times in self._server.asked().values())
            rows = Rows.of(_output(job), job.rows)
            return Interrupted(
                mode=self._mode,
                how=how,
                moment=moment,
                was_at_work=was_at_work,
                failure=failure,
                sent=sent,
                durable=durable,
                sent_again=sent_again,
                rows=rows,
                ended_s=ended_s,
                again_s=again_s,
                left_over=len(left_over),
            )

    @contextmanager
    def _job(self) -> Iterator[Job]:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        self._server.behave(Conduct())
        try:
            yield Job.of(CASE, self._server.url, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _start(self, job: Job) -> Group:
        told, runs = Path(job.work) / "pipeline.json", f"{job.work}/runs"
        spec = pipeline(job)
        spec["steps"].append({"name": "keep", "use": "KeepColumns", "after": "ask", "with": {"columns": ["id", "generation"]}})
        told.write_text(json.dumps(spec))
        if self._mode == "python":
            command = [sys.executable, "-c", PROGRAM, str(told), runs]
        else:
            options = ["--no-prefect"] if self._mode == "no-prefect" else []
            command = [sys.executable, "-m", "flows.cli", "run", str(told), "--run-id", "bench", "--runs-dir", runs, *options]
        return Group(command, cwd=Path(job.work), env=self._environment, log=Path(job.work) / "said.log")

    def _send(self, how: How, group: Group, job: Job) -> bool:
        """Interrupt it; whether there was anything left to interrupt."""
        if how != "worker":
            group.signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
            return True
        workers: list[psutil.Process] = []

        def are_there() -> bool:
            workers[:] = _workers(group, RunFolder(_run_folder(job)))
            return bool(workers)

        if not group.wait_for(are_there, self._hang_s):
            return False
        workers[-1].kill()
        return True


def _workers(group: Group, folder: RunFolder) -> list[psutil.Process]:
    """The worker processes of a run that are ready now, in the order in which they came."""
    living = {process.pid: process for process in group.processes()}
    return [living[pid] for pid in ready_workers(folder) if pid in living]


def _failure(code: int | None, expected: Sequence[int], group: Group) -> str:
    if code is None:
        return "hangs"
    return "" if code in expected else f"exit code {code}: {' '.join(group.said.split())[-200:]}"


def _run_folder(job: Job) -> Path:
    return Path(job.work) / "runs" / "bench"


def _output(job: Job) -> Path:
    return _run_folder(job) / "distiset"


@contextmanager
def _surroundings(mode: Mode, folder: Path) -> Iterator[dict[str, str]]:
    """The environment of the processes of a mode."""
    folder.mkdir(parents=True)
    with prefect_server(folder) if mode == "prefect" else nullcontext():
        environment = {**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(folder / "prefect")}
        if mode != "prefect":
            environment.pop("PREFECT_API_URL", None)
        yield environment


# ---- results


def line(one: Interrupted) -> str:
    """One run in a few words."""
    head = f"{one.mode:<18} {one.how:<6} {one.moment}"
    counts = f"sent {one.sent:4}, kept {one.durable:4}, again {one.sent_again:3}"
    times = f"ended in {one.ended_s:.1f} s, second start {one.again_s:.1f} s"
    rows = "" if one.rows.are_right else f"; {one.rows}"
    left = f"; {one.left_over} left over" if one.left_over else ""
    return f"{head}: {counts}; {times}{rows}{left}{one.failure and '; ' + one.failure}"


def table(found: Sequence[Interrupted]) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for mode, how in dict.fromkeys((one.mode, one.how) for one in found):
        runs = [one for one in found if (one.mode, one.how) == (mode, how)]
        cells = [
            *(mode, how, len(runs), sum(one.was_at_work for one in runs), sum(bool(one.failure) for one in runs)),
            *(sum(one.rows.lost + one.rows.wrong for one in runs), sum(one.rows.doubled for one in runs)),
            *(max(one.sent_again for one in runs), sum(one.sent_needlessly for one in runs)),
            *(
                f"{max((one.ended_s for one in runs if one.was_at_work), default=0.0):.1f}",
                f"{max(one.again_s for one in runs):.1f}",
            ),
            sum(one.left_over for one in runs),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--kill", type=int, default=20, help="runs to kill in each mode")
    parser.add_argument("--term", type=int, default=5, help="runs to terminate in each mode")
    parser.add_argument("--worker", type=int, default=5, help="runs of which one worker is killed, in each mode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hang", type=float, default=60, help="seconds after which a run counts as hanging")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench" / "kills.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
