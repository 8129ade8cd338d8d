"""What a step is: the four kinds of them, their columns, and what they share.

A step is a pydantic model: its fields are its parameters (form, YAML and Python alike), the first line of its docstring is
what the palette shows, and the example in the docstring runs as a test.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from operator import contains
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SerializerFunctionWrapHandler, model_serializer

from steps.artifacts import Write, check_name, write_artifact
from steps.components import Component
from steps.errors import Complaint, MissingKey, MissingValue
from steps.secrets import without_secrets
from steps.wiring import Wired

log = logging.getLogger(__name__)

Row = dict[str, Any]
Batch = list[Row]
METADATA = "distilflow_metadata"
"""Column of what tasks keep beside their own columns. Names that begin with `distilflow_` are ours."""
FILL_IT = "fill it in the source, or drop the row before this step"
Group = Literal["sources", "samplers", "ask", "columns", "filters", "formats", "labels", "sinks", "other"]
Section = Literal["", "ask", "write", "judge", "check"]


def _logger_of(kind: type[BaseStep]) -> logging.Logger:
    """The logger of a class, below `steps` wherever the class comes from: the log of a run is made of what is said there."""
    name = f"{kind.__module__}.{kind.__name__}"
    return logging.getLogger(name if name.startswith("steps.") else f"steps.{name}")


class StepResources(BaseModel):
    """What one replica of a step needs, and how many replicas there are."""

    model_config = ConfigDict(extra="forbid")

    replicas: int = Field(default=1, ge=1, description="Workers that share the rows of this step.")
    cpus: float | None = Field(default=None, gt=0, description="CPU cores per replica.")
    gpus: int | None = Field(default=None, ge=0, description="GPUs per replica; they are pinned to it.")
    memory: int | None = Field(default=None, gt=0, description="Memory per replica, in bytes.")
    resources: dict[str, float] | None = Field(default=None, description="Custom resources by name.")


class BaseStep(Wired, Component):
    """What every kind of step has: a name, columns in and out, and a place to run."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), hide_input_in_errors=True)

    inputs: ClassVar[Sequence[str]] = ()
    """Columns that a row must have. Steps whose columns depend on parameters override `needs`."""
    optional_inputs: ClassVar[Sequence[str]] = ()
    """Columns that are used where a row has them."""
    outputs: ClassVar[Sequence[str]] = ()
    """Columns that are added. Steps that also remove columns override `columns_after`."""
    kept_outputs: ClassVar[Sequence[str]] = ()
    """Outputs that stay as they are in rows that come with them."""
    group: ClassVar[Group] = "other"
    """Where the palette lists the step."""
    section: ClassVar[Section] = ""
    """Which part of a long group lists it: those that ask, write, judge or check have a heading of their own there."""
    default_pool: ClassVar[str] = "process"
    reaches: ClassVar[str] = ""
    """What it needs beyond this machine, in words; empty where it works offline."""
    in_rehearsal: ClassVar[Mapping[str, Any]] = {}
    """Parameters that a rehearsal sets: with them it loads no weights and writes nothing beyond this machine."""
    in_preview: ClassVar[Mapping[str, Any]] = {}
    """Parameters that it has where only a few rows are looked at: with them it writes nothing beyond this machine."""
    runs_code: ClassVar[bool] = False
    """Whether it runs programs that its rows or parameters bring: a server that is open to everybody refuses it."""

    name: str | None = Field(default=None, description="Name in the pipeline; empty for one made from the class name.")
    input_mappings: dict[str, str] = Field(
        default_factory=dict, description="Column the step needs: column that the rows have."
    )
    output_mappings: dict[str, str] = Field(
        default_factory=dict, description="Column the step makes: name it gets in the rows."
    )
    pool: str | None = Field(default=None, description="async, process or gpu; empty to let the step decide.")
    resources: StepResources = Field(default_factory=StepResources)

    PLACEMENT: ClassVar[frozenset[str]] = frozenset(
        {"name", "input_mappings", "output_mappings", "pool", "resources", "input_batch_size"}
    )
    """Fields that say where and on what a step works; all others are its own parameters."""

    _logger: logging.Logger = PrivateAttr()
    """What the step has to say: warnings and errors are also in the log of the run."""
    _artifacts_folder: Path | None = PrivateAttr(default=None)
    _has_told_of_artifacts: bool = PrivateAttr(default=False)

    def model_post_init(self, context: Any, /) -> None:
        self._logger = _logger_of(type(self))
        self.join_open_pipeline()

    @model_serializer(mode="wrap")
    def _leave_secrets_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_secrets(self, handler(self))

    # ---- columns
    def needs(self) -> list[str]:
        """Columns a row must have, by the names the step itself uses."""
        return list(self.inputs)

    def makes(self) -> list[str]:
        """Columns that the step adds or rewrites, by its own names."""
        return list(self.outputs)

    def columns_after(self, received: Sequence[str]) -> list[str]:
        """Columns of a row that leaves the step, given those of a row that entered it (the step's own names)."""
        return list(dict.fromkeys([*received, *self.makes()]))

    def fingerprint(self) -> str:
        """Identity of what the rows come from beyond parameters and rows, such as the content of a file."""
        return ""

    # ---- life
    def load(self) -> None:
        """Get ready for work: open files, load models. Runs once per worker, before the first row."""

    def unload(self) -> None:
        """Let go of what `load` took. Runs once per worker, after the last row."""

    def preferred_pool(self) -> str:
        """Pool to run in when the pipeline names none."""
        return self.default_pool

    @property
    def makes_up(self) -> bool:
        """Whether what it adds is made up, where a model stands in for another in a rehearsal."""
        return any(getattr(value, "is_rehearsal", False) for _, value in self)

    # ---- artifacts
    def save_artifact(self, name: str, write_function: Write, metadata: Mapping[str, Any] | None = None) -> None:
        """Leave files beside the rows: a plot, an index, a model. They go into the Distiset, as `artifacts/<step>/<name>/`.

        `write_function` gets an empty folder and writes them there; `metadata` becomes its metadata.json. An artifact of this
        name that the step saved before is replaced. Outside a run there is nowhere to keep it: a warning says so, once.

        Raises:
            RunError: The name cannot be that of a folder, or what was written cannot be kept.
        """
        check_name(name)
        if self._artifacts_folder is not None:
            write_artifact(self._artifacts_folder, name, write_function, metadata)
        elif not self._has_told_of_artifacts:
            self._has_told_of_artifacts = True
            who = self.name or type(self).__name__
            log.warning("step %r works outside a run: its artifact %r is not kept", who, name)

    def keep_artifacts_in(self, folder: Path | None) -> None:
        """Say where `save_artifact` keeps them; None for nowhere. Whoever runs the step does."""
        self._artifacts_folder = folder

    @property
    def reaches_now(self) -> str:
        """What it needs beyond this machine with the parameters that it has."""
        kept_here = {**self.in_rehearsal, **self.in_preview}
        is_kept_here = kept_here and all(getattr(self, name) == value for name, value in kept_here.items())
        return "" if is_kept_here else self.reaches

    def check(self) -> Iterable[Complaint]:
        """Say what is wrong with the parameters beyond their types, one sentence each. Fast, and without the network."""
        return ()

    def check_makers(self, makers: Mapping[str, BaseStep]) -> Iterable[Complaint]:
        """Say what is wrong between this step and those that made the columns it needs, by column, where that is known."""
        return ()


class Step(BaseStep):
    """Works on some rows at a time.

    `process` gets several rows only for speed: what it makes of a row must not depend on the others, because a row may be
    redone alone. A step that drops or multiplies rows says `changes_rows = True`, or overrides `may_change_rows` where its
    parameters decide; it then gets one row at a time, so that every row that leaves is known to come from the one that
    entered.
    """

    changes_rows: ClassVar[bool] = False

    input_batch_size: int = Field(default=50, ge=1, description="Most rows handed over at a time.")

    def may_change_rows(self) -> bool:
        """Whether it may drop or multiply rows, with these parameters."""
        return self.changes_rows

    def process(self, batch: Batch) -> Batch:
        """Turn rows into rows. Must not change the rows it gets."""
        raise NotImplementedError(f"{type(self).__name__}.process")


class GeneratorStep(BaseStep):
    """Makes rows: the start of a pipeline."""

    group: ClassVar[Group] = "sources"
    rows_set_by: ClassVar[str] = ""
    """The parameter that says how many rows it makes, or makes at most; empty where none does."""

    batch_size: int = Field(default=50, ge=1, description="Rows that leave together.")

    PLACEMENT: ClassVar[frozenset[str]] = BaseStep.PLACEMENT | {"batch_size"}

    def generate(self) -> Iterator[Row]:
        """Yield the rows, in the same order every time."""
        raise NotImplementedError(f"{type(self).__name__}.generate")

    def generate_again(self, round_number: int) -> Iterator[Row]:
        """Yield the rows of a further round (1, 2, ...), where a `LoopStep` wants more: the same, unless overridden."""
        return self.generate()

    def columns(self) -> list[str] | None:
        """Columns of the rows as the source knows them; None when it cannot know before it runs."""
        return list(self.outputs) or None

    def count(self) -> int | None:
        """How many rows it makes; None when only making them would tell. It may take the time of reading a file.

        Raises:
            DistilflowError: They cannot be read.
        """
        return None


class GlobalStep(BaseStep):
    """Needs all rows at once: deduplication, clustering, selection.

    `process` gets a collection that can be counted and read several times; the rows are read from disk while it is iterated.
    """

    matches_branches: ClassVar[bool] = True
    """After several steps: whether it gets what all of them made of a row as one row. Else it gets the rows of the first, then
    those of the second, and so on in the order of `after`; they need not come from one source."""

    keeps_every_row: ClassVar[bool] = False
    """Whether each row that it gets goes on, none more, and in their order: then it is known which of them each is. Such a step
    refuses no row (`check_row`)."""

    def check_row(self, row: Row) -> None:
        """Say what is wrong with a row by itself, whatever the others are. It must not change the row.

        In a run each row is checked before `process` gets them: those that are refused go into quarantine alone, and `process`
        gets the others. What only shows among rows is for `process` to raise, and ends the run.

        Raises:
            RowError: The step cannot take it.
        """

    def checks_rows(self) -> bool:
        """Whether `check_row` says anything: rows are read once more for it."""
        return type(self).check_row is not GlobalStep.check_row

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        """Turn all rows into the rows that go on."""
        raise NotImplementedError(f"{type(self).__name__}.process")


class LoopStep(GlobalStep):
    """Repeats the steps before it until enough rows have arrived.

    The source sends rows by the slice. When a slice is through, `count_enough` is asked about all rows that have arrived; while
    it says fewer than `num_rows`, more are sent for. In the end `process` turns all of them into the rows that go on.
    """

    num_rows: int = Field(ge=1, description="Rows that are wanted.", examples=[100])
    max_rounds: int = Field(default=10, ge=1, le=10_000, description="How often the source may begin, at most.")

    def count_enough(self, rows: Collection[Row]) -> int:
        """How many of these rows count; it may stop at `num_rows`. It depends on the rows alone, so that a run can go on."""
        return sum(1 for _ in self.process(rows))


class JoinStep(BaseStep):
    """Brings branches together: gets what each of several upstream steps made of one row."""

    group: ClassVar[Group] = "columns"

    def combine(self, rows: Sequence[Row]) -> Row:
        """Make one row of the rows that the upstream steps made, in the order of `after`."""
        raise NotImplementedError(f"{type(self).__name__}.combine")

    def columns_joined(self, received: Sequence[Sequence[str]]) -> list[str]:
        """Columns of the combined row, given the columns that each upstream sends."""
        return list(dict.fromkeys(column for columns in received for column in columns))


def rename_in(row: Row, mappings: dict[str, str]) -> Row:
    """Give mapped columns the names the step uses. A column that stood under such a name is set aside until `rename_out`."""
    result: Row = {}
    for column, value in row.items():
        wanted = [name for name, present in mappings.items() if present == column]
        for name in wanted:
            result[name] = value
        if not wanted and column not in mappings:
            result[column] = value
    return result


def rename_out(row: Row, before: Row, step: BaseStep) -> Row:
    """Give columns the names the pipeline uses: mapped inputs their old ones, mapped outputs their new ones.

    A column of the row as it was (`before`) is not lost because the step made one of the same name that is called otherwise.
    """
    inputs, outputs = step.input_mappings, step.output_mappings
    result = {outputs.get(column, inputs.get(column, column)): value for column, value in row.items()}
    for column, name in outputs.items():
        if column in row:  # a column of that name may have stood behind it
            result[name] = row[column]
    for wanted, present in inputs.items():
        if wanted in outputs and present in before:  # the result got a name of its own: what it was made of stays
            result.setdefault(present, before[present])
        if wanted in before and wanted not in inputs.values():  # set aside while the step worked
            result.setdefault(wanted, before[wanted])
    for column in step.makes() if outputs else ():
        if column in outputs and column in before and column not in inputs:
            result.setdefault(column, before[column])
    return result


def require(row: Row, columns: Iterable[str]) -> None:
    """Check that a row has these columns.

    Raises:
        MissingKey: It names the columns that are missing and those that are there.
    """
    missing = [column for column in columns if column not in row]
    if missing:
        raise MissingKey(
            f"this row has no {', '.join(map(repr, missing))}; it has {sorted(map(str, row))}",
            "give the row this column in the source, or drop the row before this step",
        )


def require_all(rows: Sequence[Row], columns: Iterable[str]) -> None:
    """Check that every row has these columns.

    Raises:
        MissingKey: It names what the first row without them lacks.
    """
    columns = list(columns)
    if not all(all(map(contains, rows, repeat(column))) for column in columns):
        for row in rows:
            require(row, columns)


@contextmanager
def naming_missing(rows: Sequence[Row], columns: Iterable[str]) -> Iterator[None]:
    """Turn the KeyError of a row that lacks one of these columns into words.

    Raises:
        MissingKey: It names what the first row without them lacks.
    """
    try:
        yield
    except KeyError:
        require_all(rows, columns)
        raise


def require_values(row: Row, columns: Iterable[str]) -> None:
    """Check that a row has these columns, and something in each: not None, and not NaN.

    Raises:
        MissingKey, MissingValue: It names the columns.
    """
    columns = list(columns)
    require(row, columns)
    if empty := [column for column in columns if is_missing(row[column])]:
        seen = ", ".join(repr(row[column]) for column in empty)
        raise MissingValue(f"this row has nothing in {', '.join(map(repr, empty))}: {seen}", FILL_IT)


def is_missing(value: Any) -> bool:
    """Whether data sets write this where there is no value: None, or the number NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))
