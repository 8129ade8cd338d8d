"""Rows of a large result through the routes of the app: how long until they are there, and how many bytes?

python -m benchmarks.data_place                     # a million rows, 20 requests of each kind
python -m benchmarks.data_place --rows 100000 --repeats 50 --keep build/bench/data_place
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil

from flows.parquet import write_rows
from flows.runs import RunFolder, RunReport

ROOT = Path(__file__).resolve().parents[1]
RUN = "large-1"
PAGE_ROWS = 50


def make_rows(count: int) -> Iterator[dict[str, Any]]:
    """Preference pairs of real sentences, each with a prompt of its own: chats, ratings, models, a score, a category."""
    recordings = [orjson.loads(line) for line in (ROOT / "examples" / "data" / "recordings.jsonl").read_text().splitlines()]
    texts = [text for one in recordings for text in one.values() if isinstance(text, str)]
    sentences = [part for text in texts for part in text.split(". ") if len(part) > 10]
    chance = random.Random(7)
    for number in range(count):
        prompt = f"{chance.choice(sentences)} (case {number}) {chance.choice(sentences)}"
        best = ". ".join(chance.choices(sentences, k=chance.choice((1, 2, 3, 5))))
        rating = chance.choices((1, 2, 3, 4, 5), (2, 5, 15, 40, 38))[0]
        yield {
            "prompt": prompt,
            "chosen": [{"role": "user", "content": prompt}, {"role": "assistant", "content": best}],
            "rejected": ". ".join(chance.choices(sentences, k=chance.choice((1, 1, 2, 3)))),
            "chosen_rating": rating,
            "rejected_rating": chance.randint(1, rating),
            "chosen_model": chance.choice(("gpt-4o-mini", "Qwen3-8B", "Llama-3.1-8B")),
            "score": chance.gauss(0.6, 0.15),
            "category": chance.choice(("science", "writing", "code", "advice")),
        }


def make_run(folder: Path, count: int) -> None:
    """A finished run with so many rows, written as the engine writes them; one that is there already is kept."""
    run = RunFolder(folder / RUN)
    if run.exists() and sum(run.report().rows.values()) == count:
        return
    write_rows(make_rows(count), run.path / "distiset" / "default")
    run.save_report(RunReport(run_id=RUN, pipeline="large", state="finished", rows={"default": count}, ended_at=time.time()))


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and its process."""

    url: str
    process: psutil.Process

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@contextlib.contextmanager
def app(runs_dir: Path) -> Iterator[Server]:
    """The app as its users have it, in a process of its own."""
    command = [sys.executable, "-m", "tests.ui.serve", "--runs-dir", str(runs_dir), "--inline"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().split()[1]}"
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url}/api/health").status_code == 200:
                    break
            time.sleep(0.1)
        yield Server(f"{url}/api/runs/{RUN}", psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True, slots=True)
class Line:
    """What was asked, how long each answer took, what they cost the server, and how large the last one was."""

    what: str
    seconds: list[float]
    cpu_s: float
    size: int

    def __str__(self) -> str:
        times = sorted(1000 * second for second in self.seconds)
        p95 = times[min(len(times) - 1, round(0.95 * (len(times) - 1)))]
        shown = (statistics.median(times), p95, times[-1])
        cpu = 1000 * self.cpu_s / len(times)
        waited = " | ".join(f"{time:.0f}" for time in shown)
        return f"| {self.what} | {len(times)} | {waited} | {cpu:.0f} | {self.size / 1000:,.0f} |"


def ask(
    server: Server, client: httpx.Client, what: str, path: str, params: Callable[[int], dict[str, Any]], repeats: int
) -> Line:
    seconds, size, before = [], 0, server.cpu_s()
    for turn in range(repeats):
        began = time.perf_counter()
        reply = client.get(path, params=params(turn))
        seconds.append(time.perf_counter() - began)
        reply.raise_for_status()
        size = len(reply.content)
    return Line(what, seconds, server.cpu_s() - before, size)


def measure(server: Server, rows: int, repeats: int) -> list[Line]:
    chance = random.Random(3)
    pages = rows // PAGE_ROWS
    rated = json.dumps([["chosen_rating", "≥", "4"]])
    lines = []
    with httpx.Client(base_url=server.url, timeout=120) as client:

        def some(what: str, path: str = "/data", **params: Any) -> None:
            lines.append(ask(server, client, what, path, lambda _: params, 1))

        def many(what: str, path: str = "/data", **params: Any) -> None:
            def turned(_: int) -> dict[str, Any]:
                return {name: value() if callable(value) else value for name, value in params.items()}

            lines.append(ask(server, client, what, path, turned, repeats))

        some("the first page, of an app that has just started")
        many("the first page")
        many(f"page {pages // 2:,}", page=pages // 2)
        many("any page", page=lambda: chance.randint(1, pages))
        some("sorted by a number, asked for the first time", sort="desc:score")
        many("sorted by a number, any page", sort="desc:score", page=lambda: chance.randint(1, pages))
        some("sorted by a text, asked for the first time", sort="asc:prompt")
        many("sorted by a text, any page", sort="asc:prompt", page=lambda: chance.randint(1, pages))
        some("a filter, asked for the first time", filters=rated)
        many("a filter, any page", filters=rated, page=lambda: chance.randint(1, pages // 2))
        many("a new filter each time", filters=lambda: json.dumps([["score", ">", repr(chance.random())]]))
        some("a search in all texts, asked for the first time", search="landlord")
        many("a search in all texts, any page", search="landlord", page=lambda: chance.randint(1, 50))
        many("one row", path="/data/row", part="default / train", index=lambda: chance.randrange(rows))
        names = [column["name"] for column in client.get("/data").json()["columns"]]
        lines.append(
            ask(
                server,
                client,
                "statistics of a column, first time",
                "/data/statistics",
                lambda at: {"column": names[at]},
                len(names),
            )
        )
        lines.append(
            ask(
                server,
                client,
                "statistics of a column, again",
                "/data/statistics",
                lambda at: {"column": names[at]},
                len(names),
            )
        )
    return lines


def while_counting(server: Server, rows: int, repeats: int) -> Line:
    """Pages of a second app while its first columns are counted."""
    chance = random.Random(5)
    with httpx.Client(base_url=server.url, timeout=120) as client:
        names = [column["name"] for column in client.get("/data").json()["columns"]]

        def count() -> None:
            with httpx.Client(base_url=server.url, timeout=120) as other:
                for name in names:
                    other.get("/data/statistics", params={"column": name}).raise_for_status()

        counting = threading.Thread(target=count)
        counting.start()
        line = ask(
            server,
            client,
            "any page, while the columns are counted",
            "/data",
            lambda _: {"page": chance.randint(1, rows // PAGE_ROWS)},
            repeats,
        )
        counting.join()
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="Folder to make the run in and to leave it in.")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="distilflow-data-")))
        make_run(folder, args.rows)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        load = os.getloadavg()[0]
        with app(folder) as server:
            lines = measure(server, args.rows, args.repeats)
        with app(folder) as server:
            lines.append(while_counting(server, args.rows, args.repeats))
    print(f"{args.rows:,} rows, {size / 1e6:,.0f} MB of Parquet; load before: {load:.1f} on {os.cpu_count()} cores\n")
    print("| what | requests | p50 ms | p95 ms | slowest ms | CPU ms | KB |\n|---|---|---|---|---|---|---|")
    for line in lines:
        print(line)


if __name__ == "__main__":
    main()
