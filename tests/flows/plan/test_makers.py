"""Steps that read the same column otherwise than it was meant."""

from __future__ import annotations

import pytest

from tests.flows.describing import LOAD, codes_of, only, problems_of

VECTORS = "- {name: embed, use: EmbeddingGeneration, after: load, input_mappings: {text: instruction}}"


def _deduplicating(near: str, alike: str) -> str:
    found = f"- {{name: near, use: FaissNearestNeighbour, after: embed, with: {{{near}}}}}"
    return f"{LOAD}\n{VECTORS}\n{found}\n- {{name: alike, use: EmbeddingDedup, after: near, with: {{{alike}}}}}"


@pytest.mark.parametrize("metric", ["", "metric_type: 1"])
def test_distances_that_would_be_taken_for_similarities_are_a_problem(metric: str) -> None:
    problem = only(problems_of(_deduplicating(metric, "threshold: 0.95")), "bad-parameter")

    assert problem.step == "alike"
    assert "makes distances: small scores where rows are alike" in problem.what
    assert problem.fix == "set `metric_type: 0` in 'near', or `scores: distances` here, with a `threshold` of that kind"


def test_similarities_that_would_be_taken_for_distances_are_a_problem() -> None:
    problem = only(problems_of(_deduplicating("metric_type: 0", "scores: distances")), "bad-parameter")

    assert "makes similarities: large scores where rows are alike" in problem.what
    assert "`scores: similarities` here" in problem.fix


@pytest.mark.parametrize(
    ("near", "alike"), [("metric_type: 0", ""), ("", "scores: distances, threshold: 0.1"), ("metric_type: 23", "")]
)
def test_scores_that_are_meant_as_they_are_read_are_none(near: str, alike: str) -> None:
    assert codes_of(_deduplicating(near, alike)) == []


def test_columns_with_other_names_are_followed_to_the_step_that_made_them() -> None:
    text = _deduplicating("", "").replace(
        "use: FaissNearestNeighbour", "use: FaissNearestNeighbour, output_mappings: {nn_scores: s}"
    )
    other = "use: EmbeddingDedup, input_mappings: {nn_scores: s}"

    problem = only(problems_of(text.replace("use: EmbeddingDedup", other)), "bad-parameter")

    assert "makes distances" in problem.what
