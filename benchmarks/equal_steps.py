"""Our steps beside those of distilabel 1.5.3 that bear the same name: do they make the same of the same rows, and how fast?

    python -m benchmarks.equal_steps DATA                 # JSONL files, or folders of them, with a column `instruction`
    python -m benchmarks.equal_steps DATA --only FormatPRM
    python -m benchmarks.equal_steps DATA --large         # up to 100,000 rows made of the data, with peak memory

Each case runs on 500 rows of the data or more, and every cell is compared; then the sides take turns in `process`. distilabel
works in a virtual environment of its own. A step that is new adds a line to `CASES` in `equal_cases.py`. The command ends
with 1 where something differs that a case does not leave out.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.equal_cases import CASES, LARGE, Case
from benchmarks.equal_rows import Rows, read_rows, write_files
from benchmarks.equal_sides import Made, Measured, Side, measure
from benchmarks.measuring import children_cpu_s, machine_cpu_s
from benchmarks.surroundings import DISTILABEL, ROOT, python_with
from steps.base import Row
from steps.wording import quoted

LEAST_ROWS = 500
PACKAGES = (
    *DISTILABEL,
    *(
        "datasketch==1.6.5",
        "diskcache==5.6.3",
        "faiss-cpu==1.15.1",
        "nltk==3.10.4",
        "scikit-learn==1.9.1",
        "umap-learn==0.5.12",
    ),
)
"""What distilabel's steps need. Later versions of datasketch than 1.7 lack what distilabel's index makes use of."""
NLTK_DATA = "llama-index-core==0.14.25"
"""Brings NLTK's sentence splitter as files; nothing else of it is used, nor what it depends on."""
EQUAL = "equal"
COLUMNS = ("step", "rows in", "rows out", "result", "distilabel ms", "distilflow ms", "ours / theirs (quartiles)", "turns")
MEMORY = ("distilabel MB", "distilflow MB")


def main() -> int:
    args = _parse_args()
    rows = read_rows(args.data)
    if len(rows) < LEAST_ROWS:
        sys.exit(f"the data has {len(rows)} rows with an instruction; a comparison takes {LEAST_ROWS} or more")
    cases = [case for case in (LARGE if args.large else CASES) if not args.only or case.step in args.only]
    python = python_with(PACKAGES, args.venv, alone=(NLTK_DATA,))
    started, machine, own = time.perf_counter(), machine_cpu_s(), time.process_time() + children_cpu_s()
    columns = (*COLUMNS, *(MEMORY if args.large else ()))
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="distilflow-equal-") as name:
        folder = Path(name)
        write_files(rows, folder)
        sides: list[Side] = []
        for number, case in enumerate(cases):
            if not sides or args.large:  # what one case leaves in memory is not counted for the next
                _end(sides)
                sides = [Side.theirs(python, folder), Side.ours(folder)]
            given = case.branches(rows)
            found = measure(case, given, sides[0], sides[1], folder / str(number), args.seconds)
            verdicts.append(compare(case, found.ours, found.theirs))
            print(_line(case, given, found, verdicts[-1], args.large), flush=True)
        _end(sides)
    equal = sum(verdict.startswith(EQUAL) for verdict in verdicts)
    print(f"\n{equal} of {len(verdicts)} cases are equal.")
    spent, cores = time.perf_counter() - started, os.cpu_count() or 1
    others = machine_cpu_s() - machine - (time.process_time() + children_cpu_s() - own)
    print(f"Others used {max(0, others) / spent / cores:.0%} of {cores} cores meanwhile ({spent:.0f} s).")
    return int(equal != len(verdicts))


def _end(sides: Sequence[Side]) -> None:
    for side in sides:
        side.end()


def _line(case: Case, given: Sequence[Rows], found: Measured, verdict: str, with_memory: bool) -> str:
    cells = [case.name, f"{len(given[0]) if given else 0:,}", f"{len(found.ours.rows):,}", verdict]
    if found.turns:
        low, middle, high = found.ratios()
        cells += [f"{found.theirs_ms():,.1f}", f"{found.ours_ms():,.1f}", f"{middle:.2f} ({low:.2f}–{high:.2f})"]
        cells.append(str(len(found.turns)))
    else:
        cells += [""] * 4
    if with_memory:
        cells += [f"{side.peak_mb:,.0f}" for side in (found.theirs, found.ours)]
    return f"| {' | '.join(cells)} |"


def compare(case: Case, ours: Made, theirs: Made) -> str:
    """EQUAL, perhaps with the number of rows that differ in what the case leaves out; or the first difference in words."""
    if theirs.error or ours.error:
        return f"distilabel: {theirs.error}" if theirs.error else f"distilflow: {ours.error}"
    our_rows, their_rows = (
        sorted(rows, key=lambda row: row[case.order]) if case.order else rows for rows in (ours.rows, theirs.rows)
    )
    left_out: list[list[str]] = []
    for number, (our, their) in enumerate(zip(our_rows, their_rows, strict=False)):
        if found := first_difference(case.view(our), case.view(their), case.tolerance):
            return f"row {number}, {found}"
        if columns := differing_columns(our, their, case.tolerance):
            left_out.append(columns)
    if len(our_rows) != len(their_rows):
        return f"{len(our_rows):,} rows, distilabel {len(their_rows):,}"
    if not our_rows:
        return "no rows to compare"
    if not left_out:
        return EQUAL
    named = dict.fromkeys(f"`{column}`" for columns in left_out for column in columns)
    return f"{EQUAL}, but for {', '.join(named)} of {len(left_out):,} rows"


def first_difference(ours: Row, theirs: Row, tolerance: float) -> str:
    """The first cell that differs, in words; empty if none does."""
    if only := ours.keys() ^ theirs.keys():
        return f"columns that one side lacks: {sorted(only)}"
    for column, value in ours.items():
        if not is_equal(value, theirs[column], tolerance):
            return f"{column!r}: {quoted(value)}, distilabel {quoted(theirs[column])}"
    return ""


def differing_columns(ours: Row, theirs: Row, tolerance: float) -> list[str]:
    """The columns that differ, or that one side lacks."""
    nothing = object()
    names = dict.fromkeys([*ours, *theirs])
    return [name for name in names if not is_equal(ours.get(name, nothing), theirs.get(name, nothing), tolerance)]


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
    parser.add_argument("--large", action="store_true", help="few steps, many rows made of the data, peak memory")
    parser.add_argument("--seconds", type=float, default=3.0, help="take turns at a case for so long, at least five")
    parser.add_argument("--venv", type=Path, default=ROOT / "build/bench/distilabel-steps", help="made if missing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
