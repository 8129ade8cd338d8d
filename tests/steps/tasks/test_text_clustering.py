from __future__ import annotations

import pytest

from steps.base import Row
from steps.errors import RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.text_clustering import TextClustering

ROWS: list[Row] = [
    {"text": f"{animal} {at}", "projection": [0.0, 1.0], "cluster_label": cluster}
    for cluster, animal in enumerate(["fox", "crow"])
    for at in range(4)
]
NOISE: Row = {"text": "?", "projection": [9.0, 9.0], "cluster_label": -1}


def test_each_row_gets_the_label_of_its_cluster() -> None:
    task = TextClustering(llm=ScriptedLLM(replies=['{"labels": "foxes"}'] * 4 + ['{"labels": "crows"}'] * 4))

    made = task.process([*ROWS, NOISE])

    assert [row["summary_label"] for row in made] == ["foxes"] * 4 + ["crows"] * 4 + ["Unclassified"]
    assert [row["model_name"] for row in made[-2:]] == ["scripted", None]
    assert set(made[0]) == {"text", "projection", "cluster_label", "summary_label", "model_name"}


def test_the_model_reads_so_many_texts_of_the_cluster_and_no_others() -> None:
    task = TextClustering(samples_per_cluster=2)

    first, *_, last = task.prepare(ROWS)

    assert len(first["distilflow_texts_of_cluster"]) == 2
    assert set(first["distilflow_texts_of_cluster"]) < {row["text"] for row in ROWS[:4]}
    asked = task.format_input(last)[-1]["content"]
    assert all(text in asked for text in last["distilflow_texts_of_cluster"])
    assert "fox" not in asked
    assert list(task.prepare(ROWS)) == list(task.prepare(ROWS))


def test_a_blank_text_is_not_shown_and_the_row_keeps_its_cluster() -> None:
    *_, blank = TextClustering().prepare([*ROWS, {**ROWS[0], "text": " "}])

    assert blank["distilflow_texts_of_cluster"] == [row["text"] for row in ROWS[:4]]


@pytest.mark.parametrize("cluster", ["fox", [1], 1.5])
def test_a_row_whose_cluster_is_no_number_is_refused(cluster: object) -> None:
    with pytest.raises(RowError, match="`cluster_label` holds"):
        TextClustering().process([{**ROWS[0], "cluster_label": cluster}])
