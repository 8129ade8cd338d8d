"""One run of one system on one case: what it cost, what the server saw, and whether the rows are right."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.groups import Group
from benchmarks.measuring import CommandFailed, measure
from benchmarks.openai_server import Server, answer
from benchmarks.peers.cases import Case, Job
from benchmarks.peers.systems import PREFECT, VENVS, System
from benchmarks.surroundings import prefect_server_cpu_s


@dataclass(frozen=True, slots=True)
class Rows:
    """How the rows of a result compare with those asked for."""

    right: int
    lost: int
    doubled: int
    wrong: int

    @property
    def are_right(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    @classmethod
    def of(cls, output: Path, count: int) -> Rows:
        found = Counter(row["id"] for row in read_rows(output))
        right = {row["id"] for row in read_rows(output) if row["generation"] == answer(row["id"])}
        expected = set(range(count))
        return cls(
            right=len(right & expected),
            lost=len(expected - found.keys()),
            doubled=sum(times - 1 for times in found.values()),
            wrong=len(found.keys() - right),
        )


def read_rows(output: Path) -> Iterator[dict[str, Any]]:
    """The rows of a result: Parquet, Arrow streams or JSONL, as systems like it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in sorted(output.rglob("*.parquet")):
        yield from pq.read_table(path, columns=["id", "generation"]).to_pylist()
    for path in sorted(output.rglob("*.arrow")):
        with pa.memory_map(str(path)) as source:
            yield from pa.ipc.open_stream(source).read_all().to_pylist()
    for path in sorted(output.rglob("*.jsonl")):
        yield from map(json.loads, path.read_text().splitlines())


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server saw of a run."""

    requests: int
    refused: int
    failed: int
    asked_again: int
    """Requests for rows that were asked before, those included that were refused or failed."""
    peak_in_flight: int
    span_s: float
    """From the first request to the last reply."""
    reply_span_s: float
    """From the first reply to the last one."""
    cpu_s: float

    @classmethod
    def of(cls, server: Server, cpu_s: float) -> Seen:
        counts, asked = server.counts(), server.asked()
        return cls(
            counts.requests,
            counts.refused,
            counts.failed,
            sum(times - 1 for times in asked.values()),
            counts.peak_in_flight,
            _between(counts.first_at, counts.last_reply_at),
            _between(counts.first_reply_at, counts.last_reply_at),
            cpu_s,
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One run that was let go on to its end. `failure` is empty when it ended well with the right rows."""

    system: str
    case: str
    failure: str
    rows: Rows | None = None
    seen: Seen | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    prefect_cpu_s: float = 0.0
    others_cpu_s: float = 0.0
    peak_pss_mb: float = 0.0
    peak_rss_mb: float = 0.0
    first_request_s: float = 0.0
    """From the start of the process."""


@dataclass(frozen=True, slots=True)
class Killed:
    """One run that was killed halfway, and its second start."""

    system: str
    case: str
    failure: str
    sent: int = 0
    answered: int = 0
    sent_again: int = 0
    rows: Rows | None = None
    again_s: float = 0.0
    """Wall time of the second start."""
    left_over: int = 0
    """Processes that outlived the killed group by ten seconds."""


class Bench:
    """Runs cases with systems, against one server."""

    def __init__(self, server: Server, folder: Path, timeout_s: float, hang_s: float) -> None:
        self._server = server
        self._folder = folder
        self._timeout_s = timeout_s
        self._hang_s = hang_s

    def run(self, system: System, case: Case) -> Run | Killed:
        folder = Path(tempfile.mkdtemp(prefix=f"{system.name}-", dir=self._folder))
        try:
            job = Job.of(case, self._server.url, folder)
            self._server.behave(case.conduct)
            return self._killed(system, case, job) if case.is_killed else self._whole(system, case, job)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _whole(self, system: System, case: Case, job: Job) -> Run:
        server_cpu, prefect_cpu = self._server.cpu_s(), prefect_server_cpu_s(self._folder)
        try:
            cost = measure(system.command(job), cwd=Path(job.work), env=system.environment(job), timeout_s=self._timeout_s)
        except CommandFailed as error:
            return Run(system.name, case.name, _last_words(str(error)), seen=Seen.of(self._server, 0.0))
        seen = Seen.of(self._server, self._server.cpu_s() - server_cpu)
        rows = Rows.of(Path(job.output), case.rows)
        prefect_cpu_s = prefect_server_cpu_s(self._folder) - prefect_cpu if system.name == PREFECT else 0.0
        return Run(
            system.name,
            case.name,
            "" if rows.are_right else f"{rows.right} of {case.rows} rows right",
            rows,
            seen,
            cost.wall_s,
            cost.cpu_s,
            prefect_cpu_s,
            max(0.0, cost.others_cpu_s - seen.cpu_s - prefect_cpu_s),
            cost.peak_pss_mb,
            cost.peak_rss_mb,
            (self._server.counts().first_at or cost.started_at) - cost.started_at,
        )

    def _killed(self, system: System, case: Case, job: Job) -> Killed:
        def is_halfway() -> bool:
            return self._server.counts().answered >= case.rows / 2

        first = self._start(system, job)
        got_there = first.wait_for(is_halfway, self._timeout_s)
        first.signal(signal.SIGKILL)
        left_over = len(first.end())
        before = self._server.counts()
        if not got_there:
            return Killed(system.name, case.name, _last_words(first.said))
        started = time.perf_counter()
        second = self._start(system, job)
        code = second.wait(self._hang_s)
        again_s = time.perf_counter() - started
        second.signal(signal.SIGKILL)
        second.end()
        failure = f"hangs: not over after {self._hang_s:g} s" if code is None else _last_words(second.said) if code else ""
        rows = Rows.of(Path(job.output), case.rows)
        if not failure and not rows.are_right:
            failure = f"{rows.right} of {case.rows} rows right"
        sent_again = sum(times - 1 for times in self._server.asked().values())
        return Killed(system.name, case.name, failure, before.requests, before.answered, sent_again, rows, again_s, left_over)

    def _start(self, system: System, job: Job) -> Group:
        return Group(system.command(job), cwd=Path(job.work), env=system.environment(job), log=Path(job.work) / "said.log")


def _between(start: float | None, end: float | None) -> float:
    return end - start if start is not None and end is not None else 0.0


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip(" -=*|╰─╯")]
    return lines[-1].partition(f": {VENVS}")[0][:160] if lines else "ended without a word"
