"""What crowd-kit makes of a crowd, in an environment of its own.

    python -m venv ENV && ENV/bin/pip install crowd-kit==1.4.2

This module also runs there, by its path: it reads columns from stdin as JSON, and writes the probabilities of each aggregator.
"""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

AGGREGATORS = ("MajorityVote", "DawidSkene", "OneCoinDawidSkene", "MACE", "GLAD")


def aggregated(python: Path, items: list[str], workers: list[str], labels: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """The probability of each label of each item, by aggregator. `python`: an interpreter that has crowd-kit."""
    given = json.dumps({"task": items, "worker": workers, "label": labels})
    done = subprocess.run([python, __file__], input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{python} does not run crowd-kit:\n{done.stderr[-2000:]}")
    found: dict[str, dict[str, dict[str, float]]] = json.loads(done.stdout)
    return found


def _main() -> None:
    import importlib

    warnings.simplefilter("ignore")
    frame: Any = importlib.import_module("pandas").DataFrame(json.load(sys.stdin))
    library = importlib.import_module("crowdkit.aggregation")
    found = {name: getattr(library, name)().fit_predict_proba(frame).to_dict(orient="index") for name in AGGREGATORS}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main()
