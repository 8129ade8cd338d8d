"""Jinja templates over a row. They come from shared files, so they run sandboxed: no private attributes, no imports."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steps.errors import RowError

if TYPE_CHECKING:
    from jinja2 import Environment


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import StrictUndefined  # here: importing it takes 40 ms
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


def compile_template(source: str) -> Callable[[dict[str, Any]], str]:
    """A function that fills the template in from a row.

    The function raises RowError when the row cannot fill it.
    """
    template = _environment().from_string(source)

    def render(row: dict[str, Any]) -> str:
        try:
            return template.render(row)
        except Exception as error:
            raise RowError(f"the template cannot be filled in: {error}", f"the row has {sorted(row)}") from error

    return render


def template_problem(source: str) -> str | None:
    """What is wrong with the template's syntax, or None."""
    from jinja2 import TemplateSyntaxError

    try:
        _environment().parse(source)
    except TemplateSyntaxError as error:
        return f"{error.message} (line {error.lineno})"
    return None


def template_columns(source: str) -> set[str]:
    """Names that the template takes from the row."""
    from jinja2 import meta

    return meta.find_undeclared_variables(_environment().parse(source))
