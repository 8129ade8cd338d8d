"""One side of `equal_steps.py`: makes a step anew for each turn, and times what it does with its rows.

Both sides are this in processes of their own, distilabel's in its own virtual environment, so it imports the standard library
only. A line of JSON on standard input asks for a turn: `step`, `parameters`, `rows` (a file of pickled branches) and `output`
(where to write what was made, or None). A line of JSON says what came of it.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCH = 50
"""Rows that a step gets at a time, as in both by default. A step over all rows gets them at once."""
Work = Callable[[list[list[dict[str, Any]]]], list[dict[str, Any]]]
"""What a step makes of the rows of its branches. The step is loaded by then; a source is not, since it reads its file there."""


def serve(prepare: Callable[[str, dict[str, Any]], Work]) -> None:
    """Take turns until nothing more is asked for. `prepare` makes a step of its name and parameters, and loads it."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as says:
        os.dup2(2, 1)  # what steps print is no answer
        for line in sys.stdin:
            says.write(json.dumps(_turn(json.loads(line), prepare)) + "\n")
            says.flush()


def _turn(asked: dict[str, Any], prepare: Callable[[str, dict[str, Any]], Work]) -> dict[str, Any]:
    try:
        branches = pickle.loads(Path(asked["rows"]).read_bytes())  # anew for each turn: distilabel's steps change them
        work = prepare(asked["step"], asked["parameters"])
        gc.collect()
        gc.freeze()  # what a side imported costs it no time
        before = _memory_mb(forget_peak=True)[0]
        started = time.perf_counter()
        rows = work(branches)
        seconds = time.perf_counter() - started
        peak_mb = _memory_mb()[1] - before
        if asked["output"]:
            lines = (json.dumps(row, default=lambda value: value.tolist()) for row in rows)  # NumPy's numbers and arrays
            Path(asked["output"]).write_text("".join(f"{line}\n" for line in lines))
    except Exception as error:  # a step may do anything; the next turn goes on
        return {"seconds": 0.0, "peak_mb": 0.0, "error": f"{type(error).__name__}: {error}"[:300]}
    return {"seconds": seconds, "peak_mb": peak_mb, "error": ""}


def _memory_mb(forget_peak: bool = False) -> tuple[float, float]:
    """Memory of this process, and the most that it had since its peak was forgotten. Linux only."""
    if forget_peak:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if name[:2] == "Vm"}
    return found["VmRSS"] / 1024, found["VmHWM"] / 1024
