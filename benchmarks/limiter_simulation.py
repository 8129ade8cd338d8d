"""How close the limiter comes to what a server allows, and how often it is refused: in virtual time, over many seeds.

    python -m benchmarks.limiter_simulation                      # all cases, 150 seeds each: about five minutes
    python -m benchmarks.limiter_simulation --quick              # 20 seeds each
    python -m benchmarks.limiter_simulation --only "burst 5" headers

The world is in `virtual_time.py`. A run's span goes from the start to the last reply on disk; 1.00 is the shortest possible.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.virtual_time import Outcome, World, around, batching, heavy_tail, limited, mixed, simulate

HEAVY: dict[str, Any] = {"latency": heavy_tail, "mean_latency_s": 0.05 * 0.98 + 5 * 0.02, "longest_latency_s": 5.0}
SLOW: dict[str, Any] = {"latency": around(10), "mean_latency_s": 10.0, "longest_latency_s": 10.0}


@dataclass(frozen=True)
class Case:
    """A world and what is asked of the limiter in it: span by ideal for 95 % of the runs and for all, refusals for all."""

    world: World
    p95: float = 1.25
    worst: float = 2.0
    refusals: float = math.inf

    def is_met(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether these runs are good enough."""
        ratios = [outcome.ratio for outcome in outcomes]
        most_refusals = max(outcome.refusals for outcome in outcomes)
        return percentile(ratios, 95) <= self.p95 and max(ratios) <= self.worst and most_refusals <= self.refusals


CASES = {
    # what the limiter is held to
    "60 rps": Case(limited(60, 600), worst=1.1, refusals=30),
    "8 rps": Case(limited(8, 200), refusals=40),
    "300 rps": Case(limited(300, 5000), refusals=50),
    "burst 5": Case(limited(60, 600, burst=5), refusals=40),
    "network 0.1 s each way": Case(limited(60, 600, network_s=0.1)),
    "network 5 ms each way": Case(limited(60, 600, network_s=0.005), worst=1.1, refusals=30),
    "network 10 ms each way": Case(limited(60, 600, network_s=0.01), worst=1.1),
    "network 20 ms each way": Case(limited(60, 600, network_s=0.02), worst=1.1),
    "Retry-After 5 s": Case(limited(60, 600, retry_after_s=5.0), refusals=40),
    "two processes, 300 rows each": Case(limited(60, 300, clients=2), refusals=60),
    "two processes, 600 rows each": Case(limited(60, 600, clients=2), refusals=80),
    "two processes, one 3 s later": Case(limited(60, 600, clients=2, stagger_s=3.0), refusals=120),
    "unlimited, 5000 rows": Case(World(rows=5000), worst=1.03, refusals=0),
    "unlimited, 1000 rows": Case(World(rows=1000), worst=1.03, refusals=0),
    "unlimited, heavy tail": Case(World(rows=10000, has_formula=False, **HEAVY), p95=1.05, refusals=0),
    # other servers
    "no Retry-After": Case(limited(60, 600, retry_after_s=None), refusals=40),
    "exact Retry-After": Case(limited(60, 600, is_exact=True), refusals=40),
    "exact Retry-After, burst 5": Case(limited(60, 600, burst=5, is_exact=True), refusals=40),
    "600 rps": Case(limited(600, 6000), refusals=50),
    "burst 600": Case(limited(60, 1800, burst=600), refusals=50),
    "burst 1": Case(limited(60, 600, burst=1), p95=1.5, refusals=40),
    "burst 1, network 0.1 s": Case(limited(60, 600, burst=1, network_s=0.1), p95=6, worst=8),
    "60, then 20, then 60 rps": Case(World(rows=900, rates=((0, 60), (5, 20), (13, 60)), burst=60), refusals=60),
    "20, then 60 rps, no Retry-After": Case(
        World(rows=900, rates=((0, 20), (8, 60)), burst=20, retry_after_s=None), refusals=60
    ),
    "100 every 10 s": Case(World(rows=600, burst=100, refill_s=10.0, is_exact=True), refusals=60),
    "60 every 60 s": Case(World(rows=240, burst=60, refill_s=60.0, is_exact=True), refusals=40),
    "60 every 60 s, Retry-After 1 s": Case(World(rows=240, burst=60, refill_s=60.0)),
    "10 at once": Case(World(rows=600, at_once=10), p95=1.5, refusals=40),
    # other circumstances
    "slow connections": Case(limited(60, 600, opening_s=0.0015), worst=1.1, refusals=30),
    "slow connections, 300 rps": Case(limited(300, 5000, opening_s=0.0015), refusals=50),
    "slow connections, unlimited": Case(World(rows=5000, opening_s=0.0015), worst=1.05, refusals=0),
    "stalls up to 0.3 s": Case(limited(60, 600, stall_s=0.3), refusals=100),
    "5 % errors": Case(limited(60, 600, errors=0.05), refusals=40),
    "replies take 10 s, 8 rps": Case(limited(8, 300, **SLOW), refusals=40),
    "heavy tail, 60 rps": Case(limited(60, 600, **HEAVY), refusals=40),
    # servers that say what is left
    "headers": Case(limited(60, 600, headers="arrival"), worst=1.1, refusals=30),
    "headers, counted at the reply": Case(limited(60, 600, headers="reply"), worst=1.1, refusals=30),
    "headers, 8 rps": Case(limited(8, 200, headers="arrival"), refusals=30),
    "headers, 300 rps": Case(limited(300, 5000, headers="arrival"), refusals=40),
    "headers, 600 rps": Case(limited(600, 6000, headers="reply"), refusals=40),
    "headers, two processes": Case(limited(60, 300, headers="arrival", clients=2), refusals=60),
    # latency that rises with the number of requests; beside a run without limiter
    "queue behind 32 workers": Case(World(rows=6000, workers=32, has_formula=False), p95=1.05, refusals=0),
    "queue, heavy tail": Case(World(rows=6000, workers=32, has_formula=False, **HEAVY), p95=1.05, refusals=0),
    "batching GPU": Case(World(rows=10000, latency=batching, has_formula=False), p95=1.05, refusals=0),
    "short answers, then long ones": Case(World(rows=9000, latency=mixed, has_formula=False), p95=1.05, refusals=0),
}

HEADER = """\
| case | ideal s | span / ideal: p50, p95, max | refusals: p50, p95, max | window at the end | asked of it |
|---|---|---|---|---|---|"""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not below this share of them."""
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def row(name: str, case: Case, outcomes: Sequence[Outcome]) -> str:
    """A case as a line of the table."""
    ratios = [outcome.ratio for outcome in outcomes]
    refusals = [outcome.refusals for outcome in outcomes]
    windows = sorted({outcome.last_window for outcome in outcomes})
    asked = f"p95 ≤ {case.p95:g}, max ≤ {case.worst:g}" + (
        f", {case.refusals:.0f} refusals" if case.refusals < math.inf else ""
    )
    cells = (
        name,
        f"{sum(outcome.ideal_s for outcome in outcomes) / len(outcomes):.1f}",
        ", ".join(f"{percentile(ratios, percent):.2f}" for percent in (50, 95, 100)),
        ", ".join(f"{percentile(refusals, percent):.0f}" for percent in (50, 95, 100)),
        f"{windows[0]}" if len(windows) == 1 else f"{windows[0]}–{windows[-1]}",
        asked if case.is_met(outcomes) else f"**missed:** {asked}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=150)
    parser.add_argument("--quick", action="store_true", help="20 seeds")
    parser.add_argument("--only", nargs="*", default=[""], help="cases whose name holds one of these")
    args = parser.parse_args()
    seeds = range(20 if args.quick else args.seeds)
    is_met = True
    print(HEADER)
    for name, case in CASES.items():
        if any(part in name for part in args.only):
            outcomes = [simulate(case.world, seed) for seed in seeds]
            is_met &= case.is_met(outcomes)
            print(row(name, case, outcomes), flush=True)
    sys.exit(not is_met)


if __name__ == "__main__":
    main()
