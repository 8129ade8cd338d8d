"""What is settled anew: results depend on the strategy that is read, and on all code that settles labels."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine.keys import step_keys
from flows.pipeline import Pipeline
from steps.labels.annotation_step import AnnotationStep
from steps.labels.compare_strategies import CompareStrategies
from steps.labels.consolidate_labels import ConsolidateLabels
from steps.labels.report_annotators import ReportAnnotators
from steps.sources.load_data_from_dicts import LoadDataFromDicts

ROOT = Path(__file__).parents[3]
READERS: list[Callable[[str], AnnotationStep]] = [
    lambda path: ConsolidateLabels(name="settle", strategy_file=path),
    lambda path: ReportAnnotators(name="settle", strategy_file=path),
    lambda path: CompareStrategies(name="settle", strategy_files=[path]),
]
KEY_OF_LABELS = """
import sys
from flows.engine.keys import step_keys
from flows.pipeline import Pipeline
from steps.labels.consolidate_labels import ConsolidateLabels
from steps.sources.load_data_from_dicts import LoadDataFromDicts
with Pipeline("labels") as pipeline:
    _ = LoadDataFromDicts(name="load", data=[{"item": "1", "annotator": "a", "label": "x"}]) >> ConsolidateLabels(name="settle")
before = set(sys.modules)
print(step_keys(pipeline.plan())["settle"], *{"numpy", "scipy"} & (set(sys.modules) - before))
"""


@pytest.mark.parametrize("reader", READERS, ids=["consolidate", "report", "compare"])
def test_a_strategy_file_that_was_overwritten_changes_what_the_result_comes_from(
    reader: Callable[[str], AnnotationStep], tmp_path: Path
) -> None:
    path = tmp_path / "strategy.json"

    def found() -> str:
        with Pipeline("labels") as pipeline:
            step = reader(str(path))
            _ = LoadDataFromDicts(name="load", data=[{"item": "1", "annotator": "a", "label": "x"}]) >> step
        return step_keys(pipeline.plan())["settle"]

    path.write_text("{}")
    before, again = found(), found()
    path.write_text("[]")

    assert before == again != found()


def test_changed_code_of_any_module_that_settles_labels_settles_them_anew(tmp_path: Path) -> None:
    for package in ("steps", "flows"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))

    def key() -> list[str]:
        command = [sys.executable, "-c", KEY_OF_LABELS]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env={"PYTHONPATH": "."})
        return done.stdout.split()

    before, again = key(), key()
    with (tmp_path / "steps" / "labels" / "strategies" / "expectation.py").open("a") as source:
        source.write("\nTOLERANCE = 1.0\n")

    assert before == again != key()
    assert len(before) == 1, "keys are found without numpy"
