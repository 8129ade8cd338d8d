"""What pipeline code is made of: classes by their place, calls of them, and errors that say where."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from steps import registry
from steps.errors import SpecError

MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Class:
    """A class by the place it is imported from; of one that is not imported, nobody knows the place."""

    module: str | None
    path: str

    def use(self, kind: registry.Kind) -> str:
        """What a pipeline says to name it."""
        return registry.name_at(self.module, self.path, kind) if self.module else self.path

    def kinds(self) -> list[registry.Kind]:
        """What it is registered as; nothing for a class of the user's own."""
        return [kind for kind in registry.KINDS if self.use(kind) in registry.names(kind)]


@dataclass(eq=False, slots=True)
class Made:
    """A call of a class: a step, or what stands inside one."""

    of: Class
    params: dict[str, Any]
    values: list[Any]
    node: ast.AST
    is_inside: bool = False
    """Whether it was made inside the `with Pipeline(...)` block."""
    after: list[Made] = field(default_factory=list)
    router: Made | None = None
    used_as: str = ""


@dataclass(frozen=True, slots=True)
class Routed:
    """A step whose router chooses among what follows."""

    source: Made


def refused(node: ast.AST, text: str, what: str, fix: str) -> SpecError:
    """An error that says where it is, and what was seen there."""
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    lines = text.split("\n", line)
    seen = lines[line - 1].encode()[column:].decode(errors="replace") if line <= len(lines) else ""
    end = getattr(node, "end_col_offset", None)
    if end is not None and getattr(node, "end_lineno", line) == line:
        seen = lines[line - 1].encode()[column:end].decode(errors="replace")
    seen = seen.strip() if len(seen) <= MOST_SHOWN else f"{seen[:MOST_SHOWN]}..."
    shown = f": `{seen}`" if seen else ""
    characters = len(lines[line - 1].encode()[:column].decode(errors="replace")) if line <= len(lines) else column
    return SpecError(f"{what.removesuffix('.')} (line {line}, column {characters + 1}{shown})", fix)
