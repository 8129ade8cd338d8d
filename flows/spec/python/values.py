"""What expressions of pipeline code stand for. Nothing is executed, and nothing is imported: this is other people's input."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flows.spec.python.functions import FUNCTIONS
from flows.spec.python.parts import Class, Made, Routed, refused
from flows.spec.text import MAX_BYTES
from steps.errors import SpecError
from steps.wording import did_you_mean

MOST_EVALUATED = 2_000_000
"""Expressions and values that are looked at: loops and names may not make more of a text than it is worth."""
_EVERY_NAME = re.compile(r"[A-Z]\w*", re.ASCII)


class Evaluator:
    """Values of expressions, given the names that were assigned before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: dict[str, Any] = {}
        self.made: list[Made] = []
        self.is_inside = False
        self._evaluated = 0

    def refused(self, node: ast.AST, what: str, fix: str) -> SpecError:
        return refused(node, self.text, what, fix)

    def value(self, node: ast.expr) -> Any:
        """What an expression stands for.

        Raises:
            SpecError: It is not of the kind that pipelines are written with.
        """
        self.count(node)
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return value
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [one for item in items for one in self._items(item)]
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values)
            case ast.JoinedStr(values=parts):
                return self._text_of(parts, node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                number = self.value(operand)
                if isinstance(number, bool) or not isinstance(number, (int, float)):
                    raise self.refused(node, "a sign stands before something that is no number", "write a number")
                return -number if isinstance(sign, ast.USub) else number
            case ast.BinOp(op=ast.RShift()):
                return self._chain(node)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._sum(node, self.value(left), self.value(right))
            case ast.Attribute():
                return self._attribute(node)
            case ast.Subscript():
                return self._part_of(node)
            case ast.ListComp(elt=item, generators=loops):
                return [one for _ in self._rounds(loops) for one in self._items(item)]
            case ast.Call():
                return self._call(node)
        raise self.refused(
            node,
            "pipeline code is read, not run, and this kind of expression is not read",
            "write the value itself: text, numbers, lists, dicts, steps, names assigned above",
        )

    def count(self, node: ast.AST, made: int = 1) -> None:
        """Note that so many values were looked at, or made."""
        self._evaluated += made
        if self._evaluated > MOST_EVALUATED:
            raise self.refused(node, "the code makes more than a pipeline may have", "keep data in files of its own")

    def assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self.names[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                if not isinstance(value, list) or len(value) != len(targets):
                    raise self.refused(target, "there are not as many values as names", "write one name for each value")
                for one, inner in zip(targets, value, strict=True):
                    self.assign(one, inner)
            case _:
                raise self.refused(target, "this cannot be assigned to here", "assign to a name")

    def loop(self, target: ast.expr, over: ast.expr) -> Iterator[None]:
        values = self.value(over)
        if not isinstance(values, list):
            raise self.refused(over, "a loop goes over a list", "write the list, or range(...), enumerate(...), zip(...)")
        for value in values:
            self.count(target)
            self.assign(target, value)
            yield

    # ---- names
    def _name(self, node: ast.expr, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if _EVERY_NAME.fullmatch(name):
            return Class(None, name)  # one that is not installed here: planning says so
        raise self.refused(node, f"there is no {name!r} above.{did_you_mean(name, self.names)}", "assign it first")

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, (ast.Name, ast.Attribute)):
            owner = self.value(node.value)
            if isinstance(owner, Class):
                return Class(owner.module, f"{owner.path}.{node.attr}")
        raise self.refused(node, "attributes are not read", "write the value itself")

    def _part_of(self, node: ast.Subscript) -> Any:
        if _dotted(node.value) == "os.environ":
            return self._variable(node, self.value(node.slice))
        owner, key = self.value(node.value), self.value(node.slice)
        if isinstance(owner, (list, dict, str)):
            try:
                return owner[key]
            except (KeyError, IndexError, TypeError):
                pass
        raise self.refused(node, "there is no such item", "write the value itself")

    def _variable(self, node: ast.AST, name: Any) -> str:
        if isinstance(name, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            return f"${{{name}}}"
        raise self.refused(node, "this names no environment variable", 'write os.environ["NAME"]')

    # ---- texts, lists, dicts
    def _items(self, node: ast.expr) -> list[Any]:
        if not isinstance(node, ast.Starred):
            return [self.value(node)]
        found = self.value(node.value)
        if isinstance(found, list):
            self.count(node, len(found))
            return found
        raise self.refused(node, "a star stands before something that is no list", "write a list after it")

    def _dict(self, keys: list[ast.expr | None], values: list[ast.expr]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, node in zip(keys, values, strict=True):
            value = self.value(node)
            if key is not None:
                name = self.value(key)
                if not isinstance(name, str):
                    raise self.refused(key, "a key is not text", "write it in quotes")
                found[name] = value
            elif isinstance(value, dict):
                self.count(node, len(value))
                found |= value
            else:
                raise self.refused(node, "two stars stand before something that is no dict", "write a dict after them")
        return found

    def _text_of(self, parts: Sequence[ast.expr], node: ast.AST) -> str:
        """The text of an f-string, refused before it is made where it would be too long."""
        found: list[str] = []
        length = 0
        for part in parts:
            found.append(self._part(part))
            length += len(found[-1])
            if length > MAX_BYTES:
                raise self.refused(node, "this text is longer than a pipeline may be", "keep data in files of its own")
        return self._text("".join(found), node)

    def _part(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
                value = self.value(inner)
                if isinstance(value, (str, int, float)):
                    try:
                        return str(value)
                    except ValueError:  # Python writes no number of thousands of digits
                        raise self.refused(node, "this number has too many digits", "write it as text") from None
        raise self.refused(node, "this part of an f-string is not read", "write {name}, of a text or a number")

    def _sum(self, node: ast.AST, left: Any, right: Any) -> Any:
        if isinstance(left, str) and isinstance(right, str):
            return self._text(left + right, node)
        if isinstance(left, list) and isinstance(right, list):
            self.count(node, len(left) + len(right))
            return left + right
        if isinstance(left, (int, float)) and isinstance(right, (int, float)):
            try:
                return left + right
            except OverflowError:
                raise self.refused(node, "this number is too large", "write a smaller one") from None
        raise self.refused(node, "this cannot be added", "add two texts, two numbers or two lists")

    def _text(self, text: str, node: ast.AST) -> str:
        if len(text) > MAX_BYTES:
            raise self.refused(node, "this text is longer than a pipeline may be", "keep data in files of its own")
        self.count(node, 1 + len(text) // 100)
        return text

    def _rounds(self, loops: list[ast.comprehension]) -> Iterator[None]:
        if not loops:
            yield
            return
        first, *rest = loops
        if first.ifs or first.is_async:
            raise self.refused(first.target, "conditions are not read", "write a list of what is wanted")
        for _ in self.loop(first.target, first.iter):
            yield from self._rounds(rest)

    # ---- calls
    def _call(self, node: ast.Call) -> Any:
        called = _dotted(node.func)
        if isinstance(node.func, ast.Attribute) and called in ("os.environ.get", "os.getenv"):
            return self._variable(node, self.value(node.args[0]) if node.args else None)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            owner, items = self.value(node.func.value), self._values(node)
            if isinstance(owner, list) and len(items) == 1:
                return owner.append(items[0])
        function = FUNCTIONS.get(called) if called not in self.names else None
        if function is not None:
            return self._known(node, function)
        of = self.value(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else None
        if not isinstance(of, Class):
            raise self.refused(node, "this call is not read", "call steps, models and routers, or write the value itself")
        return self.make(of, node)

    def make(self, of: Class, node: ast.AST) -> Made:
        values, params = ([], {}) if not isinstance(node, ast.Call) else (self._values(node), self.named(node))
        made = Made(of, params, values, node, self.is_inside)
        self.stand_inside(node, [*params.values(), *values])
        self.made.append(made)
        return made

    def stand_inside(self, node: ast.AST, values: list[Any]) -> None:
        """Note what stands inside something else: a model, not a step."""
        waiting = list(values)
        while waiting:
            self.count(node)
            match waiting.pop():
                case Made() as inner:
                    if inner.used_as == "step":
                        raise self.refused(node, "a step stands inside another one", "connect them with `>>`")
                    inner.used_as = "value"
                case list() as items:
                    waiting.extend(items)
                case dict() as items:
                    waiting.extend(items.values())

    def _values(self, node: ast.Call) -> list[Any]:
        return [one for item in node.args for one in self._items(item)]

    def named(self, node: ast.Call) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                found[keyword.arg] = value
            elif isinstance(value, dict):
                self.count(node, len(value))
                found |= value
            else:
                raise self.refused(keyword.value, "two stars stand before something that is no dict", "write a dict after them")
        return found

    def _known(self, node: ast.Call, function: Callable[..., Any]) -> Any:
        values, named = self._values(node), self.named(node)
        try:
            made = function(*values, **named)
            self.count(node, len(made) if isinstance(made, (list, dict)) else 1)
            return made
        except (TypeError, ValueError, OverflowError) as error:
            raise self.refused(node, f"this call does not work ({error})", "write the value itself") from None

    # ---- links
    def _chain(self, node: ast.BinOp) -> Any:
        stages = [node.right]
        left: ast.expr = node.left
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.RShift):
            stages.append(left.right)
            left = left.left
        stages.append(left)
        stages.reverse()
        values = [self.value(stage) for stage in stages]
        for at in range(1, len(stages)):
            values[at] = self._linked(stages[at - 1 : at + 2], values, at)
        return values[-1]

    def _linked(self, nodes: list[ast.expr], values: list[Any], at: int) -> Any:
        """Connect two neighbours of a chain; what stands for the second one when the chain goes on."""
        left, right, node = values[at - 1], values[at], nodes[1]
        if isinstance(right, Class):
            right = self.make(right, node)
        is_followed_by_list = len(nodes) > 2 and isinstance(values[at + 1], list)
        if isinstance(right, Made) and _is_router(right, isinstance(node, ast.Call) and is_followed_by_list):
            if not isinstance(left, Made) or not is_followed_by_list:
                raise self.refused(node, "a router stands between a step and a list of steps", "write step >> router >> [a, b]")
            right.used_as, left.router = "router", right
            return Routed(left)
        sources = [left.source] if isinstance(left, Routed) else left if isinstance(left, list) else [left]
        if isinstance(left, list) and isinstance(right, list):
            raise self.refused(node, "rows pass from a list of steps to one step, not to a list", "write two statements")
        self._link(node, sources, right if isinstance(right, list) else [right])
        return right

    def _link(self, node: ast.AST, sources: list[Any], targets: list[Any]) -> None:
        for one in (*sources, *targets):
            if not isinstance(one, Made):
                raise self.refused(node, "`>>` connects steps", "write names of steps, or lists of them, on both sides")
            if not one.is_inside:
                raise self.refused(one.node, "this step is made outside `with Pipeline(...)`", "move it into that block")
            if one.used_as in ("value", "router"):
                raise self.refused(node, f"a {'model' if one.used_as == 'value' else 'router'} is no step", "connect steps")
            one.used_as = "step"
        for source in sources:
            for target in targets:
                self.count(node)
                if source not in target.after:
                    target.after.append(source)


def _is_router(made: Made, may_be_one: bool) -> bool:
    """Whether this is a router: it is known as one, or stands where only a router makes sense and nobody knows its class."""
    kinds = made.of.kinds()
    return "routers" in kinds or (may_be_one and not kinds and "name" not in made.params)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
