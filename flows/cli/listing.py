"""`steps`: the catalogue as text, as a list or one of it whole."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import Annotated

import typer
from rich.text import Text

from flows.catalogue import (
    GROUPS,
    Entry,
    Parameter,
    default_of,
    describe,
    describe_all,
    groups_of,
    heading_of,
    in_group,
    near_word,
    other_columns,
    search,
)
from flows.cli.console import out, tell
from steps.errors import SpecError
from steps.registry import NotCarriedOver
from steps.wording import did_you_mean

_NARROWEST = 24
_GROUPS = f"{', '.join(group for group in GROUPS if group != 'other')}, or a heading of the list, such as validators"


def steps(
    name: Annotated[str | None, typer.Argument(help="A step, model or router, to see its parameters and columns.")] = None,
    group: Annotated[str | None, typer.Option(help=f"List only these: {_GROUPS}.")] = None,
    words: Annotated[
        str | None, typer.Option("--search", help="List only what has these words in its name, columns or description.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs, with defaults of any length.")] = False,
) -> None:
    """List the steps, models and routers there are, or describe one."""
    if name is not None and (group is not None or words is not None):
        raise SpecError("one step is described, or several are listed", f"leave out {name!r}, or --group and --search")
    if name is not None:
        entry = describe(name)
        out.print_json(data=entry) if as_json else _show_one(entry)
        return
    found = _wanted(describe_all(), group, words)
    out.print_json(data=found) if as_json else _show_all(found, is_ranked=words is not None)


def _wanted(catalogue: list[Entry], group: str | None, words: str | None) -> list[Entry]:
    """What is left of the catalogue.

    Raises:
        SpecError: There is no such group, or nothing that has these words.
        NotCarriedOver: They are a class of distilabel that is not here.
    """
    if group is not None:
        some, known = in_group(catalogue, group.lower()), groups_of(catalogue)
        if not some:
            what = f"there is no group {group!r}.{did_you_mean(group.lower(), known)}"
            raise SpecError(what, f"name one of {', '.join(known)}; or look for a word: --search {group}")
        catalogue = some
    if words is None:
        return catalogue
    if not (found := search(catalogue, words)):
        if absent := NotCarriedOver.named(words):
            raise absent
        what = f"nothing has {words!r} in its name, columns or description.{near_word(catalogue, words)}"
        raise SpecError(what, "try another word; `distilflow steps` lists what there is")
    return found


def _show_all(catalogue: list[Entry], *, is_ranked: bool) -> None:
    """Under headings; what was searched for is one list, the best first."""
    for heading, entries in groupby(catalogue, lambda entry: "Found" if is_ranked else heading_of(entry)):
        some = list(entries)
        out.print(Text(f"\n{heading}", style="bold"))
        width = max(len(entry["name"]) for entry in some)
        for entry in some:
            first, *more = _wrapped(entry["summary"], width + 2) or [""]
            out.print(Text.assemble((entry["name"].ljust(width), "cyan"), f"  {first}"), soft_wrap=True)
            for line in more:
                tell(" " * (width + 2) + line)
    tell("\n`distilflow steps NAME` describes one, `--group` and `--search` list fewer.")


def _show_one(entry: Entry) -> None:
    out.print(Text(entry["name"], style="bold cyan"))
    for paragraph in (entry["summary"], *entry["text"].split("\n\n")):
        if paragraph:
            _tell_lines(paragraph.splitlines() if paragraph.startswith("|") else _wrapped(paragraph))  # a table stays one
            tell("")
    for paper in entry["papers"]:
        tell(f"Paper: {paper['title']}\n  {paper['url']}\n")
    if entry["example"]:
        tell("Example:")
        tell(textwrap.indent(entry["example"], "  ") + "\n")
    tell(f"In Python: {entry['import_line']}")
    _show_columns(entry)
    for heading, is_of_every_task in (("Parameters", False), ("Parameters of every task", True)):
        some = [one for one in entry["parameters"] if one["is_of_every_task"] == is_of_every_task]
        if some:
            out.print(Text(f"\n{heading}", style="bold"))
        for parameter in some:
            _show_parameter(parameter, entry["name"])


def _show_columns(entry: Entry) -> None:
    if "works_on" not in entry:
        return
    needs = [*entry["inputs"], other_columns(entry, "inputs")] if entry["inputs"] or not entry["optional_inputs"] else []
    lines = {
        "Works on": [entry["works_on"]],
        "Needs": needs if entry["works_on"] else [],
        "Can use, where a row has them": entry["optional_inputs"],
        "Makes": [*entry["outputs"], other_columns(entry, "outputs")],
    }
    for label, said in lines.items():
        if any(said):
            tell(f"{label}: {', '.join(filter(None, said))}")


def _show_parameter(parameter: Parameter, owner: str) -> None:
    default = default_of(parameter)
    may = "required" if parameter["is_required"] else f"default {default}" if default else "may be empty"
    said = ", ".join(filter(None, (parameter["type"], parameter["limits"], may)))
    first, *more = _wrapped(f"{parameter['name']}: {said}", 6)
    out.print(Text.assemble("  ", (parameter["name"], "cyan"), first.removeprefix(parameter["name"])), soft_wrap=True)
    _tell_lines([*more, *_wrapped(parameter["description"], 6)], 6)
    if default != default_of(parameter, None):
        tell(f"      All of the default: distilflow steps {owner} --json")


def _tell_lines(lines: list[str], indent: int = 0) -> None:
    for line in lines:
        tell(" " * indent + line)


def _wrapped(text: str, indent: int = 0) -> list[str]:
    """A text in lines that fit the terminal beside an indent; what has no space in it, such as an address, stays whole."""
    width = max(out.width - indent, _NARROWEST)
    return textwrap.wrap(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)
