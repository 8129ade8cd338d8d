"""The documentation of a step, a model or a router, for the panel beside the form."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any, TypedDict

from app.handlers.markdown import render_markdown
from flows.catalogue import describe

_BARE_ADDRESS = re.compile(r"(?<![<(])\bhttps://[^\s)>]+")
_PAPER = re.compile(r"^After (?P<title>[^\n].*?),\s+(?P<address>https://[^\s)>]+)\.?$", re.MULTILINE | re.DOTALL)


class Paper(TypedDict):
    """Where a method comes from."""

    title: str
    address: str


class ParameterDoc(TypedDict):
    """One parameter; `default` is what applies when it is left out, as people write it."""

    name: str
    type: str
    default: str
    is_required: bool
    description: str


class Docs(TypedDict):
    """What there is to know of a class."""

    name: str
    group: str
    html: str
    """What it does, as safe HTML: the docstring without its first line, its paper and its example."""
    summary: str
    paper: Paper | None
    needs: list[str]
    makes: list[str]
    parameters: list[ParameterDoc]
    example: str
    """Code that runs as it stands; empty where the class has none."""


_WITH_MODEL = {
    "llms": "from steps.tasks import TextGeneration\n\nTextGeneration(llm={})",
    "embeddings": "from steps.columns import EmbeddingGeneration\n\nEmbeddingGeneration(embeddings={})",
}
"""How a model of each kind is used."""


def docs_of(name: str) -> Docs:
    """The documentation of one class.

    Raises:
        UnknownComponent: There is none of this name.
    """
    entry = describe(name)
    text, example = _parts(entry["doc"].partition("\n")[2])
    if entry["group"] == "models" and not example:
        needed = ", ".join(f'{one["name"]}="..."' for one in entry["parameters"] if one["is_required"])
        example = _WITH_MODEL[entry["kind"]].format(f"{entry['name']}({needed})")
    paper = _PAPER.search(text)
    if paper:
        text = text.replace(paper[0], "")
    return Docs(
        name=entry["name"],
        group=entry["group"],
        html=render_markdown(_BARE_ADDRESS.sub(lambda found: f"<{found[0]}>", text)),
        summary=entry["summary"],
        paper=Paper(title=" ".join(paper["title"].split()), address=paper["address"]) if paper else None,
        needs=entry.get("inputs", []),
        makes=entry.get("outputs", []),
        parameters=[_parameter(parameter) for parameter in entry["parameters"]],
        example=_with_import(entry["import"], example) if example else "",
    )


def _with_import(line: str, example: str) -> str:
    """An example with the import that it needs, above those of its own."""
    return f"{line}\n{example}" if example.startswith(("from ", "import ")) else f"{line}\n\n{example}"


def _parts(doc: str) -> tuple[str, str]:
    """The text of a docstring, and its example as code with what comes out as comments."""
    text, _, rest = doc.partition("Example:\n")
    lines = []
    for line in textwrap.dedent(rest).splitlines():
        if line.startswith((">>> ", "... ", ">>>", "...")):
            lines.append(line[4:])
        else:
            lines.append(f"# {line}" if line.strip() else "")
    return text.strip(), "\n".join(lines).strip()


def _parameter(parameter: dict[str, Any]) -> ParameterDoc:
    default = parameter["default"]
    return ParameterDoc(
        name=parameter["name"],
        type=parameter["type"],
        default="" if parameter["is_required"] or default is None else json.dumps(default, ensure_ascii=False, default=str),
        is_required=parameter["is_required"],
        description=parameter["description"],
    )
