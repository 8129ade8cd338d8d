"""Cheap steps beside distilabel 1.5.3: four steps over N rows, as a user starts them, on the same machine in the same hour.

    python -m benchmarks.cheap_steps --rows 10000 100000 --batch 50 1000 --repeats 3

The systems take turns (A B C, A B C). Their results must be equal, cell by cell. `prefect` is `distilflow run` beside a
Prefect server that runs already; `no-prefect` is `distilflow run --no-prefect`. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measuring import Cost, measure
from flows.runners.prefect_server import answers, end_server, ensure_server

ROOT = Path(__file__).parents[1]
DISTILABEL, DISTILABEL_DICTS, PREFECT, NO_PREFECT = SYSTEMS = ("distilabel", "distilabel-dicts", "prefect", "no-prefect")
PACKAGES = ("distilabel==1.5.3", "requests", "Pillow", "setuptools<81")
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
QUIET = {"DISTILABEL_LOG_LEVEL": "WARNING"}  # its log costs it up to a fifth of its time
COLUMNS = (
    *("rows", "batch", "system", "runs", "wall s (min–max)", "rows/s, whole process", "rows/s, the run"),
    *("CPU s", "others' CPU s", "peak PSS MB", "peak RSS MB", "× wall", "× CPU"),
)
SLOW_BATCHES = 1000
"""distilabel rewrites its state at every batch: with more batches than these it takes minutes, so it runs fewer times."""


@dataclass(frozen=True, slots=True)
class Case:
    """Rows and batch size of a job."""

    rows: int
    batch: int

    @property
    def is_slow(self) -> bool:
        return self.rows / self.batch >= SLOW_BATCHES


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one system. `run_s`: without the start and the end of the process."""

    system: str
    case: Case
    cost: Cost
    run_s: float
    server_cpu_s: float
    digest: str


def main() -> None:
    args = _parse_args()
    if args.show:
        print(table(read(args.show), args.only))
        return
    results: dict[Case, list[Result]] = {}
    with tempfile.TemporaryDirectory(prefix="distilflow-bench-") as name:
        bench = Bench(Path(name), args.venv, args.timeout)
        with prefect_server(Path(name)) if PREFECT in args.only else no_server():
            for case in (Case(rows, batch) for rows in args.rows for batch in args.batch):
                results[case] = []
                for turn in range(args.repeats):
                    for system in args.only:
                        if case.is_slow and system.startswith("distilabel") and turn >= args.slow_repeats:
                            continue
                        results[case].append(bench.run(system, case))
                        print(_line(results[case][-1]), file=sys.stderr, flush=True)
                check_equal(results[case])
                save(args.json, results)
    print(table(results, args.only))


def save(path: Path, results: dict[Case, list[Result]]) -> None:
    """Every run of every case, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(result) for of_case in results.values() for result in of_case], indent=1))


def read(path: Path) -> dict[Case, list[Result]]:
    """What `save` wrote."""
    results: dict[Case, list[Result]] = defaultdict(list)
    for found in json.loads(path.read_text()):
        case = Case(**found["case"])
        results[case].append(Result(**{**found, "case": case, "cost": Cost(**found["cost"])}))
    return results


class Bench:
    """Runs the job of a case with one system."""

    def __init__(self, folder: Path, venv: Path, timeout_s: float) -> None:
        self.folder = folder
        self.venv = venv
        self.timeout_s = timeout_s

    def run(self, system: str, case: Case) -> Result:
        work = Path(tempfile.mkdtemp(prefix=f"{system}-", dir=self.folder))
        try:
            if system.startswith("distilabel"):
                return self._distilabel(system, case, work)
            return self._distilflow(system, case, work)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _distilabel(self, system: str, case: Case, work: Path) -> Result:
        loader = "dicts" if system == DISTILABEL_DICTS else "files"
        script = ROOT / "benchmarks" / "distilabel_cheap_steps.py"
        command = [str(distilabel_python(self.venv)), str(script), str(self._data(case)), str(case.batch)]
        command += [str(work / "result"), str(work / "cache"), loader]
        env = {**os.environ, **OFFLINE, **QUIET, "HF_HOME": str(work / "hf")}
        cost = measure(command, cwd=work, env=env, timeout_s=self.timeout_s)
        run_s = float(cost.output.rpartition("run_s ")[2])
        return Result(system, case, cost, run_s, 0.0, digest(read_rows(work / "result")))

    def _distilflow(self, system: str, case: Case, work: Path) -> Result:
        pipeline = work / "pipeline.json"
        pipeline.write_text(json.dumps(spec(self._data(case), case.batch)))
        command = [sys.executable, "-m", "flows.cli", "run", str(pipeline), "--run-id", "bench"]
        command += ["--runs-dir", str(work / "runs"), "--output", str(work / "result")]
        command += ["--no-prefect"] if system == NO_PREFECT else []
        before = _server_cpu(self.folder)
        cost = measure(command, cwd=ROOT, env={**os.environ, **OFFLINE}, timeout_s=self.timeout_s)
        server_cpu_s = _server_cpu(self.folder) - before if system == PREFECT else 0.0
        report = json.loads((work / "runs" / "bench" / "run.json").read_text())
        run_s = report["ended_at"] - report["started_at"]
        return Result(system, case, cost, run_s, server_cpu_s, digest(read_rows(work / "result")))

    def _data(self, case: Case) -> Path:
        path = self.folder / f"rows-{case.rows}.jsonl"
        if not path.exists():
            with path.open("w", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(row)}\n" for row in make_rows(case.rows))
        return path


# ---- the job


def make_rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows of six columns and about 400 bytes of JSON."""
    for at in range(count):
        yield {
            "id": at,
            "instruction": f"Question {at}: what is the use of {'one more of these things and ' * 3}of number {at % 97}?",
            "response": f"Answer {at}: {'it can be of use to somebody, ' * 5}as number {at % 89} was.",
            "topic": f"topic {at % 17}",
            "tags": [f"tag {at % 5}", f"tag {at % 7}"],
            "score": at % 100 / 100,
        }


def spec(data: Path, batch: int) -> dict[str, Any]:
    """The same four steps as in `distilabel_cheap_steps.py`."""
    steps = [
        ("response", "TruncateTextColumn", {"column": "response", "max_length": 120}),
        ("labels", "MergeColumns", {"columns": ["topic", "tags"], "output_column": "labels"}),
        ("question", "TruncateTextColumn", {"column": "instruction", "max_length": 100}),
        ("keep", "KeepColumns", {"columns": ["id", "instruction", "response", "labels"]}),
    ]
    load = {"name": "load", "use": "LoadDataFromFileSystem", "batch_size": batch, "with": {"data_files": str(data)}}
    named = [load, *({"name": name, "use": use, "batch_size": batch, "with": params} for name, use, params in steps)]
    for before, step in pairwise(named):
        step["after"] = before["name"]
    return {"distilflow": 1, "name": "cheap-steps", "steps": named}


def read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of a result: Parquet of ours, Arrow of distilabel's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in sorted((folder / "default").glob("*.parquet")):
        yield from pq.read_table(path).to_pylist()
    for path in sorted((folder / "default" / "train").glob("*.arrow")):
        with pa.memory_map(str(path)) as source:
            yield from pa.ipc.open_stream(source).read_all().to_pylist()


def digest(rows: Iterator[dict[str, Any]]) -> str:
    """How many rows there are, and a hash of all their cells, in order."""
    found, count = hashlib.blake2b(digest_size=8), 0
    for row in rows:
        found.update(json.dumps(row, sort_keys=True).encode())
        count += 1
    return f"{count} rows, {found.hexdigest()}"


def check_equal(results: list[Result]) -> None:
    """Stop when systems made different rows: their times say nothing then."""
    found = {result.digest: result.system for result in results}
    if len(found) > 1:
        sys.exit(f"the results differ: {found}")
    for result in results:
        if not result.digest.startswith(f"{result.case.rows} rows"):
            sys.exit(f"{result.system} made {result.digest} of {result.case.rows}")


# ---- surroundings


def distilabel_python(venv: Path) -> Path:
    """The Python of an environment with distilabel; it is made if there is none."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """A server of its own, with a database of its own; ended afterwards."""
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    url = ensure_server(folder)
    try:
        assert answers(url)
        yield
    finally:
        end_server(folder)


@contextmanager
def no_server() -> Iterator[None]:
    yield


def _server_cpu(folder: Path) -> float:
    record = folder / "prefect-server.json"
    if not record.exists():
        return 0.0
    server = psutil.Process(json.loads(record.read_text())["pid"])
    return float(sum(sum(process.cpu_times()[:2]) for process in [server, *server.children(recursive=True)]))


# ---- what it says


def table(results: dict[Case, list[Result]], systems: list[str]) -> str:
    """Medians as a Markdown table; `×` says how many times less than distilabel: wall time, and CPU with the server's."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for case, of_case in results.items():
        by_system: dict[str, list[Result]] = defaultdict(list)
        for result in of_case:
            by_system[result.system].append(result)
        base = next((by_system[name] for name in systems if name.startswith("distilabel") and name in by_system), [])
        lines += [_row(case, name, by_system[name], base) if name in by_system else _left_out(case, name) for name in systems]
    return "\n".join(lines)


def _row(case: Case, system: str, results: list[Result], base: list[Result]) -> str:
    walls = [result.cost.wall_s for result in results]
    wall, run = _median(results, "wall_s"), _median(results, "run_s")
    cpu, server = _median(results, "cpu_s"), _median(results, "server_cpu_s")
    spent = f"{cpu:.1f}" + (f" + {server:.1f} server" if server else "")
    cells = [f"{case.rows:,}", case.batch, system, len(results), f"{wall:.1f} ({min(walls):.1f}–{max(walls):.1f})"]
    cells += [f"{case.rows / wall:,.0f}", f"{case.rows / run:,.0f}", spent, f"{_median(results, 'others_cpu_s'):.0f}"]
    cells += [f"{_median(results, 'peak_pss_mb'):.0f}", f"{_median(results, 'peak_rss_mb'):.0f}"]
    cells += [f"{_median(base, 'wall_s') / wall:.1f}", f"{_median(base, 'cpu_s') / (cpu + server):.1f}"] if base else ["", ""]
    return f"| {' | '.join(map(str, cells))} |"


def _median(results: list[Result], what: str) -> float:
    return statistics.median(float(getattr(r if hasattr(r, what) else r.cost, what)) for r in results)


def _left_out(case: Case, system: str) -> str:
    return f"| {case.rows:,} | {case.batch} | {system} | 0 | left out: takes minutes |{' |' * (len(COLUMNS) - 5)}"


def _line(result: Result) -> str:
    cost, case = result.cost, result.case
    return (
        f"{case.rows} rows, batch {case.batch}, {result.system}: {cost.wall_s:.2f} s ({result.run_s:.2f} s in the run), "
        f"CPU {cost.cpu_s:.1f} s, PSS {cost.peak_pss_mb:.0f} MB, RSS {cost.peak_rss_mb:.0f} MB; "
        f"others used {cost.others_cpu_s:.1f} CPU s"
    )


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--batch", type=int, nargs="+", default=[50, 1000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--slow-repeats", type=int, default=0, help=f"runs of distilabel with {SLOW_BATCHES} batches or more")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=[DISTILABEL, PREFECT, NO_PREFECT], help="in this order")
    parser.add_argument("--venv", type=Path, default=ROOT / "build/bench/distilabel", help="made with distilabel if missing")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/cheap_steps.json")
    parser.add_argument("--show", type=Path, help="run nothing: print the table of an earlier run's JSON")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
