"""Our steps beside those of distilabel 1.5.3 that bear the same name: do they make the same of the same rows?

    python -m benchmarks.equal_steps DATA                 # JSONL files, or folders of them, with a column `instruction`
    python -m benchmarks.equal_steps DATA --only FormatPRM

Each case runs on all rows of the data, 500 or more, and every cell is compared. distilabel works in a virtual environment of
its own. A step that is new adds a line to `CASES` in `equal_cases.py`. The command ends with 1 where something differs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.equal_cases import CASES, Branches, Case, Rows, read_rows
from benchmarks.surroundings import DISTILABEL, OFFLINE, ROOT, python_with
from steps import registry
from steps.base import GeneratorStep, GlobalStep, JoinStep, Row, Step
from steps.errors import DistilflowError
from steps.wording import quoted

LEAST_ROWS = 500
BATCH = 50
WORKER = Path(__file__).parent / "distilabel_equal_steps.py"
PACKAGES = DISTILABEL
"""What distilabel's steps need. A case whose step needs more adds it here, and gives `--venv` a folder of its own by default:
an environment is made anew when its packages change."""
EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Made:
    """What one side made of a case, or why it did not."""

    rows: Rows
    seconds: float
    error: str = ""


def main() -> int:
    args = _parse_args()
    rows = read_rows(args.data)
    if len(rows) < LEAST_ROWS:
        sys.exit(f"the data has {len(rows)} rows with an instruction; a comparison takes {LEAST_ROWS} or more")
    cases = [case for case in CASES if not args.only or case.step in args.only]
    branches = [case.branches(rows) for case in cases]
    theirs = run_theirs(cases, branches, python_with(PACKAGES, args.venv))
    print("| step | rows in | rows out | result | distilabel s | distilflow s |\n|---|---|---|---|---|---|")
    verdicts = []
    for case, given, their in zip(cases, branches, theirs, strict=True):
        our = run_ours(case, given)
        verdicts.append(compare(case, our, their))
        counts = f"{len(given[0]) if given else 0:,} | {len(our.rows):,}"
        print(f"| {case.name} | {counts} | {verdicts[-1]} | {their.seconds:.3f} | {our.seconds:.3f} |", flush=True)
    print(f"\n{verdicts.count(EQUAL)} of {len(verdicts)} cases are equal.")
    return int(set(verdicts) != {EQUAL})


def run_theirs(cases: Sequence[Case], branches: Sequence[Branches], python: Path) -> list[Made]:
    """What distilabel makes of the cases, all in one process: its import takes longer than they do."""
    with tempfile.TemporaryDirectory(prefix="distilflow-equal-") as name:
        folder = Path(name)
        told = [_written(case, given, folder, at) for at, (case, given) in enumerate(zip(cases, branches, strict=True))]
        job = folder / "job.json"
        job.write_text(json.dumps({"batch": BATCH, "cases": told}))
        env = {
            **os.environ,
            **OFFLINE,
            "HF_HOME": str(folder / "hf"),
            "PYTHONWARNINGS": "ignore",
            "DISTILABEL_LOG_LEVEL": "WARNING",
        }
        done = subprocess.run([str(python), str(WORKER), str(job)], env=env, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"distilabel ended with {done.returncode}: {done.stderr[-2000:]}")
        ended = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return [
            Made([] if end["error"] else _read(Path(case["output"])), end["seconds"], end["error"])
            for case, end in zip(told, ended, strict=True)
        ]


def _written(case: Case, branches: Branches, folder: Path, number: int) -> dict[str, Any]:
    inputs = [folder / f"in-{number}-{at}.jsonl" for at in range(len(branches))]
    for path, rows in zip(inputs, branches, strict=True):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    output = str(folder / f"out-{number}.jsonl")
    return {"step": case.their_class, "parameters": case.parameters_there, "inputs": list(map(str, inputs)), "output": output}


def _read(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run_ours(case: Case, branches: Branches) -> Made:
    step: Any = registry.resolve(case.step)(**case.parameters)
    rows: Rows = []
    started = time.perf_counter()
    try:
        match step:
            case GeneratorStep():
                rows = list(step.generate())
            case JoinStep():
                rows = [step.combine(parts) for parts in zip(*branches, strict=True)]
            case GlobalStep():
                step.load()
                rows = list(step.process(branches[0]))
            case Step():
                step.load()
                size = 1 if step.changes_rows else BATCH  # as the engine hands them over
                batches = (branches[0][at : at + size] for at in range(0, len(branches[0]), size))
                rows = [row for batch in batches for row in step.process(batch)]
    except DistilflowError as error:
        return Made([], 0.0, error.message)
    seconds = time.perf_counter() - started
    return Made([json.loads(json.dumps(row)) for row in rows], seconds)  # distilabel's went through JSON too


def compare(case: Case, ours: Made, theirs: Made) -> str:
    """EQUAL, or the first difference in words."""
    if theirs.error or ours.error:
        return f"distilabel: {theirs.error}" if theirs.error else f"distilflow: {ours.error}"
    for number, (our, their) in enumerate(zip(ours.rows, theirs.rows, strict=False)):
        if found := first_difference(case.view(our), case.view(their), case.tolerance):
            return f"row {number}, {found}"
    if len(ours.rows) != len(theirs.rows):
        return f"{len(ours.rows):,} rows, distilabel {len(theirs.rows):,}"
    return EQUAL if ours.rows else "no rows to compare"


def first_difference(ours: Row, theirs: Row, tolerance: float) -> str:
    """The first cell that differs, in words; empty if none does."""
    if only := ours.keys() ^ theirs.keys():
        return f"columns that one side lacks: {sorted(only)}"
    for column, value in ours.items():
        if not is_equal(value, theirs[column], tolerance):
            return f"{column!r}: {quoted(value)}, distilabel {quoted(theirs[column])}"
    return ""


def is_equal(ours: Any, theirs: Any, tolerance: float) -> bool:
    """Whether two cells are the same, types included; numbers may differ by the tolerance, NaN is equal to itself."""
    match ours, theirs:
        case dict(), dict():
            return ours.keys() == theirs.keys() and all(is_equal(ours[key], theirs[key], tolerance) for key in ours)
        case list(), list():
            return len(ours) == len(theirs) and all(is_equal(*both, tolerance) for both in zip(ours, theirs, strict=True))
        case float(), float():
            both_nan = math.isnan(ours) and math.isnan(theirs)
            return both_nan or math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=tolerance)
    return type(ours) is type(theirs) and bool(ours == theirs)


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+", help="JSONL files, or folders of them")
    parser.add_argument("--only", nargs="+", choices=sorted({case.step for case in CASES}), default=[])
    parser.add_argument("--venv", type=Path, default=ROOT / "build/bench/distilabel", help="made with distilabel if missing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
