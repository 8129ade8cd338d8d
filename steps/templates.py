"""Jinja templates over a row. They come from shared files, so they run sandboxed: no private attributes, no imports.

Most templates only insert columns, and are filled in without Jinja: in an eighth of the time, and nothing is imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steps.errors import RowError
from steps.wording import did_you_mean, nearest

if TYPE_CHECKING:
    from jinja2 import Environment, Template, nodes


_INSERTED = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_SYNTAX = ("{{", "{%", "{#")
MOST_BITS, MOST_DIGITS, MOST_ITEMS = 10_000, 4, 10_000_000
"""How large what a template works out may get: a number, a width, a text or list that is repeated."""
_CONSTANTS = {"true", "false", "none", "True", "False", "None"}


@lru_cache(maxsize=64)
def _insertions(source: str) -> list[str] | None:
    """Text and names of columns by turns, if the template only inserts columns."""
    parts = _INSERTED.split(source)
    texts, names = parts[::2], parts[1::2]
    if any(mark in text for text in texts for mark in _SYNTAX) or not _CONSTANTS.isdisjoint(names) or "\r" in source:
        return None
    return parts


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import StrictUndefined  # here: importing it takes 40 ms
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Bounded(ImmutableSandboxedEnvironment):
        """Refuses sums that would take forever, or all memory; nothing would interrupt them."""

        intercepted_binops = frozenset(("*", "**", "%"))

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if _is_huge(operator, left, right):
                raise OverflowError(f"what `{operator}` makes would be too large")
            return super().call_binop(context, operator, left, right)

    # not optimized: else what stands in a condition is worked out when it is only looked at
    return Bounded(undefined=StrictUndefined, keep_trailing_newline=True, optimized=False)


def _is_huge(operator: str, left: Any, right: Any) -> bool:
    match operator, left, right:
        case "%", str(), _:
            return "*" in left or any(len(digits) > MOST_DIGITS for digits in re.findall(r"\d+", left))
        case "**", int(), int():
            return left.bit_length() * right > MOST_BITS
        case "*", int(), int():
            return left.bit_length() + right.bit_length() > MOST_BITS
        case "*", int(), sized:
            return hasattr(sized, "__len__") and left * len(sized) > MOST_ITEMS
        case "*", sized, int():
            return hasattr(sized, "__len__") and right * len(sized) > MOST_ITEMS
    return False


def compile_template(source: str) -> Callable[[dict[str, Any]], str]:
    """A function that fills the template in from a row.

    The function raises RowError when the row cannot fill it.
    """
    parts = _insertions(source)
    names = set(parts[1::2]) if parts is not None else set()

    def render(row: dict[str, Any]) -> str:
        try:
            if parts is not None and row.keys() >= names:
                return "".join(str(row[part]) if at % 2 else part for at, part in enumerate(parts))
            return _compiled(source).render(row)
        except Exception as error:
            raise RowError(f"the template cannot be filled in: {error}", f"the row has {sorted(map(str, row))}") from error

    return render


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    return _environment().from_string(source)


def template_problem(source: str) -> str | None:
    """What is wrong with the template, whatever the rows hold, or None."""
    return None if _insertions(source) is not None else _problem(_compiled, source, source)


def template_columns(source: str) -> set[str]:
    """Names that the template takes from the row."""
    if (parts := _insertions(source)) is not None:
        return set(parts[1::2])
    from jinja2 import meta

    return meta.find_undeclared_variables(_environment().parse(source))


# ---- conditions: one expression, without braces


def compile_condition(source: str) -> Callable[[dict[str, Any]], Any]:
    """A function that says what the expression comes to for a row.

    The function raises RowError when it cannot be worked out.
    """

    def met(row: dict[str, Any]) -> Any:
        try:
            return _expression(source)(row)
        except Exception as error:
            raise RowError(f"the condition cannot be worked out: {error}", f"the row has {sorted(map(str, row))}") from error

    return met


@lru_cache(maxsize=64)
def _expression(source: str) -> Callable[..., Any]:
    return _environment().compile_expression(source, undefined_to_none=False)


def condition_problem(source: str) -> str | None:
    """What is wrong with the expression, whatever the rows hold, or None."""
    return _problem(_expression, source, f"{{{{ {source} }}}}")


@lru_cache(maxsize=64)
def condition_columns(source: str) -> frozenset[str]:
    """Names that the expression takes from the row."""
    from jinja2 import meta

    names = meta.find_undeclared_variables(_environment().parse(f"{{{{ {source} }}}}"))
    return frozenset(names)


# ---- what is wrong with either


def _problem(compiled: Callable[[str], Any], source: str, template: str) -> str | None:
    """`template`: the source as one."""
    from jinja2 import TemplateSyntaxError

    try:
        parsed = _environment().parse(template)
        if unknown := next(_unknown(parsed), None):
            return unknown
        compiled(source)
    except TemplateSyntaxError as error:
        line = f" (line {error.lineno})" if "\n" in source else ""
        return f"{error.message or 'it is no expression'}{line}"
    except RecursionError:
        return "it has too many brackets"
    return None


def _unknown(parsed: nodes.Template) -> Iterator[str]:
    """Filters, tests and functions that there are not. Jinja itself lets them pass inside of an `if`."""
    from jinja2 import meta, nodes

    for kind, known in ((nodes.Filter, _environment().filters), (nodes.Test, _environment().tests)):
        for node in parsed.find_all(kind):
            if node.name not in known:
                yield f"there is no {kind.__name__.lower()} {node.name!r}.{did_you_mean(node.name, known)}"
    called = [(call.node.name, call.args) for call in parsed.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    columns = meta.find_undeclared_variables(parsed) if called else ()
    for name, given in called:
        if name in columns:  # what rows hold cannot be called: filters do here what functions do in Python
            yield f"there is no function {name!r}; there are filters: {_as_filter(name, given)}"


_FILTERS = {"len": "length", "str": "string", "sorted": "sort", "reversed": "reverse"}
"""What functions of Python are called among the filters, where it is not the same."""


def _as_filter(function: str, given: list[nodes.Expr]) -> str:
    from jinja2 import nodes

    on = given[0].name if given and isinstance(given[0], nodes.Name) else "column"
    return f"{on}|{_FILTERS.get(function) or nearest(function, _environment().filters) or 'length'}"
