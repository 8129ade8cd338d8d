"""One job, many systems, each as its user starts it: against a mock server, on the same machine, taking turns.

    python -m benchmarks.peers --turns 2
    python -m benchmarks.peers --quick
    python -m benchmarks.peers --systems aiohttp curator no-prefect --cases start rows-1000

Cases of speed take turns (A B C, A B C); the others, which count requests and rows, are run once. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from benchmarks.openai_server import openai_server
from benchmarks.peers import cases, systems
from benchmarks.peers.cases import Case
from benchmarks.peers.results import Results, line, tables
from benchmarks.peers.running import Bench
from benchmarks.peers.systems import PREFECT, VENVS, System, Unavailable
from benchmarks.surroundings import prefect_server


def main() -> None:
    args = _parse_args()
    if args.show:
        print(tables(Results.read(args.show)))
        return
    results, started = Results(), time.monotonic()
    wanted = _prepared([systems.BY_NAME[name] for name in args.systems], results)
    with tempfile.TemporaryDirectory(prefix="distilflow-bench-") as name:
        folder = Path(name)
        has_prefect = any(system.name == PREFECT for system in wanted)
        with openai_server() as server, prefect_server(folder) if has_prefect else nullcontext():
            bench = Bench(server, folder, args.timeout, args.hang)
            for case in (cases.BY_NAME[name] for name in args.cases):
                for turn in range(args.turns if case.takes_turns else 1):
                    _take_turn(bench, case, turn, wanted, results, args.slow)
                    results.save(args.json)
    print(tables(results))
    print(f"{time.monotonic() - started:.0f} s in all; every run: {args.json}", file=sys.stderr)


def _prepared(wanted: list[System], results: Results) -> list[System]:
    """Those of the systems that are, or could be, installed."""
    ready = []
    for system in wanted:
        try:
            system.prepare()
            ready.append(system)
        except Unavailable as error:
            results.unavailable[system.name] = str(error)
            print(f"{system.name}: {error}", file=sys.stderr)
    return ready


def _take_turn(bench: Bench, case: Case, turn: int, wanted: list[System], results: Results, slow_s: float) -> None:
    for system in wanted:
        is_slow = turn > 0 and any(run.wall_s > slow_s or run.failure for run in results.of(case.name, system.name))
        if is_slow or system.cannot(case):
            continue
        results.add(run := bench.run(system, case))
        print(line(run), file=sys.stderr, flush=True)


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", choices=systems.BY_NAME, default=list(systems.BY_NAME), help="in this order")
    parser.add_argument("--cases", nargs="+", choices=cases.BY_NAME, default=list(cases.BY_NAME))
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help=f"one turn, and only {', '.join(systems.QUICK)}")
    parser.add_argument("--slow", type=float, default=30, help="a run that took longer than so many seconds is not repeated")
    parser.add_argument("--json", type=Path, default=VENVS / "peers.json")
    parser.add_argument("--show", type=Path, help="run nothing: print the tables of an earlier run's JSON")
    parser.add_argument("--timeout", type=float, default=180, help="seconds for one run")
    parser.add_argument("--hang", type=float, default=60, help="seconds after which a second start counts as hanging")
    args = parser.parse_args()
    if args.quick:
        args.systems, args.turns = list(systems.QUICK), 1
    return args


if __name__ == "__main__":
    main()
