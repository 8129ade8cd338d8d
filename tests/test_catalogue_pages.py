"""docs/catalogue says what the code says: the pages are those that `make docs` writes, and what they show works."""

from __future__ import annotations

import doctest
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pytest

from flows.cli.commands import cli
from flows.drafting import NOT_ITS_FAULT
from flows.plan import examine
from flows.pools import Pools
from flows.spec import spec_from
from flows.spec.text import parse
from steps import registry
from steps.base import BaseStep
from steps.errors import Problem
from tools.catalogue import FOLDER, pages
from tools.guide import deviations

FENCE = re.compile(r"^```(?P<info>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Section:
    """What a page says of one class."""

    name: str
    text: str

    def block(self, info: str) -> str:
        [body] = [found["body"] for found in FENCE.finditer(self.text) if found["info"] == info]
        return body


def _sections() -> list[Section]:
    found = []
    for page in sorted(FOLDER.glob("*.md")):
        for text in page.read_text(encoding="utf-8").split("\n## ")[1:]:
            name = text.partition("\n")[0]
            if "```pycon" in text:
                found.append(Section(name, text))
    return found


SECTIONS = _sections()


def test_the_pages_are_those_that_the_command_writes() -> None:
    written = {page.name: page.read_text(encoding="utf-8") for page in FOLDER.glob("*.md")}

    assert written == pages(), "run `make docs`"


def test_everything_built_in_has_a_section() -> None:
    built_in = {name for kind in registry.KINDS for name in registry.names(kind)}

    assert [section.name for section in SECTIONS if section.name in built_in] == [section.name for section in SECTIONS]
    assert {section.name for section in SECTIONS} >= {name for name in built_in if _is_ours(name)}


def _is_ours(name: str) -> bool:
    return any(place[0].startswith("steps") for kind in registry.KINDS if (place := registry.place_of(name, kind)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files and variables that the pages take to be there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    rows = "".join(json.dumps({"instruction": f"{number}?", "text": "t", "generation": "g"}) + "\n" for number in range(2))
    for name in ("rows.jsonl", "benchmark.jsonl", "recordings.jsonl"):
        (tmp_path / name).write_text(rows)
    (tmp_path / "annotations.csv").write_text("item,annotator,label\n1,ann,good\n")
    (tmp_path / "functions.py").write_text("def area(width, height): return width * height\n")
    datasets.Dataset.from_list([{"instruction": "1?"}]).save_to_disk(tmp_path / "my-dataset")
    return tmp_path


# LoadDataFromHub asks the Hub for its columns
@pytest.mark.parametrize("section", [one for one in SECTIONS if one.name != "LoadDataFromHub"], ids=lambda one: one.name)
@pytest.mark.usefixtures("folder")
def test_what_stands_in_a_pipeline_file_can_be_planned(section: Section) -> None:
    shown, _ = parse(section.block("yaml"))

    spec, problems = spec_from({"distilflow": 1, "name": "shown", **_pipeline_around(shown)})
    _, found = examine(spec, Pools(devices=("0",)))

    assert [problem for problem in [*problems, *found] if not _is_of_this_machine(problem)] == []


def _is_of_this_machine(problem: Problem) -> bool:
    return problem.code in NOT_ITS_FAULT or problem.what.endswith("which is not installed")


def _pipeline_around(shown: Any) -> dict[str, Any]:
    """A whole pipeline: the step with a source before it, a model in a step, a router before three."""
    if isinstance(shown, list):
        [step] = shown
        return {"steps": [*_before(step), step]}
    if "routing" in shown:
        return {"steps": [_load(["text"]), *_branches("one", "other", "third")], **shown}
    if "embeddings" in shown:
        return {"steps": [_load(["text"]), {"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": shown}]}
    if "image_generation_model" in shown:
        return {"steps": [_load(["prompt"]), {"name": "paint", "use": "ImageGeneration", "after": "load", "with": shown}]}
    return {"steps": [_load(["instruction"]), {"name": "answer", "use": "TextGeneration", "after": "load", "with": shown}]}


def _before(step: dict[str, Any]) -> list[dict[str, Any]]:
    found = registry.resolve(step["use"])
    assert issubclass(found, BaseStep)
    needed = found.model_validate(step.get("with", {})).needs()
    match step.get("after"):
        case None:
            return []
        case str(name):
            return [{**_load(needed), "name": name}]
        case names:
            return [_load(needed), *_branches(*names)]


def _branches(*names: str) -> list[dict[str, Any]]:
    same = {"columns": [], "template": "Say hi"}
    return [{"name": name, "use": "TextGeneration", "after": "load", "with": same} for name in names]


def _load(columns: list[str]) -> dict[str, Any]:
    row = dict.fromkeys(columns or ["text"], "some text")
    return {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [row]}}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.name)
def test_the_example_runs_as_it_stands(section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = doctest.DocTestParser().get_doctest(section.block("pycon"), {}, section.name, None, None)

    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.name)
def test_commands_exist(section: Section) -> None:
    known = {command.name or getattr(command.callback, "__name__", "") for command in cli.registered_commands}

    assert set(re.findall(r"`distilflow (\w+)", section.text)) <= known


def test_a_page_leads_to_the_differences_where_the_guide_has_a_line_for_the_class() -> None:
    linked = {section.name for section in SECTIONS if "[what is different](../migrating.md)" in section.text}

    assert linked == {section.name for section in SECTIONS} & deviations().keys()
    assert "LoadDataFromDisk" not in linked  # the guide names it beside other things


def test_words_in_angle_brackets_are_no_markup() -> None:
    text = next(section.text for section in SECTIONS if section.name == "EvolInstruct")

    assert r"\<PROMPT> stands for the instruction" in text
