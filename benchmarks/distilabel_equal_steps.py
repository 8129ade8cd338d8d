"""distilabel's side of `equal_steps.py`. Runs in distilabel's own virtual environment, so it imports nothing of ours.

    python distilabel_equal_steps.py JOB

JOB is a JSON file: `batch`, and `cases` with `step` ("module:Class"), `parameters`, `inputs` (JSONL files, one per branch),
`output` (where to write the rows). It prints one line of JSON per case: seconds in the step, or the error that ended it.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from distilabel.steps.base import GeneratorStep, GlobalStep


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    for case in job["cases"]:
        try:
            told = {"seconds": run(case, job["batch"]), "error": ""}
        except Exception as error:  # a step may do anything; the next case goes on
            told = {"seconds": 0.0, "error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(told), flush=True)


def run(case: dict[str, Any], batch: int) -> float:
    module, name = case["step"].split(":")
    step = getattr(importlib.import_module(module), name)(**case["parameters"])
    branches = [[json.loads(line) for line in Path(path).read_text().splitlines()] for path in case["inputs"]]
    step.load()
    started = time.perf_counter()
    if isinstance(step, GeneratorStep):
        rows = [row for made, _ in step.process() for row in made]
    else:
        size = len(branches[0]) if isinstance(step, GlobalStep) else batch
        parts = ([branch[at : at + size] for branch in branches] for at in range(0, len(branches[0]), size))
        rows = [row for part in parts for made in step.process(*part) for row in made]
    seconds = time.perf_counter() - started
    lines = (json.dumps(row, default=lambda value: value.tolist()) for row in rows)  # NumPy's numbers and arrays
    Path(case["output"]).write_text("".join(f"{line}\n" for line in lines))
    return seconds


if __name__ == "__main__":
    main()
