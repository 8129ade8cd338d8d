"""How close the limiter comes to what a server allows, and how often it is refused: in virtual time, over many seeds.

python -m benchmarks.limiter_simulation            # all cases, 150 seeds each
python -m benchmarks.limiter_simulation --quick --only "60 rps"
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence

from benchmarks.virtual_time import Outcome, World, around, batching, heavy_tail, mixed, simulate


def limited(rps: float, rows: int, burst: float | None = None, **more: object) -> World:
    return World(rows=rows, rates=((0.0, rps),), burst=rps if burst is None else burst, **more)  # type: ignore[arg-type]


CASES: dict[str, World] = {
    "60 rps": limited(60, 600),
    "8 rps": limited(8, 200),
    "300 rps": limited(300, 5000),
    "burst 5": limited(60, 600, burst=5),
    "network 0.1 s": limited(60, 600, network_s=0.1),
    "Retry-After 5 s": limited(60, 600, retry_after_s=5.0),
    "two processes": limited(60, 300, clients=2),
    "two processes, 600 rows each": limited(60, 600, clients=2),
    "no Retry-After": limited(60, 600, retry_after_s=None),
    "stalls": limited(60, 600, stall_s=0.3),
    "burst 1": limited(60, 600, burst=1),
    "burst 1, network 0.1 s": limited(60, 600, burst=1, network_s=0.1),
    "burst 600": limited(60, 1800, burst=600),
    "60, 20, 60 rps": World(rows=900, rates=((0.0, 60), (5.0, 20), (13.0, 60)), burst=60),
    "20, 60 rps, no Retry-After": World(rows=900, rates=((0.0, 20), (8.0, 60)), burst=20, retry_after_s=None),
    "600 rps": limited(600, 6000),
    "5% errors": limited(60, 600, errors=0.05),
    "slow model 10 s": limited(8, 300, latency=around(10), mean_latency_s=10, longest_latency_s=10),
    "unlimited": World(has_formula=False, rows=5000),
    "unlimited 1000": World(has_formula=False, rows=1000),
    "heavy tail": World(
        has_formula=False, rows=20000, latency=heavy_tail, mean_latency_s=0.05 * 0.98 + 0.02 * 5, longest_latency_s=5
    ),
    "heavy tail, 60 rps": limited(60, 600, latency=heavy_tail, mean_latency_s=0.05 * 0.98 + 0.02 * 5, longest_latency_s=5),
    "queue": World(has_formula=False, rows=6000, workers=32),
    "queue, heavy tail": World(
        has_formula=False, rows=6000, workers=32, latency=heavy_tail, mean_latency_s=0.05 * 0.98 + 0.02 * 5, longest_latency_s=5
    ),
    "batching": World(has_formula=False, rows=10000, latency=batching, mean_latency_s=1.0, longest_latency_s=1),
    "mixed work": World(has_formula=False, rows=9000, latency=mixed, mean_latency_s=0.2, longest_latency_s=2),
    "at most 10 at once": World(rows=600, at_once=10),
    "headers": limited(60, 600, headers="arrival"),
    "headers at reply": limited(60, 600, headers="reply"),
    "headers, 8 rps": limited(8, 200, headers="arrival"),
    "headers, 300 rps": limited(300, 5000, headers="arrival"),
    "headers, 600 rps": limited(600, 6000, headers="reply"),
    "headers, two": limited(60, 300, headers="arrival", clients=2),
}


def line(name: str, outcomes: Sequence[Outcome]) -> str:
    ratios = sorted(o.ratio for o in outcomes)
    refusals = sorted(o.refusals for o in outcomes)

    def at(values: list, share: float) -> float:  # type: ignore[type-arg]
        return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]

    return (
        f"| {name} | {outcomes[0].ideal_s:.1f} | {at(ratios, 0.5):.2f} / {at(ratios, 0.95):.2f} / {ratios[-1]:.2f} "
        f"| {at(refusals, 0.5)} / {at(refusals, 0.95)} / {refusals[-1]} | {max(o.most_in_flight for o in outcomes)} {min(o.last_window for o in outcomes)}-{max(o.last_window for o in outcomes)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=150)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*")
    args = parser.parse_args()
    seeds = 20 if args.quick else args.seeds
    for name, world in CASES.items():
        if args.only and not any(part in name for part in args.only):
            continue
        started = time.process_time()
        print(line(name, [simulate(world, seed) for seed in range(seeds)]), f"{time.process_time() - started:.1f}s", flush=True)


if __name__ == "__main__":
    main()
