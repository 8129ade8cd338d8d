from __future__ import annotations

import pytest
import yaml

from app.handlers.palette import KINDS, palette
from flows.catalogue import describe


def test_every_step_can_be_found_by_its_columns_and_its_paper() -> None:
    entry = next(one for one in palette() if one["name"] == "FormatKTO")

    assert entry["needs"] == ["instruction", "generations", "ratings"]
    assert entry["uses"] == ["system_prompt", "generation_models"]
    assert "label" in entry["adds"]
    assert [paper["url"] for paper in entry["papers"]] == ["https://arxiv.org/abs/2402.01306"]


def test_a_search_of_the_page_has_the_words_of_the_command_line() -> None:
    for entry in palette():
        assert entry["found_by"] == describe(entry["name"])["found_by"]


def test_steps_are_listed_by_kind_in_the_order_of_a_pipeline() -> None:
    kinds = [list(KINDS.values()).index(entry["kind"]) for entry in palette()]

    assert kinds == sorted(kinds)


@pytest.mark.parametrize(
    ("name", "example"),
    [("FilterRows", {"condition": "rating >= 4"}), ("EvolInstruct", {"num_evolutions": 2}), ("TextGeneration", None)],
)
def test_an_example_shows_the_parameters_but_not_the_model(name: str, example: dict[str, object] | None) -> None:
    [text] = [entry["example"] for entry in palette() if entry["name"] == name]

    assert yaml.safe_load(text) == example
