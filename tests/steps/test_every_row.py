"""What each step makes of rows that data sets really hold: odd, broken, long, and with columns called like its own."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Collection
from functools import partial
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from steps.base import BaseStep, GeneratorStep, GlobalStep, JoinStep, Row
from steps.errors import BadReply, RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.base import Task
from tests.odd_names import ODD_NAMES
from tests.steps.samples import Sample, run, samples_of
from tests.steps.samples.alike import TEXTS, alike
from tests.steps.samples.nasty import MISSING, WRONG, paths, put

HERE = [param for param in samples_of(BaseStep) if not param.values[0].step.reaches]
"""What works without the network: the others are tested beside what they reach."""
TAKES_ROWS = [param for param in HERE if not isinstance(param.values[0].step, GeneratorStep)]
ROW_BY_ROW = [param for param in TAKES_ROWS if not isinstance(param.values[0].step, GlobalStep)]
"""Not steps over all rows: what they make is about the neighbours of a row."""
CHECKS_ROWS = [param for param in TAKES_ROWS if isinstance(step := param.values[0].step, GlobalStep) and step.checks_rows()]
"""Steps over all rows that refuse a row alone."""
FEW, MANY = 10, pytest.param(100, marks=pytest.mark.slow)


def _made(step: BaseStep, rows: list[Row]) -> list[Row] | str:
    """The rows that the step makes, or what is wrong with those it gets. It leaves them as they were either way."""
    before = copy.deepcopy(rows)
    try:
        made: list[Row] | str = run(step, rows)
    except BadReply:  # a made-up reply that cannot be read
        raise
    except RowError as error:
        made = error.message
    assert repr(rows) == repr(before)
    return made


def _announced(step: BaseStep, row: Row) -> Collection[str]:
    return step.columns_joined([list(row)] * 2) if isinstance(step, JoinStep) else step.columns_after(list(row))


@pytest.mark.parametrize("sample", TAKES_ROWS)
def test_no_rows_give_no_rows_and_no_question(sample: Sample) -> None:
    step, llm = sample.step, ScriptedLLM(replies=["no"])
    if isinstance(step, Task):
        step = step.model_copy(update={"llm": llm})

    assert run(step, []) == []
    assert llm.requests == []


@pytest.mark.parametrize("examples", [FEW, MANY])
@pytest.mark.parametrize("sample", TAKES_ROWS)
def test_any_text_passes(sample: Sample, examples: int) -> None:
    step = sample.step

    @settings(max_examples=examples // 5 if step.runs_code else examples)  # each starts a process
    @given(TEXTS)
    def check(text: str) -> None:
        assume(text.strip() or not isinstance(step, Task))  # there is nothing to ask about
        made = _made(step, [sample.row(text)])
        assert made
        assert not isinstance(made, str), made

    check()


@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("sample", TAKES_ROWS)
def test_a_column_without_a_value_is_named_or_passes(sample: Sample, value: float | None) -> None:
    _check_columns(sample, {"nothing": value})


@pytest.mark.parametrize("sample", TAKES_ROWS)
def test_a_value_of_another_kind_is_named_or_passes(sample: Sample) -> None:
    _check_columns(sample, WRONG)


def _check_columns(sample: Sample, values: dict[str, Any]) -> None:
    """One after the other, in one place of the row after the other: it is worked on, or refused in words.

    The words name the column, except where the fault is inside of it: then they may tell its place there.
    """
    step, row = sample.step, sample.row("hello")
    used = dict.fromkeys([*step.needs(), *step.optional_inputs])
    inside = [path for path in paths({column: row[column] for column in used if column in row}) if len(path) > 1]
    for path in [*((column,) for column in used), *inside]:
        for kind, value in values.items():
            given = put(row, path, value)
            made = _made(step, [given])
            if not isinstance(made, str):
                assert {tuple(sorted(new)) for new in made} <= {tuple(sorted(_announced(step, given)))}
            elif len(path) == 1 and not isinstance(value, (list, dict)):
                assert path[0] in made, f"{path[0]} holds {kind}: {made}"


@pytest.mark.parametrize("sample", CHECKS_ROWS)
def test_a_step_over_all_rows_refuses_just_the_rows_that_it_cannot_work_on(sample: Sample) -> None:
    """What `check_row` lets pass must not end a run, and what it refuses would have."""
    step, row = sample.step, sample.row("hello")
    assert isinstance(step, GlobalStep)
    used = dict.fromkeys([*step.needs(), *step.optional_inputs])
    for path in [*((column,) for column in used), *paths({column: row[column] for column in used if column in row})]:
        for value in [*WRONG.values(), *MISSING.values()]:
            given = put(row, path, value)
            before = copy.deepcopy(given)
            try:
                step.check_row(given)
                refused = None
            except RowError as error:
                refused = error.message
            assert repr(given) == repr(before)
            made = _made(step, [given])
            assert isinstance(made, str) == (refused is not None), f"{path} holds {value!r}: {refused}, but {made}"


@pytest.mark.parametrize("examples", [FEW, MANY])
@pytest.mark.parametrize("sample", ROW_BY_ROW)
def test_what_becomes_of_a_row_does_not_depend_on_its_neighbours(sample: Sample, examples: int) -> None:
    step = sample.step

    @settings(max_examples=examples // 5 if step.runs_code else examples)  # each starts a process
    @given(st.lists(alike(sample.row("hello")), min_size=1, max_size=3))
    def check(rows: list[Row]) -> None:
        alone = [_made(step, [row]) for row in rows]
        good = [row for row, made in zip(rows, alone, strict=True) if not isinstance(made, str)]
        together = _made(step, good)
        assert repr(together) == repr([new for made in alone if not isinstance(made, str) for new in made])
        if len(good) < len(rows) and not isinstance(step, Task):
            assert isinstance(_made(step, rows), str)

    check()


@pytest.mark.parametrize("sample", TAKES_ROWS)
def test_columns_that_mean_nothing_to_a_step_pass_whatever_they_are_called(sample: Sample) -> None:
    step, row = sample.step, sample.row("hello")
    parameters = type(step).model_fields
    others = dict.fromkeys({*ODD_NAMES, *parameters} - {*row, *step.optional_inputs}, "kept")
    given = {**row, **others}

    made = run(step, [given])

    assert made
    for new in made:
        assert set(new) == set(_announced(step, given))
        assert {name: new[name] for name in others if name in new and name not in step.makes()} == {
            name: "kept" for name in others if name in new and name not in step.makes()
        }


@pytest.mark.parametrize("sample", TAKES_ROWS)
def test_columns_called_as_those_that_a_step_makes_are_replaced(sample: Sample) -> None:
    step, row = sample.step, sample.row("hello")
    new = [column for column in step.makes() if column not in row and column not in step.optional_inputs]
    marker = object()

    for made in run(step, [{**row, **dict.fromkeys(new, marker)}]):
        assert [column for column in new if made.get(column) is marker] == []


@pytest.mark.parametrize("sample", TAKES_ROWS)
def test_a_long_text_takes_no_more_steps_for_each_character_than_a_short_one(sample: Sample) -> None:
    step = sample.step
    for text in ("word, ", "1 ", "("):
        short, long = (sample.row((text * 10_000)[:length]) for length in (5_000, 10_000))
        _made(step, [short])  # what is done once, is done now
        first, second = (_lines_run(partial(_made, step, [row])) for row in (short, long))
        assert second < 3 * first + 1000, f"{text!r}: {first} lines of code, and {second} for twice the text"


def _lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python are run: quadratic work shows, on any machine."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
