"""Steps and tasks made of a function: `@step` and `@task`.

The name in the module stands for the class from then on, so pipeline files name it `module:function`, and workers find it. The
parameters of the function are the step's own.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import create_model

from steps.base import BaseStep, Batch, GeneratorStep, GlobalStep, Row, Step
from steps.errors import RunError
from steps.llms.base import Chat
from steps.signatures import fields_of
from steps.tasks.base import Task
from steps.tasks.rehearsing import rehearse_text
from steps.wording import listed

Columns = Sequence[str] | Mapping[str, bool] | None
"""Names of columns; a mapping says of each whether a row must have it."""
S = TypeVar("S", bound=BaseStep)


def step(
    inputs: Columns = None,
    outputs: Columns = None,
    step_type: Literal["normal", "global", "generator"] = "normal",
    *,
    changes_rows: bool = False,
) -> Callable[[Callable[..., Any]], type[Any]]:
    """Make a step of a function.

    - "normal": the function gets a batch of rows, which are its own to change, and returns or yields as many. With
      `changes_rows` it gets one row at a time, and may return none or several.
    - "global": it gets all rows in a list, which are its own to change too, and returns or yields those that go on.
    - "generator": it yields the rows.

    Rows may come one by one, in lists, and, from a generator, in pairs of a list and whether it is the last.

    Example:
        >>> @step(inputs=["text"], outputs=["length"])
        ... def MeasureText(batch, least: int = 0):
        ...     "Counts the characters of a text."
        ...     for row in batch:
        ...         row["length"] = max(least, len(row["text"]))
        ...     yield batch
        >>> MeasureText(least=3).process([{"text": "hi"}])
        [{'text': 'hi', 'length': 3}]
    """
    columns = _columns(inputs, outputs)
    bases: dict[str, type[BaseStep]] = {"normal": _RowsStep, "global": _AllRowsStep, "generator": _SourceStep}
    if step_type not in bases:
        raise ValueError(f"step_type is {step_type!r}; it is one of {listed(bases)}")

    def make(function: Callable[..., Any]) -> type[BaseStep]:
        skipped = 0 if step_type == "generator" else 1
        about = columns | ({"changes_rows": changes_rows} if step_type == "normal" else {})
        return _made(bases[step_type], function, skipped, about)

    return make


def task(
    inputs: Columns = None, outputs: Columns = None, *, rehearse: Callable[[Row, Random], str] | None = None
) -> Callable[[Callable[..., Row]], type[Any]]:
    """Make a task of the function that reads its replies: it gets a reply and the row, and returns the columns.

    The prompts stand in its docstring, as YAML between two lines of `---`: `system_prompt`, which may be left out, and
    `user_message_template`; `{column}` stands for a value of the row. What stands before them says what the task does.
    `rehearse` makes up a reply that the function can read; without it, a rehearsal gives it a sentence.

    Example:
        >>> @task(inputs=["text"], outputs=["is_positive"], rehearse=lambda row, rng: rng.choice(["yes", "no"]))
        ... def JudgeMood(reply, row):
        ...     '''Asks whether a text is in good spirits.
        ...     ---
        ...     user_message_template: Is this in good spirits, yes or no? {text}
        ...     ---
        ...     '''
        ...     return {"is_positive": reply.strip().lower().startswith("yes")}
        >>> JudgeMood().format_input({"text": "What a day!"})
        [{'role': 'user', 'content': 'Is this in good spirits, yes or no? What a day!'}]
    """
    columns = _columns(inputs, outputs)
    known = (*columns["inputs"], *columns["optional_inputs"])

    def make(function: Callable[..., Row]) -> type[Any]:
        about, prompts = _prompts(function)
        for name, template in prompts.items():
            if unknown := [column for column in _PLACE.findall(template) if column not in known]:
                raise ValueError(f"`{name}` of {function.__name__} takes {listed(unknown)}, which its inputs do not name")
        more = {**columns, "prompts": prompts, "rehearsed": staticmethod(rehearse or _sentence)}
        return _made(_ReplyTask, function, 2, more, about)

    return make


def _columns(inputs: Columns, outputs: Columns) -> dict[str, tuple[str, ...]]:
    """The columns of a class.

    Raises:
        ValueError: One text stands where a list belongs.
    """
    for name, given in (("inputs", inputs), ("outputs", outputs)):
        if isinstance(given, str):
            raise ValueError(f"{name}={given!r} is one text; write a list: {name}=[{given!r}]")
    optional = tuple(column for column, is_needed in inputs.items() if not is_needed) if isinstance(inputs, Mapping) else ()
    needed = tuple(column for column in inputs or () if column not in optional)
    return {"inputs": needed, "optional_inputs": optional, "outputs": tuple(outputs or ())}


def _made(base: type[S], function: Callable[..., Any], skip: int, about: dict[str, Any], doc: str | None = None) -> type[S]:
    if len(inspect.signature(function).parameters) < skip:
        raise ValueError(f"{function.__name__} is called with {_GIVEN[skip]}: write them as its first parameters")
    fields = fields_of(function, skip)
    made: type[S] = create_model(
        function.__name__,
        __base__=base,
        __module__=function.__module__,
        __doc__=inspect.getdoc(function) if doc is None else doc,
        **fields,
    )
    for name, value in {"function": staticmethod(function), "own_fields": tuple(fields), **about}.items():
        setattr(made, name, value)
    return made


class _OfFunction(BaseStep):
    function: ClassVar[Callable[..., Any]]
    own_fields: ClassVar[tuple[str, ...]] = ()

    def own(self) -> dict[str, Any]:
        """The parameters of the function."""
        return {name: getattr(self, name) for name in self.own_fields}


class _RowsStep(_OfFunction, Step):
    def process(self, batch: Batch) -> Batch:
        return list(_rows(self.function(copy.deepcopy(batch), **self.own())))


class _AllRowsStep(_OfFunction, GlobalStep):
    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        return _rows(self.function(list(rows), **self.own()))


class _SourceStep(_OfFunction, GeneratorStep):
    def generate(self) -> Iterator[Row]:
        return _rows(self.function(**self.own()))


class _ReplyTask(_OfFunction, Task):
    prompts: ClassVar[dict[str, str]] = {}
    rehearsed: ClassVar[Callable[[Row, Random], str]]
    mend_rehearsal: ClassVar[str] = "write @task(..., rehearse=...): a function of row and rng, whose reply it can read"

    def format_input(self, row: Row) -> Chat:
        said = {role: self.prompts[name] for name, role in _ROLES.items() if name in self.prompts}
        return [{"role": role, "content": _PLACE.sub(lambda place: str(row[place[1]]), text)} for role, text in said.items()]

    def format_output(self, text: str, row: Row) -> Row:
        columns = self.function(text, row, **self.own())
        if not isinstance(columns, dict):
            raise RunError(f"{type(self).__name__} returned {type(columns).__name__}", "return a dict of columns")
        return columns

    def rehearse(self, row: Row, rng: Random) -> str:
        return type(self).rehearsed(row, rng)


_GIVEN = {1: "the rows", 2: "a reply and the row"}
"""What a function is called with, by how much that is."""
_ROLES = {"system_prompt": "system", "user_message_template": "user"}
_PLACE = re.compile(r"\{(\w+)\}")


def _sentence(row: Row, rng: Random) -> str:
    return rehearse_text(rng)


def _rows(made: Any) -> Iterator[Row]:
    """Rows out of what a function returned or yielded: rows, lists of them, or pairs of a list and whether it is the last."""
    for one in made if made is not None else ():
        if isinstance(one, tuple) and len(one) == 2 and isinstance(one[1], bool):
            yield from one[0]
        elif isinstance(one, list):
            yield from one
        else:
            yield one


def _prompts(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """What the docstring says, and the prompts in it.

    Raises:
        ValueError: It has none, or others than these.
    """
    name = function.__name__
    about, *rest = re.split(r"^---[ \t]*$", inspect.getdoc(function) or "", flags=re.MULTILINE)
    try:
        found = yaml.safe_load(rest[0]) if rest else None
    except yaml.YAMLError as error:
        raise ValueError(f"the prompts in the docstring of {name} are no YAML: {error}") from error
    if not isinstance(found, dict) or "user_message_template" not in found:
        raise ValueError(f"the docstring of {name} has no `user_message_template` between two lines of ---")
    if unknown := found.keys() - _ROLES.keys():
        raise ValueError(f"the docstring of {name} has {listed(sorted(map(str, unknown)))}; it may have {listed(_ROLES)}")
    return about.strip(), {key: str(text).strip() for key, text in found.items() if text is not None}
