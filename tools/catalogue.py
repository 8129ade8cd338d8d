"""Writes docs/catalogue: the catalogue as pages, from the data that `distilflow steps` shows.

`make docs` runs it. Only what is built in is written, so that the pages do not depend on what is installed beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from flows.catalogue import Entry, Parameter, default_of, describe_all, example_params, heading_of, other_columns
from flows.spec.text import write_yaml
from steps.wording import snake_case
from tools.guide import GUIDE, deviations

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "catalogue"
INDEX = "README.md"
DISTILABEL = ROOT / "tests" / "flows" / "compat" / "distilabel_components.json"
OURS = ("steps.",)
_MARK = "<!-- Written by `make docs` from docstrings and schemas: edit those. -->\n"
_SHARED = "Parameters of every task"
_PLACES = {"llms": "llm", "embeddings": "embeddings", "images": "image_generation_model"}
"""What steps call a parameter that holds a model of this kind."""
_CODE = re.compile(r"(`[^`]*`)")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    catalogue = [entry for entry in describe_all() if entry["import_line"].startswith(tuple(f"from {ours}" for ours in OURS))]
    known = {entry["name"] for entry in json.loads(DISTILABEL.read_text(encoding="utf-8"))}
    told = deviations()
    headings = [(heading, list(entries)) for heading, entries in groupby(catalogue, heading_of)]
    found = {INDEX: _index(headings)}
    for heading, entries in headings:
        notes = {name: _distilabel(is_told=name in told) for name in known & {entry["name"] for entry in entries}}
        found[_file(heading)] = _page(heading, entries, notes)
    return found


def _file(heading: str) -> str:
    return f"{heading.lower().replace(' ', '-')}.md"


def _distilabel(*, is_told: bool) -> str:
    return "distilabel has a class of this name" + (f"; [what is different](../{GUIDE.name})" if is_told else "")


# ---- the index


def _index(headings: list[tuple[str, list[Entry]]]) -> str:
    by_paper: dict[tuple[str, str], list[str]] = {}
    for heading, entries in headings:
        for entry in entries:
            for paper in entry["papers"]:
                by_paper.setdefault((paper["title"], paper["url"]), []).append(_link(entry, _file(heading)))
    papers = [f"| [{title}]({url}) | {', '.join(links)} |" for (title, url), links in sorted(by_paper.items(), key=str)]
    return "\n".join(
        [
            _MARK,
            "# Catalogue\n\n"
            "Every step, model and router, and what it does. `distilflow steps --search WORD` finds one by a word;\n"
            "`distilflow steps NAME` shows what its page says. In the app, the palette lists them, and Docs has the page.\n",
            *(f"## [{heading}]({_file(heading)})\n\n{_listing(entries, _file(heading))}\n" for heading, entries in headings),
            "## By paper\n\n| paper | steps |\n|---|---|\n" + "\n".join(papers) + "\n",
        ]
    )


def _listing(entries: list[Entry], file: str = "") -> str:
    lines = [f"| {_link(entry, file)} | {_cell(entry['summary'])} |" for entry in entries]
    return "| | what it does |\n|---|---|\n" + "\n".join(lines)


def _link(entry: Entry, file: str) -> str:
    return f"[{entry['name']}]({file}#{entry['name'].lower()})"


# ---- a page


def _page(heading: str, entries: list[Entry], notes: dict[str, str]) -> str:
    shared = {one["name"]: one for entry in entries for one in entry["parameters"] if one["is_of_every_task"]}
    return "\n".join(
        [
            _MARK,
            f"# {heading}\n\n[All of the catalogue]({INDEX}). A default that ends in … is cut: `distilflow steps NAME --json`"
            f" has all of it.\n\n{_listing(entries)}\n",
            *(_section(entry, notes.get(entry["name"], "")) for entry in entries),
            *([f"## {_SHARED}\n\n{_table(shared.values())}\n"] if shared else []),
        ]
    )


def _section(entry: Entry, note: str) -> str:
    own = [one for one in entry["parameters"] if not one["is_of_every_task"]]
    parts = [f"## {entry['name']}", _prose(entry["summary"]), _prose(entry["text"])]
    parts.append("\n".join(f"- {fact}" for fact in (*_facts(entry), *([note] if note else []))))
    parts.append(f"```yaml\n{_snippet(entry)}```")
    if own:
        parts.append(_table(own))
    if len(own) < len(entry["parameters"]):
        parts.append(f"{'And the' if own else 'The'} [{_SHARED.lower()}](#{_SHARED.lower().replace(' ', '-')}).")
    parts.append(f"```pycon\n>>> {entry['import_line']}\n{entry['example']}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(entry: Entry) -> Iterator[str]:
    if works_on := entry.get("works_on"):
        yield f"Works on {works_on}"
        if entry["inputs"] or not entry["optional_inputs"]:
            yield f"Needs {_names(entry['inputs'], other_columns(entry, 'inputs'))}"
    if entry.get("optional_inputs"):
        yield f"Can use {_names(entry['optional_inputs'])}, where a row has them"
    if "outputs" in entry:
        yield f"Makes {_names(entry['outputs'], other_columns(entry, 'outputs'))}"
    yield from (f"Paper: [{paper['title']}]({paper['url']})" for paper in entry["papers"])


def _names(columns: Iterable[str], other: str = "") -> str:
    return ", ".join(filter(None, [*(f"`{column}`" for column in columns), other]))


def _snippet(entry: Entry) -> str:
    """The class as a pipeline file names it."""
    params = example_params(entry)
    if entry["group"] == "models":
        return write_yaml({_PLACES[entry["kind"]]: {"use": entry["name"], **params}})
    if entry["group"] == "routers":
        return write_yaml({"routing": {"load": {"use": entry["name"], "with": params}}})
    after = {"": {}, "branches that meet": {"after": ["one", "other"]}}.get(entry["works_on"], {"after": "load"})
    step = {"name": snake_case(entry["name"]), "use": entry["name"], **after, **({"with": params} if params else {})}
    return write_yaml([step])


def _table(parameters: Iterable[Parameter]) -> str:
    lines = []
    for one in parameters:
        type_ = f"`{one['type']}`" + (f", {one['limits']}" if one["limits"] else "")
        default = "required" if one["is_required"] else f"`{text}`" if (text := default_of(one)) else ""
        lines.append(f"| `{one['name']}` | {_cell(type_)} | {_cell(default)} | {_cell(one['description'])} |")
    return "| parameter | type | default | |\n|---|---|---|---|\n" + "\n".join(lines)


def _cell(text: str) -> str:
    """A text inside a table."""
    return _prose(text).replace("|", "\\|")


def _prose(text: str) -> str:
    """Words in which only what stands between backquotes is code: `<` begins no markup."""
    return "".join(part if part.startswith("`") else part.replace("<", "\\<") for part in _CODE.split(text))


if __name__ == "__main__":
    main()
