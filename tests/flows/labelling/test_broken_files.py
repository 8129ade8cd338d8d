"""Files of a project that somebody edited, or that were written half: what is wrong is told, and nothing else suffers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.learning import learn_anew, measures_of
from flows.labelling.onboarding import onboarding_set
from flows.labelling.rounds import queue
from steps.errors import DistilflowError

GARBAGE = [b"", b"{", b"\x00" * 40, b"[" * 100_000, b"[]", b'"text"', b"null", b"\xff\xfe", b'{"a": "\\ud800"}']


def problem_of(act: Callable[[], object]) -> DistilflowError | None:
    """What a person is told; nothing else may come of it."""
    try:
        act()
    except DistilflowError as error:
        return error
    return None


def use(projects: LabelProjects) -> None:
    """All that the app and the commands do with a project."""
    found = projects.get("answers")
    gains = projects.gains("answers")
    queue(found, gains)
    for item in list(found.items)[:3]:
        found.settlement(item)
        found.versions.told_of(item)
    onboarding_set(found)
    measures_of(found.folder)
    learn_anew(found)
    found.answer("q1", "wrong", "zoe")
    found.undo("zoe")


@pytest.mark.parametrize("content", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize(
    "file",
    ["project.json", "items.jsonl", "annotations.jsonl", "strategies/0001.json", "history/0001-r1.json", "measures.json"],
)
def test_garbage_in_a_file_is_told_with_its_name_or_does_no_harm(
    projects: LabelProjects, project: LabelProject, file: str, content: bytes
) -> None:
    (project.folder / file).write_bytes(content)

    for store in (projects, LabelProjects(projects.folder)):
        if told := problem_of(partial(use, store)):
            assert Path(file).name in told.message or "no annotations" in told.message
            assert told.fix


@pytest.mark.parametrize(
    "file", ["items.jsonl", "annotations.jsonl", "strategies/0001.json", "history/0001-r1.json", "measures.json"]
)
def test_a_folder_where_a_file_should_be_is_told_with_its_name(
    projects: LabelProjects, project: LabelProject, file: str
) -> None:
    (project.folder / file).unlink()
    (project.folder / file).mkdir()

    for store in (projects, LabelProjects(projects.folder)):
        if told := problem_of(partial(use, store)):
            assert Path(file).name in str(told)
            assert told.fix


def changed(of: dict[str, Any], **how: Any) -> dict[str, Any]:
    return {"line": "annotation", "of": {**of, **how}}


OF = {"item": "q1", "annotator": "eve", "label": "wrong", "annotation_id": "n1"}
LINES: list[tuple[Any, str]] = [
    (changed(OF, label={"a": 1}), "label"),
    (changed(OF, label=["wrong"]), "label"),
    (changed(OF, item=7), "'item' is 7"),
    (changed(OF, item=" "), "'item'"),
    (changed(OF, annotator=["eve"]), "'annotator'"),
    (changed(OF, annotation_id=[]), "'annotation_id'"),
    (changed(OF, kind="alien"), "human or llm or template"),
    (changed(OF, kind=[]), "human or llm or template"),
    (changed(OF, family=3), "'family'"),
    (changed(OF, confidence="much"), "from 0 to 1"),
    (changed(OF, confidence=7), "from 0 to 1"),
    (changed(OF, explanation=None), "'explanation'"),
    (changed(OF, round="two"), "'round'"),
    (changed(OF, round=10**30), "'round'"),
    (changed(OF, round=True), "'round'"),
    (changed(OF, timestamp=3), "'timestamp'"),
    ({"line": "annotation", "of": {"item": "q1"}}, "it has no 'annotator'"),
    ({"line": "annotation", "of": "q1"}, "no object"),
    ({"line": "annotation"}, "it has no 'of'"),
    ({**changed(OF), "id": 7}, "texts"),
    ({**changed(OF), "id": "x", "mark": []}, "texts"),
    ({**changed(OF), "id": "x", "by": {}}, "texts"),
    ({"line": "gold", "item": "q1", "label": {"a": 1}}, "label"),
    ({"line": "gold", "item": [], "label": "wrong"}, "'item'"),
    ({"line": "skip", "item": "q1", "round": "one"}, "'round'"),
    ({"line": "example", "item": "q1", "text": 7}, "'explanation'"),
    ({"line": "undo", "undoes": "nothing"}, "not there"),
    ({"line": "undo", "undoes": []}, ""),
    ({"line": "praise", "item": "q1"}, "no kind of line"),
    ({"line": {}}, "no kind of line"),
    ([], "no object of JSON"),
]


@pytest.mark.parametrize(("line", "why"), LINES, ids=range(len(LINES)))
def test_a_line_that_says_nothing_is_left_out_and_told_with_its_number(
    projects: LabelProjects, project: LabelProject, line: Any, why: str
) -> None:
    count = project.said.count
    with (project.folder / "annotations.jsonl").open("ab") as file:
        file.write(json.dumps(line).encode() + b"\n")
    number = len((project.folder / "annotations.jsonl").read_bytes().splitlines())

    for store in (projects, LabelProjects(projects.folder)):
        found = store.get("answers")
        assert found.said.count == count
        assert f"annotations.jsonl, line {number}, is left out" in found.unread
        assert why in found.unread
        use(store)


@pytest.mark.parametrize("line", [{"item": "q1", "about": "text"}, {"item": "q1", "about": [1]}, {"item": 7}, {}, 3])
def test_a_line_of_items_that_says_nothing_is_told_too(projects: LabelProjects, project: LabelProject, line: Any) -> None:
    with (project.folder / "items.jsonl").open("ab") as file:
        file.write(json.dumps(line).encode() + b"\n")

    assert "items.jsonl, line 61, is left out" in projects.get("answers").unread
    use(projects)


def test_whole_files_say_nothing_of_the_kind(projects: LabelProjects, project: LabelProject) -> None:
    use(projects)
    assert projects.get("answers").unread == ""


def bend(value: Any, to: Any) -> list[tuple[str, Callable[[], None]]]:
    """Ways to put `to` in the place of a part, each with its name."""
    found: list[tuple[str, Callable[[], None]]] = []

    def walk(part: Any, path: str) -> None:
        places = part.items() if isinstance(part, dict) else enumerate(part[:2]) if isinstance(part, list) else ()
        for place, inner in list(places):
            found.append((f"{path}.{place}", partial(part.__setitem__, place, to)))
            walk(inner, f"{path}.{place}")

    walk(value, "")
    return found


def look_at(folder: Path) -> None:
    found = LabelProjects(folder).get("answers")
    measures_of(found.folder)
    found.versions.told_of("q1")
    found.settlement("q1")


@pytest.mark.parametrize("to", [None, "text", 7, -1, [], {}, [[]], {"a": {}}], ids=str)
@pytest.mark.parametrize("file", ["project.json", "measures.json", "history/0001-r1.json", "strategies/0001.json"])
def test_any_part_of_a_file_may_be_of_another_type(projects: LabelProjects, project: LabelProject, file: str, to: Any) -> None:
    path = project.folder / file
    whole = path.read_bytes()
    for at, (where, _) in enumerate(bend(json.loads(whole), to)[:40]):
        edited = json.loads(whole)
        bend(edited, to)[at][1]()
        path.write_text(json.dumps(edited))
        if told := problem_of(partial(look_at, projects.folder)):
            assert told.fix, where
        path.write_bytes(whole)
