"""A long run among mixed faults: every row is accounted for, and memory, descriptors and threads do not grow.

    python -m benchmarks.soak --minutes 30
    python -m benchmarks.soak --minutes 2 --prefect

A server on this machine answers in 20 to 200 ms, takes so many requests a second, and plays faults by the hash of the prompt:
most pass at the second attempt (500, 429, a cut connection, a body that comes late, garbage, an empty body, no answer at all),
some never do (content filter, context too long). Every half minute the worker of a cheap step is killed. In the end rows and
replies are counted against what the prompts say must have happened; exit code 1 if anything is missing, double or asked for too
often, or if the engine has grown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil

from benchmarks.groups import ready_workers
from benchmarks.jobs import read_rows
from flows.runs import RunFolder
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running

ROOT = Path(__file__).parents[1]
ANSWERED_ALL_THE_SAME = (Fault.GARBAGE, Fault.EMPTY)
"""Faults that the server counts as replies: one more for each such prompt."""
LASTING = (Fault.CONTENT_FILTER, Fault.CONTEXT_LENGTH)
OF_A_THOUSAND = {
    Fault.SERVER_ERROR: 10,
    Fault.RATE_LIMITED: 10,
    Fault.DISCONNECT: 10,
    Fault.SLOW_BODY: 10,
    Fault.GARBAGE: 10,
    Fault.EMPTY: 10,
    Fault.HANG: 1,
    Fault.CONTENT_FILTER: 3,
    Fault.CONTEXT_LENGTH: 3,
}
KILL_EVERY_S = (20.0, 40.0)
SAMPLE_EVERY_S = 2.0
TIMEOUT_S = 10.0
LEAF = "keep"
GROWTH_ALLOWED = 1.10
"""Of the engine's memory, from its second quarter to its last."""


class Sample(NamedTuple):
    """The engine at a moment: private memory, open descriptors, threads; and those of all processes together."""

    at_s: float
    uss_mb: float
    descriptors: int
    threads: int
    tree_uss_mb: float
    processes: int


@dataclass(slots=True)
class Watched:
    """What was seen of a run while it went on."""

    exit_code: int
    seconds: float
    kills: int
    samples: list[Sample] = field(default_factory=list)

    def quarters(self) -> list[Sample]:
        """Medians of the four quarters of the time."""
        size = max(1, len(self.samples) // 4)
        parts = [self.samples[start : start + size] for start in range(0, 4 * size, size)]
        return [Sample(*map(median, zip(*part, strict=True))) for part in parts if part]

    def problems(self) -> list[str]:
        found = [] if self.exit_code in (0, 3) else [f"exit code {self.exit_code}"]
        if len(quarters := self.quarters()) < 4:
            return [*found, "too short to tell whether it grows"]
        _, second, _, last = quarters
        if last.uss_mb > second.uss_mb * GROWTH_ALLOWED:
            found.append(f"the engine's memory grew from {second.uss_mb:.1f} to {last.uss_mb:.1f} MB")
        if last.threads > second.threads:
            found.append(f"the engine's threads grew from {second.threads} to {last.threads}")
        if last.descriptors > second.descriptors + 8:  # connections come and go
            found.append(f"the engine's descriptors grew from {second.descriptors} to {last.descriptors}")
        return found

    def table(self) -> str:
        head = "| quarter | engine MB | descriptors | threads | all processes MB | processes |\n|---|---|---|---|---|---|"
        lines = [
            f"| {at} | {uss_mb:.1f} | {descriptors:.0f} | {threads:.0f} | {tree_mb:.0f} | {processes:.0f} |"
            for at, (_, uss_mb, descriptors, threads, tree_mb, processes) in enumerate(self.quarters(), 1)
        ]
        return "\n".join([head, *lines])


def main() -> None:
    args = _parse_args()
    rows = int(args.minutes * 60 * args.rate)
    fake = FakeOpenAI(
        Behaviour(
            latency_s=lambda prompt: 0.02 + 0.18 * _share("latency", prompt),
            rules=[Rule(_meets(fault), fault, None if fault in LASTING else 1) for fault in OF_A_THOUSAND],
            requests_per_s=args.rate,
            burst=int(args.rate),
        )
    )
    with tempfile.TemporaryDirectory(prefix="distilflow-soak-") as name, running(fake) as url:
        folder = Path(name)
        (folder / "rows.jsonl").write_text("".join(json.dumps({"instruction": prompt(at)}) + "\n" for at in range(rows)))
        (folder / "pipeline.json").write_text(json.dumps(pipeline(folder / "rows.jsonl", f"{url}/v1")))
        watched = watch(folder, prefect=args.prefect, timeout_s=args.minutes * 180 + 120)
        problems = [*watched.problems(), *account(folder, rows, fake)]
    print(watched.table())
    statuses = dict(sorted(fake.stats.by_status.items()))
    print(f"{rows:,} rows in {watched.seconds:.0f} s, {watched.kills} workers killed, answers by status: {statuses}")
    print("\n".join(problems) or "every row is accounted for; nothing grew")
    sys.exit(bool(problems))


# ---- the job


def prompt(at: int) -> str:
    return f"Question number {at}: what comes next?"


def pipeline(data: Path, url: str) -> dict[str, Any]:
    llm = {"use": "OpenAILLM", "model": "soak", "base_url": url, "max_concurrency": 64, "timeout": TIMEOUT_S}
    return {
        "distilflow": 1,
        "name": "soak",
        "steps": [
            {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": str(data)}},
            {"name": "cut", "use": "TruncateTextColumn", "after": "load", "with": {"column": "instruction"}},
            {"name": "answer", "use": "TextGeneration", "after": "cut", "with": {"llm": llm}},
            {"name": LEAF, "use": "KeepColumns", "after": "answer", "with": {"columns": ["instruction", "generation"]}},
        ],
    }


def _share(of: str, prompt: str) -> float:
    """A number from 0 to 1 that a prompt always has."""
    return int.from_bytes(hashlib.blake2b(f"{of} {prompt}".encode(), digest_size=4).digest(), "little") / 2**32


def _fault_of(prompt: str) -> Fault | None:
    drawn = _share("fault", prompt) * 1000
    for fault, share in OF_A_THOUSAND.items():
        if (drawn := drawn - share) < 0:
            return fault
    return None


def _meets(fault: Fault) -> Callable[[str], bool]:
    return lambda prompt: _fault_of(prompt) is fault


# ---- the run


def watch(folder: Path, *, prefect: bool, timeout_s: float) -> Watched:
    """Run the pipeline to its end, kill workers on the way, and look at the engine."""
    command = [sys.executable, "-m", "flows.cli", "run", str(folder / "pipeline.json"), "--run-id", "soak"]
    command += ["--runs-dir", str(folder / "runs"), *([] if prefect else ["--no-prefect"])]
    env = {**os.environ, "OPENAI_API_KEY": "none"}
    started = time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
        watched, run = Watched(-1, 0.0, 0), RunFolder(folder / "runs" / "soak")
        rng, next_kill = random.Random(0), started + KILL_EVERY_S[1]
        while process.poll() is None:
            if time.monotonic() - started > timeout_s:
                process.kill()
                break
            if (sample := _sample(process.pid, started)) is not None:
                watched.samples.append(sample)
            if time.monotonic() > next_kill:
                next_kill = time.monotonic() + rng.uniform(*KILL_EVERY_S)
                watched.kills += _kill_one(run, rng)
            time.sleep(SAMPLE_EVERY_S)
    watched.exit_code, watched.seconds = process.wait(), time.monotonic() - started
    if watched.exit_code not in (0, 3):
        print((folder / "output.txt").read_text()[-3000:], file=sys.stderr)
    return watched


def _sample(root: int, started: float) -> Sample | None:
    with suppress(psutil.NoSuchProcess, StopIteration):
        tree = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
        engine = next(one for one in tree if one.ppid() == root and "flows.runners.engine_process" in one.cmdline())
        own = engine.memory_full_info().uss / 1e6
        total = sum(one.memory_full_info().uss for one in tree) / 1e6
        return Sample(time.monotonic() - started, own, engine.num_fds(), engine.num_threads(), total, len(tree))
    return None


def _kill_one(run: RunFolder, rng: random.Random) -> int:
    """Kill a worker that is at work; returns how many that were."""
    alive = ready_workers(run)
    if not alive:
        return 0
    with suppress(ProcessLookupError):
        os.kill(rng.choice(alive), signal.SIGKILL)
        return 1
    return 0


# ---- what came of it


def account(folder: Path, rows: int, fake: FakeOpenAI) -> list[str]:
    """What does not add up, in words."""
    run = RunFolder(folder / "runs" / "soak")
    expected = Counter(_fault_of(prompt(at)) for at in range(rows))
    lost = {prompt(at) for at in range(rows) if _fault_of(prompt(at)) in LASTING}
    made = Counter(row["instruction"] for row in read_rows(run.distiset))
    quarantined = Counter(row["row"]["instruction"] for row in run.quarantined())
    problems = []
    if double := [text for text, count in made.items() if count > 1]:
        problems.append(f"{len(double)} rows are there more than once, e.g. {double[0]!r}")
    if missing := [text for at in range(rows) if (text := prompt(at)) not in made and text not in quarantined]:
        problems.append(f"{len(missing)} rows are nowhere, e.g. {missing[0]!r}")
    if quarantined.keys() != lost:
        odd = quarantined.keys() ^ lost
        problems.append(f"{len(odd)} rows are in quarantine that should not be, or the other way round, e.g. {min(odd)!r}")
    replies = fake.stats.by_status[200]
    allowed = rows - len(lost) + sum(expected[fault] for fault in ANSWERED_ALL_THE_SAME)
    if replies > allowed:
        problems.append(f"{replies - allowed} replies more than needed were sent: {replies} for {allowed}")
    return problems


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=120, help="requests a second that the server takes")
    parser.add_argument("--prefect", action="store_true", help="as a flow run, with Prefect's server")
    return parser.parse_args()


if __name__ == "__main__":
    main()
