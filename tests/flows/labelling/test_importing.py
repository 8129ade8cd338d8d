from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.importing import question_of_run, rows_of_file, rows_of_run, rows_of_text
from flows.labelling.store import ProjectExists, UnknownProject
from flows.runs import RunFolder
from steps.errors import RowError, RunError, SpecError
from steps.labels.load_annotations import LoadAnnotations
from steps.labels.questions import Question
from tests.app.made import result_of
from tests.flows.labelling.crowds import UNSURE, crowd


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("question,worker,answer\n1,ann,good\n1,bob,bad\n", "votes.csv"),
        ("\ufeffitem;annotator;label\r\n1;ann;good\r\n1;bob;bad\r\n", "votes.csv"),
        (
            '{"item": 1, "annotator": "ann", "label": "good"}\n\n{"item": 1, "annotator": "bob", "label": "bad"}\n',
            "votes.jsonl",
        ),
        ('[{"id": 1, "user": "ann", "value": "good"}, {"id": 1, "user": "bob", "value": "bad"}]', "votes.json"),
    ],
    ids=["crowd", "semicolons", "lines", "list"],
)
def test_files_as_others_write_them_are_understood(projects: LabelProjects, text: str, name: str) -> None:
    project = projects.create("votes", Question(), rows_of_text(text, name))

    said = [(one["item"], one["annotator"], one["label"]) for one in project.said.annotations()]
    assert said == [("1", "ann", "good"), ("1", "bob", "bad")]
    assert project.labels == ["bad", "good"]


USUAL = [
    ("record_id", "Judge", "Rating"),
    ("Task", "rater_id", "vote"),
    ("ID", "USER", "response"),
    ("text_id", "annotator_id", "label"),
    ("HITId", "WorkerId", "Answer.label"),
    ("_unit_id", "_worker_id", "score"),
    ("image id", "ASSIGNMENT:worker_id", "OUTPUT:result"),
]


def test_the_step_and_the_import_find_the_same_columns(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    for item, annotator, label in USUAL:
        path.write_text(f"{item},{annotator},{label}\n7,ann,good\n", encoding="utf-8")
        [by_step], [imported] = LoadAnnotations(data_files=str(path)).generate(), rows_of_file(path)
        for row in (by_step, imported):
            assert (row["item"], row["annotator"], row["label"]) == ("7", "ann", "good")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("", "a.csv", "is empty"),
        ("item,annotator,label\n", "a.csv", "no rows"),
        ("worker,answer\nann,good\n", "a.csv", "no column 'item' was found; there are worker, answer"),
        ('{"item": 1,', "a.jsonl", "line 1 is no JSON"),
        ("[1]", "a.json", "no list of objects"),
        ("5\n", "a.jsonl", "line 1 holds no object"),
    ],
)
def test_what_is_no_file_of_annotations_is_told_in_words(text: str, name: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        rows_of_text(text, name)


def test_adding_the_same_rows_again_changes_nothing(project: LabelProject) -> None:
    before = (project.folder / "annotations.jsonl").read_bytes()
    added = project.add_rows(crowd(gold=0.34, right=UNSURE))

    assert (added.changed, added.known) == (False, 300)
    assert (project.folder / "annotations.jsonl").read_bytes() == before


def test_new_answers_are_added_and_other_ones_take_the_place_of_the_first(project: LabelProject) -> None:
    [old] = [one for one in project.said.annotations_of("q1") if one["annotator"] == "ann-0"]
    other = "wrong" if old["label"] != "wrong" else "partly"
    added = project.add_rows(
        [
            {"item": "q1", "annotator": "ann-0", "label": other},
            {"item": "q1", "annotator": "zoe", "label": "partly"},
            {"item": "q900", "annotator": "zoe", "label": "partly", "instruction": "new"},
            {"item": "q2", "gold": "wrong"},
        ]
    )
    assert (added.items, added.annotations, added.replaced, added.gold) == (1, 2, 1, 1)
    assert project.items["q900"] == {"instruction": "new"}
    assert project.said.gold_of("q2") == "wrong"


def test_a_wrong_row_is_named_and_nothing_is_added(projects: LabelProjects, project: LabelProject) -> None:
    count = project.said.count
    with pytest.raises(RowError, match="row 2: column 'label' holds"):
        project.add_rows(
            [{"item": "q1", "annotator": "zoe", "label": "wrong"}, {"item": "q1", "annotator": "zoe", "label": []}]
        )
    with pytest.raises(RowError, match="row 1: annotator 'llm: judge' is of kind 'human' here, and 'llm' elsewhere"):
        project.add_rows([{"item": "q1", "annotator": "llm: judge", "label": "wrong"}])
    assert project.said.count == count

    with pytest.raises(RowError, match="row 1"):
        projects.create("none", Question(), [{"item": "", "annotator": "a", "label": "b"}])
    assert projects.names() == ["answers"]


def test_rows_without_annotators_are_items_to_begin_with(projects: LabelProjects) -> None:
    rows = rows_of_text("instruction,answer_recorded\nWhy?,So\nHow?,Thus\n", "items.csv")
    project = projects.create("begun", Question(labels=["good", "bad"]), rows)

    assert [list(columns.values()) for columns in project.items.values()] == [["Why?", "So"], ["How?", "Thus"]]
    assert project.standing is None
    project.answer(next(iter(project.items)), "good", "ann")
    assert project.said.count == 1


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 90, "a\n", "runs", "of-run"])
def test_a_name_that_leads_elsewhere_is_none(projects: LabelProjects, name: str) -> None:
    with pytest.raises(UnknownProject):
        projects.get(name)
    with pytest.raises(UnknownProject):
        projects.create(name, Question())


def test_a_run_whose_name_is_reserved_makes_a_project_of_another_name(projects: LabelProjects) -> None:
    assert projects.free_name("runs") == "runs-2"


def test_projects_are_listed_deleted_and_brought_back(projects: LabelProjects) -> None:
    projects.create("one", Question(), crowd(3))
    with pytest.raises(ProjectExists, match="'one' already"):
        projects.create("one", Question())
    assert projects.free_name("one") == "one-2"
    projects.delete("one")
    with pytest.raises(UnknownProject, match="no label project 'one'"):
        projects.get("one")
    assert projects.restore("one").said.count == 15


def test_a_run_that_consolidated_gives_its_annotations_back(tmp_path: Path) -> None:
    source = tmp_path / "crowd.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in crowd(20, gold=0.3)))
    spec = tmp_path / "settle.yaml"
    spec.write_text(
        "distilflow: 1\nname: settle\nsteps:\n"
        f"  - {{name: load, use: LoadDataFromFileSystem, with: {{data_files: {source}}}}}\n"
        "  - {name: settle, use: ConsolidateLabels, after: load, with: {strategy: majority}}\n"
    )
    run(spec, tmp_path)

    rows = rows_of_run(RunFolder(tmp_path / "runs" / "settle-1"))
    project = LabelProjects(tmp_path / "labels").create("settled", Question(), rows)
    given = {(row["item"], row["annotator"]): row["label"] for row in rows_of_file(source)}
    assert {(one["item"], one["annotator"]): one["label"] for one in project.said.annotations()} == given
    assert {one["kind"] for one in project.said.annotations()} == {"human", "llm"}
    assert set(project.items["q1"]) == {"instruction", "topic"}
    assert project.said.gold() == {row["item"]: row["gold"] for row in rows_of_file(source) if "gold" in row}


def run(spec: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "flows.cli", "run", str(spec), "--run-id", "settle-1", "--no-prefect"]
    done = subprocess.run([*command, "--runs-dir", str(folder / "runs")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_without_annotations_is_told_so(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"instruction": ["Why?"], "label": ["good"]}))

    with pytest.raises(RunError, match="run 'made-1' has no annotations"):
        rows_of_run(run)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('item,annotator,label\n1,ann,"good\n2,bob,bad\n', "cannot be read as CSV"),
        ("item,annotator,label\n1,ann,good\n2,bob,bad,more\n", "line 3: it has more cells"),
    ],
    ids=["an open quote", "a cell too many"],
)
def test_a_csv_that_would_lose_rows_or_cells_is_refused(text: str, what: str) -> None:
    with pytest.raises(SpecError, match=what):
        rows_of_text(text, "crowd.csv")


def test_lines_end_where_json_lines_end_them() -> None:
    text = '{"item": "1", "annotator": "a", "label": "x", "text": "one\u2028two\u0085three"}\n'

    [row] = rows_of_text(text, "crowd.jsonl")

    assert row["text"] == "one\u2028two\u0085three"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("item,label", "there are labels, but no column says who gave them"),
        ("item,anotator,answer", "column 'anotator' seems to say who answered, and is not called so"),
        ("item,annotator,mark", "no column 'label' was found"),
    ],
)
def test_answers_that_would_be_lost_are_told(header: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        rows_of_text(f"{header}\n{','.join('x' for _ in header.split(','))}\n", "said.csv")


def test_names_that_others_use_are_understood_and_an_id_comes_before_a_text() -> None:
    [row] = rows_of_text("question,Item ID,worker-id,annotation\nWhy?,7,ann,good\n", "said.csv")
    assert row == {"question": "Why?", "item": "7", "annotator": "ann", "label": "good"}

    [row] = rows_of_text("question,answer\nWhy?,So.\n", "items.csv")
    assert {name: row[name] for name in ("question", "answer")} == {"question": "Why?", "answer": "So."}


def test_a_label_without_anybody_who_gave_it_is_not_dropped(projects: LabelProjects) -> None:
    rows: list[dict[str, Any]] = [
        {"item": "1", "annotator": "ann", "label": "x"},
        {"item": "2", "annotator": None, "label": "y"},
    ]
    with pytest.raises(RowError, match="row 2: item '2' has a label, but nobody who gave it"):
        projects.create("lost", Question(), rows)


def test_ratings_are_whole_numbers_where_they_are(projects: LabelProjects) -> None:
    given: list[tuple[str, Any]] = [("ann", "4"), ("bob", 4.0), ("cy", 4.5)]
    said = [{"item": "1", "annotator": who, "label": label} for who, label in given]
    project = projects.create("graded", Question(type="rating"), said)

    assert [repr(one["label"]) for one in project.said.annotations()] == ["4", "4", "4.5"]


def test_the_question_of_a_run_goes_over_to_its_project(tmp_path: Path) -> None:
    judged = {"title": "Does it help?", "guideline": "All of it.", "labels": ["yes", "no"]}
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"item": "1", "annotator": "ann", "label": "yes"}]}},
        {"name": "one", "use": "ConsolidateLabels", "after": "load", "with": {"question": {"labels": ["yes", "no", "maybe"]}}},
        {
            "name": "panel",
            "use": "JudgePanel",
            "after": "load",
            "with": {"question": judged, "columns": ["item"], "judges": []},
        },
    ]
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    for order, labels in ((steps, ["yes", "no"]), ([steps[0], steps[2], steps[1]], ["yes", "no", "maybe"])):
        (run.path / "pipeline.yaml").write_text(json.dumps({"distilflow": 1, "name": "judged", "steps": order}))
        asked = question_of_run(run)
        assert asked is not None
        assert (asked.title, asked.guideline, asked.labels) == ("Does it help?", "All of it.", labels)

    (run.path / "pipeline.yaml").unlink()
    assert question_of_run(run) is None
