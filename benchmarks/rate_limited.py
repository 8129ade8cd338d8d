"""Whole runs against a real server that limits, fails or is slow: how close they come to the ideal, and how often refused.

    python -m benchmarks.rate_limited                        # all cases, 5 runs each: about four minutes
    python -m benchmarks.rate_limited --only limit --repeats 10

Each run is `distilflow run --no-prefect` against `tests/fakes/openai_server`, both processes of their own on this machine.
The server's own clock measures: the span goes from its first request to its last reply.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil

from benchmarks.measuring import children_cpu_s, machine_cpu_s
from benchmarks.surroundings import ROOT, fake_server

WORDS = " ".join(["word"] * 60)
FAILING, SLOW = "fails-once", "takes-long"


@dataclass(frozen=True)
class Case:
    """A server, by its options, and a run. `mark` adds a word to some of the rows."""

    rows: int
    server: tuple[str, ...]
    ideal_s: float
    """Shortest possible span."""
    max_concurrency: int = 256
    from_first_reply: bool = False
    """The span begins with the first reply."""
    mark: Callable[[int], str] = lambda row: ""
    beside_bare: bool = False
    """Whether bare aiohttp, which knows no limits and no retries, does the same in turn."""

    def prompt(self, row: int) -> str:
        """What a row asks."""
        return f"{row} {self.mark(row)} {WORDS}"


def is_slow(row: int) -> bool:
    return row % 50 == 25


def ideal_with_stragglers_s(rows: int, lanes: int, quick_s: float, slow_s: float) -> float:
    """First to last reply when each lane takes the next row as soon as it is free."""
    free_at = [0.0] * lanes
    last = 0.0
    for row in range(rows):
        ends = free_at[0] + (slow_s if is_slow(row) else quick_s)
        heapq.heapreplace(free_at, ends)
        last = max(last, ends)
    return last - quick_s


LIMIT = ("--latency", "0.2", "--rate", "60", "--burst", "60", "--retry-after", "1")
CASES = {
    "limit of 60 a second": Case(600, (*LIMIT, "--silent"), (600 - 60) / 60 + 0.2),
    "limit of 60 a second, told in headers": Case(600, LIMIT, (600 - 60) / 60 + 0.2),
    "5 % of the rows fail once (500)": Case(
        600,
        ("--latency", "0.2", "--rule", f"server-error:{FAILING}:1"),
        0.2 * (1 + 1 + 600 / 256),
        mark=lambda row: FAILING if row % 20 == 10 else "",
    ),
    "one row in 50 takes 5 s, the others 50 ms": Case(
        3000,
        ("--latency", "0.05", "--slow", f"{SLOW}:5"),
        ideal_with_stragglers_s(3000, 128, 0.05, 5.0),
        max_concurrency=128,
        from_first_reply=True,
        mark=lambda row: SLOW if is_slow(row) else "",
        beside_bare=True,
    ),
    "no limit": Case(5000, ("--latency", "0.2"), 5000 / 256 * 0.2, beside_bare=True),
}

HEADER = """\
| case | runs | span / ideal: median (min-max) | of bare aiohttp's rows/s | refused: median (min-max) | further requests \
| rows missing | others' CPU |
|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Result:
    """What one run took."""

    span_s: float
    bare_s: float | None
    """Span of bare aiohttp, right afterwards."""
    refused: int
    extra: int
    missing: int
    others_cpu: float
    """Share of the machine that everything else used meanwhile."""


def run(case: Case) -> Result:
    """One run, from nothing."""
    with tempfile.TemporaryDirectory() as name, fake_server(*case.server) as url:
        folder = Path(name)
        write_rows(folder / "rows.jsonl", case)
        (folder / "pipeline.yaml").write_text(pipeline(folder / "rows.jsonl", f"{url}/v1", case.max_concurrency))
        command = [sys.executable, "-m", "flows.cli", "run", str(folder / "pipeline.yaml"), "--no-prefect"]
        before, own_before, started = machine_cpu_s(), children_cpu_s(), time.perf_counter()
        done = subprocess.run(
            [*command, "--runs-dir", str(folder / "runs"), "--run-id", "bench"],
            cwd=ROOT,
            env={**os.environ, "OPENAI_API_KEY": "none"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        wall_s, others_s = time.perf_counter() - started, machine_cpu_s() - before - (children_cpu_s() - own_before)
        if done.returncode not in (0, 3):
            raise SystemExit(f"exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        stats = stats_of(url)
        report = json.loads((folder / "runs" / "bench" / "run.json").read_text())
        others_s -= sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children())  # the server
    refused = stats["by_status"].get("429", 0)
    return Result(
        span_s=span_s(case, stats),
        bare_s=bare_span_s(case) if case.beside_bare else None,
        refused=refused,
        extra=stats["requests"] - refused - case.rows,
        missing=case.rows - sum(report["rows"].values()),
        others_cpu=max(0.0, others_s) / wall_s / (os.cpu_count() or 1),
    )


def stats_of(url: str) -> dict[str, Any]:
    """What the fake counted."""
    with urllib.request.urlopen(f"{url}/_stats") as answer:
        stats: dict[str, Any] = json.load(answer)
    return stats


def span_s(case: Case, stats: dict[str, Any]) -> float:
    """To the last reply."""
    return float(stats["last_reply_at"] - stats["first_reply_at" if case.from_first_reply else "first_at"])


def bare_span_s(case: Case) -> float:
    """What bare aiohttp takes for the same requests."""
    with fake_server(*case.server) as url:
        asyncio.run(ask_bare(case, f"{url}/v1/chat/completions"))
        return span_s(case, stats_of(url))


async def ask_bare(case: Case, url: str) -> None:
    rows = iter(range(case.rows))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def work() -> None:
            for row in rows:
                body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": case.prompt(row)}]})
                async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
                    orjson.loads(await response.read())

        await asyncio.gather(*(work() for _ in range(case.max_concurrency)))


def write_rows(path: Path, case: Case) -> None:
    rows = ({"instruction": case.prompt(row)} for row in range(case.rows))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def pipeline(data: Path, url: str, max_concurrency: int) -> str:
    llm = {"use": "OpenAILLM", "model": "m", "base_url": url, "max_concurrency": max_concurrency}
    steps = [
        {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": str(data)}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}},
    ]
    return json.dumps({"distilflow": 1, "name": "rate-limited", "steps": steps})


def row(name: str, case: Case, results: Sequence[Result]) -> str:
    """A case as a line of the table."""
    ratios, refused = [result.span_s / case.ideal_s for result in results], [result.refused for result in results]
    beside = [result.bare_s / result.span_s for result in results if result.bare_s is not None]
    cells = (
        name,
        str(len(results)),
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
        f"{statistics.median(beside):.2f} ({min(beside):.2f}-{max(beside):.2f})" if beside else "",
        f"{statistics.median(refused):.0f} ({min(refused)}-{max(refused)})",
        ", ".join(sorted({str(result.extra) for result in results})),
        ", ".join(sorted({str(result.missing) for result in results})),
        f"{100 * statistics.median(result.others_cpu for result in results):.0f} %",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[""], help="cases whose name holds one of these")
    args = parser.parse_args()
    print(HEADER)
    for name, case in CASES.items():
        if any(part in name for part in args.only):
            print(row(name, case, [run(case) for _ in range(args.repeats)]), flush=True)


if __name__ == "__main__":
    main()
