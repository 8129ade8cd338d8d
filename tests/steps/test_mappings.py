"""Columns under other names: what a step reads and makes, and what stays."""

from __future__ import annotations

from steps.base import rename_in, rename_out
from steps.columns.keep_columns import KeepColumns
from steps.columns.truncate_text_column import TruncateTextColumn
from steps.tasks.text_generation import TextGeneration


def test_a_mapped_input_goes_back_to_its_own_name() -> None:
    step = TruncateTextColumn(input_mappings={"text": "answer"})
    row = {"answer": "long", "text": "another"}

    assert rename_in(row, step.input_mappings) == {"text": "long"}
    assert rename_out({"text": "lo"}, row, step) == {"answer": "lo", "text": "another"}


def test_what_an_output_was_made_of_stays_when_it_gets_a_name_of_its_own() -> None:
    step = TruncateTextColumn(input_mappings={"text": "answer"}, output_mappings={"text": "short"})

    assert rename_out({"text": "lo"}, {"answer": "long"}, step) == {"short": "lo", "answer": "long"}


def test_an_earlier_column_of_the_same_name_stays_when_the_new_one_is_called_otherwise() -> None:
    step = TextGeneration(output_mappings={"generation": "draft"})
    before = {"instruction": "say hi", "generation": "hello"}

    made = rename_out({**before, "generation": "hi", "model_name": "m"}, before, step)

    assert made == {"instruction": "say hi", "generation": "hello", "draft": "hi", "model_name": "m"}


def test_a_step_that_passes_columns_on_renames_them() -> None:
    step = KeepColumns(columns=["prompt"], output_mappings={"prompt": "instruction"})

    assert rename_out({"prompt": "say hi"}, {"prompt": "say hi", "other": 1}, step) == {"instruction": "say hi"}


def test_a_column_that_gets_the_name_of_an_earlier_one_replaces_it_wherever_that_stood() -> None:
    step = TextGeneration(output_mappings={"generation": "draft"})
    for before in ({"generation": "old", "draft": "older"}, {"draft": "older", "generation": "old"}):
        made = rename_out({**before, "generation": "new", "model_name": "m"}, before, step)

        assert made == {"generation": "old", "draft": "new", "model_name": "m"}
