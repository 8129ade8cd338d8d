"""What of a step's class cannot work here, above all in classes that were written for distilabel, and what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal, NamedTuple

from steps.base import BaseStep, GeneratorStep, GlobalStep, JoinStep, Step
from steps.tasks.base import Task
from steps.tasks.generator import GeneratorTask
from steps.tasks.global_task import GlobalTask
from steps.wiring import open_pipeline
from steps.wording import listed


class Misfit(NamedTuple):
    """One thing that cannot work, and what to do."""

    what: str
    fix: str


_OURS = "steps."
"""What our own modules begin with."""
_CALLED_WITH: dict[str, tuple[str, ...]] = {
    "process": ("rows",),
    "generate": (),
    "combine": ("rows",),
    "seeds": (),
    "prepare": ("rows",),
    "format_input": ("row",),
    "format_output": ("text", "row"),
    "rehearse": ("row", "rng"),
}
_NO_BATCHES = "yield the rows one by one, from the first: no `offset`, no batches, and no flag for the last one"
_REQUIRED: tuple[tuple[type[BaseStep], str, str], ...] = (
    (GeneratorTask, "seeds", "write `def seeds(self)`: yield what each request is about, as a dict; the engine makes the rows"),
    (GeneratorStep, "generate", f"write `def generate(self)`: {_NO_BATCHES}"),
    (GlobalTask, "prepare", "write `def prepare(self, rows)`: yield all rows, each with what its question needs"),
    (JoinStep, "combine", "write `def combine(self, rows)`: make one row of what the branches made of it"),
    (GlobalStep, "process", "write `def process(self, rows)`: return or yield the rows that go on"),
    (Step, "process", "write `def process(self, rows)`: return the rows"),
)


@cache
def misfits(found: type[BaseStep]) -> tuple[Misfit, ...]:
    """Everything that cannot work, as far as the class alone shows it."""
    if found.__module__.startswith(_OURS):
        return ()
    return (*_of_columns(found), *_of_what_it_lacks(found), *_of_signatures(found))


def declared(found: type[BaseStep], name: Literal["inputs", "outputs", "optional_inputs"]) -> list[str]:
    """The columns that a class declares; none where it does so in a way that cannot work."""
    columns = inspect.getattr_static(found, name)
    return list(columns) if isinstance(columns, (list, tuple)) else []


def _of_columns(found: type[BaseStep]) -> Iterator[Misfit]:
    for name, instead in (("inputs", "needs"), ("outputs", "makes"), ("optional_inputs", "")):
        columns = inspect.getattr_static(found, name)
        write = f"write the columns in the class: {name} = {_columns_of(found, name)}"
        if isinstance(columns, property):
            more = f"; where parameters decide over them, `def {instead}(self)` returns them" if instead else ""
            yield Misfit(f"`{name}` is a property", write + more)
        elif isinstance(columns, Mapping):
            yield Misfit(f"`{name}` is a mapping", f"{write}; those that may be missing in `optional_inputs`")
        elif isinstance(columns, str):
            yield Misfit(f"`{name}` is one text", f"write a tuple: {name} = ({columns!r},)")


def _columns_of(found: type[BaseStep], name: str) -> tuple[str, ...]:
    """The columns that it means, as far as it can say without parameters; else an example."""
    token = open_pipeline.set(None)
    try:
        return tuple(map(str, getattr(found.model_construct(), name))) or ("text",)
    except Exception:  # their code
        return ("text",)
    finally:
        open_pipeline.reset(token)


def _of_what_it_lacks(found: type[BaseStep]) -> Iterator[Misfit]:
    for kind, method, fix in _REQUIRED:
        if issubclass(found, kind):
            if _is_left(found, method, kind) and not (issubclass(found, Task) and kind is Step):
                instead = " but `process`" if method != "process" and not _is_ours(found, "process") else ""
                yield Misfit(f"it has no `{method}`{instead}", fix)
            break
    if not issubclass(found, Task):
        if issubclass(found, Step) and inspect.isgeneratorfunction(found.process):
            yield Misfit("its `process` yields", "return the rows: `return rows` where distilabel has `yield rows`")
        return
    if not _is_ours(found, "answer"):
        return
    if not _is_ours(found, "process"):
        yield Misfit("its `process` is not called: a task asks about each row by itself", "move it into a step after the task")
    if found.answer in (Task.answer, GeneratorTask.answer, GlobalTask.answer):  # those that ask once
        if found.Answer is None and found.format_output is Task.format_output:
            yield Misfit("it cannot read replies", "write `def format_output(self, text, row)`, or a model `Answer`")
        if not found.prompt and found.format_input is Task.format_input:
            yield Misfit("it asks nothing", "write a `prompt`, or `def format_input(self, row)`")


def _of_signatures(found: type[BaseStep]) -> Iterator[Misfit]:
    for name, arguments in _CALLED_WITH.items():
        if not hasattr(found, name) or _is_ours(found, name):
            continue
        method = getattr(found, name)
        try:
            signature = inspect.signature(method)
            signature.bind(*(("self", *arguments) if _takes_self(found, name) else arguments))
        except (TypeError, ValueError):
            given = f"with {listed(arguments)}" if arguments else "without arguments"
            yield Misfit(f"`{name}` is called {given}", f"write `def {name}({', '.join(('self', *arguments))})`")


def _takes_self(found: type[BaseStep], name: str) -> bool:
    return not isinstance(inspect.getattr_static(found, name), (staticmethod, classmethod))


def _is_left(found: type[BaseStep], method: str, kind: type[BaseStep]) -> bool:
    """Whether this method is still that of the base class."""
    return getattr(found, method) is getattr(kind, method)


def _is_ours(found: type[BaseStep], method: str) -> bool:
    return str(getattr(getattr(found, method, None), "__module__", _OURS)).startswith(_OURS)
