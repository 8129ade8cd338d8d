"""What a task makes up, it can read: for each choice that its parameters leave, any row, and several replies per row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.base import Row
from steps.errors import BadReply, RowError
from steps.llms.rehearsal_llm import RehearsalLLM
from steps.tasks.base import Task
from steps.tasks.generator import GeneratorTask
from steps.tasks.global_task import GlobalTask
from tests.steps.samples import SAMPLES, run
from tests.steps.samples.alike import alike
from tests.steps.samples.choices import with_choices

FEW, MANY = 5, pytest.param(60, marks=pytest.mark.slow)
SEVERAL = {"num_generations": 2, "add_raw_input": True, "add_raw_output": True}


def _tasks() -> Iterator[Any]:
    """Each registered task with each of its choices, and a row of the form that it takes."""
    for name, samples in SAMPLES.items():
        if isinstance(samples[0].step, Task):
            for at, (chosen, sample) in enumerate(with_choices(samples)):
                yield pytest.param(sample.step, sample.row("hello"), id=f"{name}-{chosen or at}")


TASKS = list(_tasks())
ONE_EACH = list({type(param.values[0]): param for param in TASKS}.values())


def _rows(task: Task, row: Row) -> st.SearchStrategy[Row]:
    return st.sampled_from(list(islice(task.seeds(), 3))) if isinstance(task, GeneratorTask) else alike(row)


def _reads_replies_one_by_one(task: Task) -> bool:
    """Not so tasks in rounds, which tell in `talk` what is read of a reply."""
    return task.Answer is not None or type(task).format_output is not Task.format_output


def _made(task: Task, row: Row) -> list[Row] | None:
    """The rows that the task makes; None where it asks nothing about this one."""
    try:
        return run(task, [row])
    except BadReply:
        raise
    except RowError:
        return None


@pytest.mark.parametrize("examples", [FEW, MANY])
@pytest.mark.parametrize(("task", "row"), TASKS)
def test_replies_that_are_made_up_can_be_read(task: Task, row: Row, examples: int) -> None:
    assert _made(task, row) or isinstance(task, GeneratorTask)

    @settings(max_examples=examples)
    @given(row=_rows(task, row), seed=st.integers())
    def check(row: Row, seed: int) -> None:
        asked = task.model_copy(update={"llm": RehearsalLLM(seed=seed)})
        made = _made(asked, row)
        if made is not None:
            assert all(set(task.makes()) <= set(new) for new in made)

    check()


@pytest.mark.parametrize(("task", "row"), TASKS)
def test_several_replies_become_rows_or_lists(task: Task, row: Row) -> None:
    for group in (False, True):
        _check_several(task, row, group)


def _check_several(task: Task, row: Row, group: bool) -> None:
    asked = task.model_copy(update={**SEVERAL, "group_generations": group})
    row = next(iter(asked.seeds())) if isinstance(asked, GeneratorTask) else row
    [row] = asked.prepare([row]) if isinstance(asked, GlobalTask) else [row]
    one, made = run(task, [row]), run(asked, [row])

    assert made
    assert task.may_change_rows() or len(made) == len(one) * (1 if group else 2)
    for new in made:
        assert set(new) == {*asked.columns_after(list(row))} - {*getattr(asked, "prepared", ())}
        assert sorted(key.rpartition("put_")[0] for key in new["distilflow_metadata"]) == ["raw_in", "raw_out"]


@pytest.mark.parametrize("examples", [FEW, MANY])
@pytest.mark.parametrize(("task", "row"), [param for param in TASKS if _reads_replies_one_by_one(param.values[0])])
def test_one_reply_gives_the_columns_that_are_announced(task: Task, row: Row, examples: int) -> None:
    [row] = task.prepare([row]) if isinstance(task, GlobalTask) else [row]

    @settings(max_examples=examples)
    @given(st.integers())
    def check(seed: int) -> None:
        columns = task.format_output(task.rehearse(row, Random(seed)), row)
        assert {*columns, "model_name"} == set(task.makes())

    check()


@pytest.mark.parametrize(("task", "row"), ONE_EACH)
def test_what_is_made_up_depends_on_nothing_but_its_seed(task: Task, row: Row) -> None:
    row = next(iter(task.seeds())) if isinstance(task, GeneratorTask) else row

    assert task.rehearse(row, Random(7)) == task.rehearse(row, Random(7))


@pytest.mark.parametrize(("task", "row"), ONE_EACH)
def test_a_row_that_has_the_columns_of_prompts_for_something_else_is_refused(task: Task, row: Row) -> None:
    asked = task.model_copy(update=SEVERAL)
    if isinstance(asked, GeneratorTask):
        return

    with pytest.raises(RowError, match="'distilflow_metadata' holds 'mine', not a mapping"):
        run(asked, [{**row, "distilflow_metadata": "mine"}])
    [kept, *_] = run(asked, [{**row, "distilflow_metadata": {"mine": 1}}])
    assert kept["distilflow_metadata"]["mine"] == 1
