"""Classes as they are written for distilabel, and what is said about them here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from flows.pipeline import Pipeline
from steps import registry
from steps.base import BaseStep, GeneratorStep, GlobalStep, JoinStep, Row, Step
from steps.errors import PlanError, RunError
from steps.llms import RehearsalLLM
from steps.misfits import misfits
from steps.sources import LoadDataFromDicts
from steps.tasks.base import Task
from steps.tasks.generator import GeneratorTask
from tests.steps.samples import SAMPLES

ROWS = [{"text": "a"}, {"text": "b"}]


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")


class ColumnsInProperties(Step):
    @property
    def inputs(self) -> list[str]:  # type: ignore[override]
        return ["text"]

    @property
    def outputs(self) -> list[str]:  # type: ignore[override]
        return ["length"]

    def process(self, rows: Any) -> Any:
        return [{**row, "length": len(row["text"])} for row in rows]


class ColumnsInMapping(Step):
    inputs: ClassVar[Any] = {"text": True, "title": False}
    outputs: ClassVar[Any] = "length"

    def process(self, rows: Any) -> Any:
        return rows


class SourceWithProcess(GeneratorStep):
    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:
        yield ROWS, True


class SourceWithOffset(GeneratorStep):
    def generate(self, offset: int) -> Iterator[Row]:  # type: ignore[override]
        yield from ROWS


class Nothing(Step):
    pass


class JoinWithProcess(JoinStep):
    def process(self, *inputs: Any) -> Any:
        yield [{}]


class YieldsBatches(Step):
    inputs = ("text",)
    outputs = ("length",)

    def process(self, *inputs: Any) -> Any:
        for rows in inputs:
            for row in rows:
                row["length"] = len(row["text"])
            yield rows


class TaskWithoutWords(Task):
    outputs = ("answer",)


class TaskOfOneArgument(Task):
    outputs = ("answer",)

    def format_input(self, row: Row) -> Any:
        return [{"role": "user", "content": "hi"}]

    def format_output(self, output: str) -> Row:  # type: ignore[override]
        return {"answer": output}


class TaskWithProcess(Task):
    outputs = ("answer",)
    prompt = "hi"

    def format_output(self, text: str, row: Row) -> Row:
        return {"answer": text}

    def process(self, batch: Any) -> Any:
        return batch


class GeneratorTaskWithProcess(GeneratorTask):
    prompt = "hi"

    def format_output(self, text: str, row: Row) -> Row:
        return {"answer": text}

    def process(self, offset: int = 0) -> Any:  # type: ignore[override]
        yield [], True


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            ColumnsInProperties,
            [("`inputs` is a property", "inputs = ('text',)"), ("`outputs` is a property", "def makes(self)")],
        ),
        (
            ColumnsInMapping,
            [("`inputs` is a mapping", "`optional_inputs`"), ("`outputs` is one text", "outputs = ('length',)")],
        ),
        (SourceWithProcess, [("no `generate` but `process`", "no `offset`, no batches, and no flag")]),
        (SourceWithOffset, [("`generate` is called without arguments", "def generate(self)")]),
        (Nothing, [("no `process`", "def process(self, rows)")]),
        (JoinWithProcess, [("no `combine` but `process`", "def combine(self, rows)")]),
        (YieldsBatches, [("`process` yields", "`return rows` where distilabel has `yield rows`")]),
        (TaskWithoutWords, [("cannot read replies", "def format_output"), ("asks nothing", "a `prompt`")]),
        (TaskOfOneArgument, [("`format_output` is called with text, row", "def format_output(self, text, row)")]),
        (TaskWithProcess, [("`process` is not called", "a step after the task")]),
        (
            GeneratorTaskWithProcess,
            [("no `seeds` but `process`", "def seeds(self)"), ("`process` is not called", "after the task")],
        ),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_class_that_cannot_work_is_told_what_to_write(found: type[BaseStep], said: list[tuple[str, str]]) -> None:
    told = misfits(found)

    assert [(what in one.what, fix in one.fix) for one, (what, fix) in zip(told, said, strict=True)] == [(True, True)] * len(
        said
    )


def test_every_misfit_of_a_class_is_a_problem_of_the_plan() -> None:
    with Pipeline("theirs") as pipeline:
        _ = LoadDataFromDicts(data=ROWS) >> ColumnsInProperties() >> ColumnsInMapping()

    with pytest.raises(PlanError) as caught:
        pipeline.plan()

    assert [(one.code, one.step) for one in caught.value.problems][:2] == [("bad-class", "columns_in_properties_0")] * 2
    assert {one.step for one in caught.value.problems} == {"columns_in_properties_0", "columns_in_mapping_0"}


def test_nothing_is_wrong_with_what_is_built_in_or_in_the_samples() -> None:
    built_in = [registry.resolve(name) for name in registry.names("steps")]

    assert [found for found in built_in if misfits(found)] == []
    assert [type(sample.step) for some in SAMPLES.values() for sample in some if misfits(type(sample.step))] == []


# ---- what only shows when it works


class ReturnsBatches(Step):
    def process(self, *inputs: Any) -> Any:
        return inputs


class ReturnsNothing(Step):
    def process(self, rows: Any) -> Any:
        for row in rows:
            row["length"] = 1


class YieldsAll(GlobalStep):
    def process(self, rows: Any) -> Any:
        yield list(rows)


class YieldsPairs(GeneratorStep):
    def generate(self) -> Any:
        yield ROWS, True


class JoinsIntoLists(JoinStep):
    def combine(self, rows: Any) -> Any:
        return list(rows)


class OddRow(Step):
    def process(self, rows: Any) -> Any:
        return [None if row["text"] == "a" else row for row in rows]


@pytest.mark.parametrize(
    ("step", "what", "fix"),
    [
        (ReturnsBatches, "`process` made a list where a row (a dict) belongs", "return the rows: `return rows` where"),
        (ReturnsNothing, "`process` returned None where rows belong", "return the rows"),
        (YieldsAll, "`process` made a list where a row (a dict) belongs", "`yield from rows`"),
        (JoinsIntoLists, "`combine` made a list where a row (a dict) belongs", "return one row, a dict"),
    ],
)
def test_batches_where_rows_belong_end_the_run_with_what_to_write(
    step: type[BaseStep], what: str, fix: str, tmp_path: Path
) -> None:
    with Pipeline("theirs") as pipeline:
        _ = LoadDataFromDicts(data=ROWS) >> step(name="mine")

    with pytest.raises(RunError) as caught:
        pipeline.run(runs_dir=tmp_path)

    assert caught.value.message == f"step 'mine' ({step.__name__}): {what}"
    assert fix in caught.value.fix


def test_a_source_that_yields_batches_is_told_to_yield_rows(tmp_path: Path) -> None:
    with Pipeline("theirs") as pipeline:
        YieldsPairs(name="mine")

    with pytest.raises(RunError, match=r"step 'mine' \(YieldsPairs\): `generate` made a tuple") as caught:
        pipeline.run(runs_dir=tmp_path)

    assert caught.value.fix == "yield the rows one by one: no batches, and no flag for the last one"


def test_one_row_that_is_none_goes_to_the_quarantine_alone(tmp_path: Path) -> None:
    with Pipeline("theirs") as pipeline:
        _ = LoadDataFromDicts(data=ROWS) >> OddRow()

    with pytest.warns(UserWarning, match="`process` made a NoneType where a row"):
        made = pipeline.run(runs_dir=tmp_path)

    assert list(made["default"]["train"]) == [{"text": "b"}]


class AsTheyNameArguments(Task):
    inputs = ("text",)
    outputs = ("answer", "model_name")

    def format_input(self, input: Row) -> Any:
        return [{"role": "user", "content": input["text"]}]

    def format_output(self, output: str, input: Row) -> Row:
        return {"answer": output or input["text"]}


def test_a_task_may_name_its_arguments_as_distilabel_does(tmp_path: Path) -> None:
    with Pipeline("theirs") as pipeline:
        _ = LoadDataFromDicts(data=ROWS) >> AsTheyNameArguments(llm=RehearsalLLM())

    rows = list(pipeline.run(runs_dir=tmp_path)["default"]["train"])

    assert [list(row) for row in rows] == [["text", "answer", "model_name"]] * 2
