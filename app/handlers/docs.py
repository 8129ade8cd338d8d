"""The documentation of a step, a model or a router, for the panel beside the form."""

from __future__ import annotations

import re
from typing import TypedDict

from app.handlers.markdown import render_markdown
from flows.catalogue import Paper, Parameter, default_of, describe

_BARE_ADDRESS = re.compile(r"(?<![<(])\bhttps://[^\s)>]+")


class ParameterDoc(TypedDict):
    """One parameter; `default` is what applies when it is left out, as people write it."""

    name: str
    type: str
    limits: str
    default: str
    whole_default: str
    """Where `default` is cut."""
    is_required: bool
    is_of_every_task: bool
    description: str


class Docs(TypedDict):
    """What there is to know of a class."""

    name: str
    group: str
    html: str
    """What it does, as safe HTML: the docstring without its first line, its papers and its example."""
    summary: str
    papers: list[Paper]
    works_on: str
    needs: list[str]
    uses: list[str]
    """Columns that are used where a row has them."""
    makes: list[str]
    parameters: list[ParameterDoc]
    example: str
    """Code that runs as it stands."""


def docs_of(name: str) -> Docs:
    """The documentation of one class.

    Raises:
        UnknownComponent: There is none of this name.
    """
    entry = describe(name)
    return Docs(
        name=entry["name"],
        group=entry["group"],
        html=render_markdown(_BARE_ADDRESS.sub(lambda found: f"<{found[0]}>", entry["text"])),
        summary=entry["summary"],
        papers=entry["papers"],
        works_on=entry.get("works_on", ""),
        needs=entry.get("inputs", []),
        uses=entry.get("optional_inputs", []),
        makes=entry.get("outputs", []),
        parameters=[_parameter(parameter) for parameter in entry["parameters"]],
        example=_with_import(entry["import_line"], _as_code(entry["example"])) if entry["example"] else "",
    )


def _with_import(line: str, example: str) -> str:
    """An example with the import that it needs, above those of its own."""
    return f"{line}\n{example}" if example.startswith(("from ", "import ")) else f"{line}\n\n{example}"


def _as_code(example: str) -> str:
    """What is typed into Python, with what comes out as comments."""
    lines = []
    for line in example.splitlines():
        if line.startswith((">>> ", "... ", ">>>", "...")):
            lines.append(line[4:])
        else:
            lines.append(f"# {line}" if line.strip() else "")
    return "\n".join(lines).strip()


def _parameter(parameter: Parameter) -> ParameterDoc:
    default, whole = default_of(parameter), default_of(parameter, None)
    return ParameterDoc(
        name=parameter["name"],
        type=parameter["type"],
        limits=parameter["limits"],
        default=default,
        whole_default=whole if whole != default else "",
        is_required=parameter["is_required"],
        is_of_every_task=parameter["is_of_every_task"],
        description=parameter["description"],
    )
