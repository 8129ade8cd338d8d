"""Texts are read the same way by all steps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from steps.columns.embedding_generation import EmbeddingGeneration
from steps.errors import MissingKey, MissingValue, RowError
from steps.filters.filter_length import FilterLength
from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
from steps.row_texts import filled_text_in, own_text, text_in, texts_in
from steps.tasks.ultra_feedback import UltraFeedback

NAN = float("nan")


@pytest.mark.parametrize(("value", "text"), [("a", "a"), ("", ""), (4, "4"), (0.5, "0.5"), (float("inf"), "inf")])
def test_numbers_are_written_out(value: Any, text: str) -> None:
    row = {"x": value}

    assert [text_in(row, "x"), own_text(row, "x"), *texts_in([row, {"x": "b"}], "x")] == [text, text, text, "b"]


@pytest.mark.parametrize(
    ("row", "error"),
    [({}, MissingKey), ({"x": None}, MissingValue), ({"x": NAN}, MissingValue), ({"x": True}, RowError), ({"x": []}, RowError)],
)
def test_what_is_no_text_is_refused_alone_and_among_others(row: Any, error: type[RowError]) -> None:
    with pytest.raises(error, match="'x'"):
        text_in(row, "x")
    with pytest.raises(error, match="'x'"):
        texts_in([{"x": "a"}, row], "x")


@pytest.mark.parametrize(("value", "found"), [(None, None), (NAN, None), ("", ""), (" a", " a")])
def test_a_text_that_rows_may_have_may_be_missing(value: Any, found: str | None) -> None:
    assert own_text({"x": value}, "x") == own_text({"x": value, "y": 1}, "x") == found
    assert own_text({}, "x") is None


def test_a_text_that_must_say_something_is_not_blank() -> None:
    assert filled_text_in({"x": " a"}, "x") == " a"
    with pytest.raises(MissingValue, match="'x' is blank"):
        filled_text_in({"x": " "}, "x")


def test_answers_that_a_judge_was_shown_can_be_trained_on() -> None:
    row = {"instruction": 22, "generations": [4, "four", 5.5]}
    reply = json.dumps({"answers": [{"rationale": "", "rating": rating} for rating in (5, 3, 1)]})
    judge = UltraFeedback()
    assert "<answer 1>\n4\n</answer 1>" in judge.format_input(row)[1]["content"]

    [made] = FormatTextGenerationDPO().process([{**row, **judge.format_output(reply, row)}])

    assert (made["prompt"], made["chosen"][-1]["content"], made["rejected"][-1]["content"]) == ("22", "4", "5.5")


def test_filters_and_vectors_read_numbers_too() -> None:
    assert FilterLength().process([{"text": 123}])[0]["text_length"] == 3
    first, second = EmbeddingGeneration().process([{"text": 123}, {"text": "123"}])
    assert first["embedding"] == second["embedding"]
