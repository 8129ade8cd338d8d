"""Templates are pipelines like any other, and run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from flows import templates
from flows.pipeline import Pipeline
from flows.templates import DatasetInstructionResponsePipeline, InstructionResponsePipeline, PreferencePipeline
from steps.llms import RehearsalLLM

ROWS = [{"instruction": f"What is {n} times {n}?", "input": f"Of {n}."} for n in range(4)]


@pytest.fixture(autouse=True)
def _runs_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_their_examples_run() -> None:
    assert doctest.testmod(templates).failed == 0


@pytest.mark.parametrize(
    ("template", "rows", "columns"),
    [
        (InstructionResponsePipeline(num_rows=3), 3, {"instruction", "response"}),
        (InstructionResponsePipeline(num_rows=2, n_turns=2), 2, {"conversation"}),
        (DatasetInstructionResponsePipeline(ROWS, num_instructions=3), 12, {"input", "instruction", "response"}),
        (PreferencePipeline(ROWS), 4, {"prompt", "chosen", "rejected"}),
        (PreferencePipeline(ROWS, [RehearsalLLM(seed=3)]), 4, {"prompt", "chosen", "rejected"}),
        (PreferencePipeline(ROWS, [RehearsalLLM(seed=n) for n in range(3)], aspect="honesty"), 4, {"chosen", "rejected"}),
    ],
)
def test_a_template_runs_and_is_a_pipeline_file(template: Pipeline, rows: int, columns: set[str], tmp_path: Path) -> None:
    result = template.run(runs_dir=tmp_path / "runs")["default"]["train"]
    template.save(tmp_path / "saved.yaml")

    assert len(result) == rows
    assert columns <= set(result.column_names)
    assert Pipeline.from_file(tmp_path / "saved.yaml").spec == template.spec


def test_code_written_for_distilabel_finds_the_pipeline() -> None:
    template = InstructionResponsePipeline()

    assert template.pipeline.plan().leaves == ["magpie"]
