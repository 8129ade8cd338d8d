"""Tasks that a model thinks up, and examples that it writes for them, in a run."""

from __future__ import annotations

from pathlib import Path

from flows.pipeline import Pipeline
from steps.tasks import EmbeddingTaskGenerator, GenerateTextClassificationData


def test_each_task_of_each_list_gets_an_example(tmp_path: Path) -> None:
    with Pipeline("embeddings") as pipeline:
        tasks = EmbeddingTaskGenerator(name="tasks", category="text-classification", flatten_tasks=True, num_rows=8)
        _ = tasks >> GenerateTextClassificationData(name="write")

    rows = list(pipeline.run(run_id="r", runs_dir=tmp_path)["default"]["train"])

    assert len({row["task"] for row in rows}) == len(rows) > 8
    assert set(rows[0]) == {"task", "model_name", "input_text", "label", "misleading_label"}
