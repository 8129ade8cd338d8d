"""What a row costs inside a worker: source and four steps of `cheap_steps.py` in one chain, without scheduler and start.

    python -m benchmarks.data_plane --rows 50000 --batch 1000 --repeats 7
    python -m benchmarks.data_plane --profile

CPU time of this process, best of the repeats: others on the machine disturb it least. `--tiny` takes rows of two columns
through four steps that do almost nothing: what is left is the engine's own part.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import pstats
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.jobs import make_rows, spec
from flows.engine.chain import Chain
from flows.engine.desk import Desk
from flows.engine.outcome import Outcome
from flows.engine.stages import Stage, stages_of
from flows.plan import plan
from flows.spec import PipelineSpec


class Spent(NamedTuple):
    """CPU microseconds a row: in the worker, and in the scheduler for reading what the worker sends."""

    worker: float
    reading: float


def main() -> None:
    args = _parse_args()
    with tempfile.TemporaryDirectory(prefix="distilflow-bench-") as name:
        folder = Path(name)
        stage = make_stage(folder / "rows.jsonl", args.rows, args.batch, is_tiny=args.tiny)
        gc.freeze()  # as in a worker
        gc.set_threshold(50_000, 20, 50)
        if args.profile:
            with cProfile.Profile() as profile:
                run(stage, folder / "profiled", args.rows, args.batch)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
            return
        spent = [run(stage, folder / str(turn), args.rows, args.batch) for turn in range(args.repeats)]
        worker, reading = min(found.worker for found in spent), min(found.reading for found in spent)
        print(f"{args.rows} rows, batch {args.batch}, best of {args.repeats}")
        print(f"worker: {worker:.1f} µs a row, {1e6 / worker:,.0f} rows/s; reading in the scheduler: {reading:.1f} µs a row")


def make_stage(data: Path, rows: int, batch: int, *, is_tiny: bool) -> Stage:
    """The one stage that the job is fused into."""
    with data.open("w", encoding="utf-8") as file:
        made = ({"id": at, "text": "some text"} for at in range(rows)) if is_tiny else make_rows(rows)
        file.writelines(f"{json.dumps(row)}\n" for row in made)
    [stage] = stages_of(plan(PipelineSpec.model_validate(tiny_spec(data, batch) if is_tiny else spec(data, batch)))).values()
    return stage


def tiny_spec(data: Path, batch: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": "LoadDataFromFileSystem", "batch_size": batch, "with": {"data_files": str(data)}}
    ]
    for number in range(4):
        step = {"name": f"keep_{number}", "use": "KeepColumns", "batch_size": batch, "with": {"columns": ["id", "text"]}}
        steps.append({**step, "after": steps[-1]["name"]})
    return {"distilflow": 1, "name": "tiny", "steps": steps}


def run(stage: Stage, folder: Path, rows: int, batch: int) -> Spent:
    """Take all rows through the chain, as a worker does."""
    chain = Chain(stage, Desk(folder, "bench", {}))
    chain.load()
    sent = []
    started = time.process_time()
    while True:
        outcome = chain.pull(batch, 10**6)
        sent.append(outcome.to_bytes())
        if outcome.is_last:
            break
    chain.close()
    ended = time.process_time()
    for data in sent:
        Outcome.from_bytes(data)
    return Spent((ended - started) / rows * 1e6, (time.process_time() - ended) / rows * 1e6)


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--profile", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
