"""Cheap steps beside distilabel 1.5.3: four steps over N rows, as a user starts them, on the same machine in the same hour.

    python -m benchmarks.cheap_steps --rows 10000 100000 --batch 50 1000 --repeats 3

The systems take turns (A B C, A B C). Their results must be equal, cell by cell. `prefect` is `distilflow run` beside a
Prefect server that runs already; `no-prefect` is `distilflow run --no-prefect`. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from benchmarks.jobs import digest, make_rows, read_rows, spec
from benchmarks.measuring import measure
from benchmarks.results import SLOW_BATCHES, Case, Result, line, read, save, table
from benchmarks.surroundings import DISTILABEL as DISTILABEL_PACKAGES
from benchmarks.surroundings import OFFLINE, ROOT, prefect_server, prefect_server_cpu_s, python_with

DISTILABEL, DISTILABEL_DICTS, PREFECT, NO_PREFECT = SYSTEMS = ("distilabel", "distilabel-dicts", "prefect", "no-prefect")
QUIET = {"DISTILABEL_LOG_LEVEL": "WARNING"}  # spares it a line per step and batch


def main() -> None:
    args = _parse_args()
    if args.show:
        print(table(read(args.show), args.only))
        return
    results: dict[Case, list[Result]] = {}
    with tempfile.TemporaryDirectory(prefix="distilflow-bench-") as name:
        bench = Bench(Path(name), args.venv, args.timeout)
        with prefect_server(Path(name)) if PREFECT in args.only else nullcontext():
            for case in (Case(rows, batch) for rows in args.rows for batch in args.batch):
                results[case] = []
                for turn in range(args.repeats):
                    for system in args.only:
                        if case.is_slow and system.startswith("distilabel") and turn >= args.slow_repeats:
                            continue
                        results[case].append(bench.run(system, case))
                        print(line(results[case][-1]), file=sys.stderr, flush=True)
                check_equal(results[case])
                save(args.json, results)
    print(table(results, args.only))


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
        command = [str(python_with(DISTILABEL_PACKAGES, self.venv)), str(script), str(self._data(case)), str(case.batch)]
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
        before = prefect_server_cpu_s(self.folder)
        cost = measure(command, cwd=ROOT, env={**os.environ, **OFFLINE}, timeout_s=self.timeout_s)
        server_cpu_s = prefect_server_cpu_s(self.folder) - before if system == PREFECT else 0.0
        report = json.loads((work / "runs" / "bench" / "run.json").read_text())
        run_s = report["ended_at"] - report["started_at"]
        return Result(system, case, cost, run_s, server_cpu_s, digest(read_rows(work / "result")))

    def _data(self, case: Case) -> Path:
        path = self.folder / f"rows-{case.rows}.jsonl"
        if not path.exists():
            with path.open("w", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(row)}\n" for row in make_rows(case.rows))
        return path


def check_equal(results: list[Result]) -> None:
    """Stop when systems made different rows: their times say nothing then."""
    found = {result.digest: result.system for result in results}
    if len(found) > 1:
        sys.exit(f"the results differ: {found}")
    for result in results:
        if not result.digest.startswith(f"{result.case.rows} rows"):
            sys.exit(f"{result.system} made {result.digest} of {result.case.rows}")


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
