from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.project import NothingToUndo, UnknownItem
from flows.labelling.store import ProjectExists, UnknownProject
from steps.errors import RowError, RunError
from steps.labels.questions import Question
from tests.flows.labelling.crowds import crowd

ROOT = Path(__file__).parents[3]
ANSWERING = """\
import sys
from pathlib import Path
from flows.labelling import LabelProject
project = LabelProject(Path(sys.argv[1]))
project.refresh()
for at in range(int(sys.argv[3])):
    project.answer(f"q{at}", "wrong", sys.argv[2], comment=f"number {at}", mark=f"{sys.argv[2]}-{at}")
    print(at, flush=True)
"""


def answers_of(project: LabelProject, person: str) -> dict[str, Any]:
    project.refresh()
    return {one["item"]: one["label"] for one in project.said.annotations() if one["annotator"] == person}


def again(project: LabelProject) -> LabelProject:
    """The project as another process reads it."""
    read = LabelProject(project.folder)
    read.refresh()
    return read


def test_an_answer_is_there_for_whoever_reads_next(project: LabelProject) -> None:
    project.answer("q1", "wrong", "ann", comment="  two roots are missing ")

    [mine] = [one for one in again(project).said.annotations_of("q1") if one["annotator"] == "ann"]
    assert (mine["label"], mine["explanation"], mine["kind"], mine["source"]) == (
        *("wrong", "two roots are missing", "human"),
        "review",
    )


def test_a_later_answer_of_a_round_takes_the_place_of_the_first_and_undo_brings_it_back(project: LabelProject) -> None:
    before = project.said.count
    project.answer("q1", "wrong", "ann")
    project.answer("q1", "partly", "ann")
    assert (answers_of(project, "ann"), project.said.count) == ({"q1": "partly"}, before + 1)

    assert project.undo("ann")["of"]["label"] == "partly"
    assert (answers_of(project, "ann"), project.said.count) == ({"q1": "wrong"}, before + 1)
    project.undo("ann")
    assert (answers_of(project, "ann"), project.said.count) == ({}, before)
    with pytest.raises(NothingToUndo, match="'ann'"):
        project.undo("ann")
    assert again(project).said.count == before


def test_what_was_sent_twice_counts_once(project: LabelProject) -> None:
    first = project.answer("q1", "wrong", "ann", mark="m1")
    assert project.answer("q1", "wrong", "ann", mark="m1") == first
    project.undo("ann", mark="u1")
    assert project.undo("ann", mark="u1")["id"] == first["id"]
    assert answers_of(project, "ann") == {}


def test_a_mark_counts_for_one_act_of_one_person(project: LabelProject) -> None:
    project.skip("q1", "ann", mark="m1")
    with pytest.raises(RunError, match="'m1' is that of something else that was done here: skip") as told:
        project.undo("ann", mark="m1")
    assert "mark of its own" in told.value.fix
    with pytest.raises(RunError, match="something else"):
        project.answer("q1", "wrong", "ann", mark="m1")
    with pytest.raises(RunError, match="something else"):
        project.skip("q2", "ann", mark="m1")

    mine = project.skip("q1", "bob", mark="m1")
    assert mine["by"] == "bob"
    assert len(project.said.skips_of("q1")) == 2


def test_people_undo_only_what_they_did_themselves(project: LabelProject) -> None:
    project.answer("q1", "wrong", "ann")
    project.answer("q2", "wrong", "bob")
    project.undo("ann")

    assert (answers_of(project, "ann"), answers_of(project, "bob")) == ({}, {"q2": "wrong"})


def test_what_cannot_be_an_answer_is_refused_in_words_and_nothing_is_kept(project: LabelProject) -> None:
    size = (project.folder / "annotations.jsonl").stat().st_size
    with pytest.raises(UnknownItem, match="no item 'q999'"):
        project.answer("q999", "wrong", "ann")
    with pytest.raises(RunError, match="none of the labels"):
        project.answer("q1", "splendid", "ann")
    with pytest.raises(RunError, match="none of the labels"):
        project.set_gold("q1", "splendid", "ann")
    with pytest.raises(RowError, match="no answer to a question of type 'label'"):
        project.answer("q1", {"a": 1}, "ann")
    with pytest.raises(RunError, match="the name of an LLM"):
        project.answer("q1", "wrong", "llm: judge")
    with pytest.raises(RunError, match="needs the name"):
        project.answer("q1", "wrong", " ")

    assert (project.folder / "annotations.jsonl").stat().st_size == size


@pytest.mark.parametrize(
    ("kind", "known", "unknown"),
    [
        ("multi_label", ["tone"], ["tone", "splendid"]),
        ("spans", [{"start": 0, "end": 2, "label": "tone"}], [{"start": 0, "end": 2, "label": "splendid"}]),
        ("rating", 3, 7),
    ],
)
def test_no_answer_and_no_gold_names_a_label_that_the_project_lacks(
    projects: LabelProjects, kind: Any, known: Any, unknown: Any
) -> None:
    project = projects.create("some", Question(type=kind), [{"item": "q1", "annotator": "bob", "label": known}])
    for does in (project.answer, project.set_gold):
        does("q1", known, "ann")
        with pytest.raises(RunError, match="is none of the labels"):
            does("q1", unknown, "ann")


def test_a_label_that_nothing_names_any_more_is_none_of_the_project(projects: LabelProjects) -> None:
    project = projects.create("some", Question(), [{"item": "q1"}, {"item": "q2"}])
    project.answer("q1", "typo", "ann")
    project.undo("ann")
    project.set_gold("q2", "good", "ann")

    assert project.labels == again(project).labels == ["good"]
    project.answer("q1", "good", "ann")
    project.set_gold("q2", None, "ann")
    assert project.labels == ["good"]
    project.undo("ann")
    project.undo("ann")
    project.undo("ann")
    assert project.labels == again(project).labels == []


def test_a_torn_tail_is_left_out_and_takes_nothing_with_it(project: LabelProject) -> None:
    path = project.folder / "annotations.jsonl"
    project.answer("q1", "wrong", "ann")
    with path.open("ab") as file:
        file.write(b'{"line":"annotation","of":{"item":"q2","annota')
    torn = again(project)
    assert answers_of(torn, "ann") == {"q1": "wrong"}

    torn.answer("q3", "partly", "ann")
    assert answers_of(again(project), "ann") == answers_of(torn, "ann") == {"q1": "wrong", "q3": "partly"}
    project.refresh()
    assert answers_of(project, "ann") == {"q1": "wrong", "q3": "partly"}


@pytest.mark.parametrize("junk", [b"[]", b"{}", b'{"line":"undo","undoes":"nobody"}', b'{"line":"later"}', b"\xff", b"7"])
def test_lines_that_say_nothing_here_are_passed_over(project: LabelProject, junk: bytes) -> None:
    with (project.folder / "annotations.jsonl").open("ab") as file:
        file.write(junk + b"\n")

    assert again(project).said.count == project.said.count


def test_every_answer_that_was_confirmed_outlives_a_killed_process(projects: LabelProjects) -> None:
    project = projects.create("killed", Question(), crowd(400, right=(0.9, 0.8)))
    command = [sys.executable, "-c", ANSWERING, str(project.folder), "ann", "400"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    confirmed = [int(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    confirmed += [int(line) for line in process.stdout if line.strip()]
    process.stdout.close()
    process.wait()

    kept = answers_of(again(project), "ann")
    assert {f"q{at}" for at in confirmed} <= kept.keys()
    assert len(kept) <= len(confirmed) + 1
    project.answer("q399", "wrong", "bob")  # the lock did not stay behind
    assert answers_of(project, "bob") == {"q399": "wrong"}


def test_two_processes_and_two_threads_lose_and_double_nothing(projects: LabelProjects) -> None:
    project = projects.create("both", Question(), crowd(80, right=(0.9, 0.8)))
    before = project.said.count
    others = [
        subprocess.Popen(
            [sys.executable, "-c", ANSWERING, str(project.folder), name, "80"], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        for name in ("bob", "cy")
    ]

    def answer(name: str) -> None:
        for at in range(80):
            project.answer(f"q{at}", "partly", name, mark=f"{name}-{at}")

    threads = [threading.Thread(target=answer, args=(name,)) for name in ("dee", "dee")]  # two tabs of one person
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(60) for other in others] == [0, 0]

    found = again(project)
    assert found.said.count == before + 3 * 80
    assert [len(answers_of(found, name)) for name in ("bob", "cy", "dee")] == [80, 80, 80]
    project.refresh()
    assert project.said.count == found.said.count


@pytest.mark.slow
def test_a_hundred_thousand_annotations_are_taken_in_and_read_back(projects: LabelProjects) -> None:
    rows = [
        {
            "item": f"q{at // 10}",
            "annotator": f"a{(at * 7 + at // 10) % 97}",
            "label": "good" if (at // 10 + at % 7) % 3 else "bad",
        }
        for at in range(100_000)
    ]
    started = time.process_time()
    project = projects.create("many", Question(), rows)
    read = again(project)
    assert read.said.count == len({(row["item"], row["annotator"]) for row in rows})
    assert time.process_time() - started < 30
    assert not read.add_rows(rows[:1000]).changed


Act = tuple[str, int, int]
ACTS = st.lists(st.tuples(st.sampled_from(["answer", "skip", "example", "gold", "undo"]), st.integers(0, 2), st.integers(0, 2)))


@given(acts=ACTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undo_leaves_what_would_be_had_the_last_act_never_been(
    tmp_path_factory: pytest.TempPathFactory, acts: list[Act]
) -> None:
    folder = tmp_path_factory.mktemp("acts")
    project = LabelProjects(folder).create("acts", Question(labels=["a", "b", "c"]), [{"item": f"q{at}"} for at in range(3)])
    people = ("ann", "bob")
    done: list[tuple[str, Act]] = []
    for number, act in enumerate(acts):
        person = people[number % 2]
        mine = [at for at, (who, _) in enumerate(done) if who == person]
        if act[0] != "undo":
            perform(project, act, person)
            done.append((person, act))
        elif mine:
            project.undo(person)
            del done[mine[-1]]
    plain = LabelProjects(folder).create("plain", Question(labels=["a", "b", "c"]), [{"item": f"q{at}"} for at in range(3)])
    for person, act in done:
        perform(plain, act, person)

    assert picture(again(project)) == picture(project) == picture(plain)


def perform(project: LabelProject, act: Act, person: str) -> None:
    kind, item, value = act
    name, label = f"q{item}", "abc"[value]
    match kind:
        case "answer":
            project.answer(name, label, person)
        case "skip":
            project.skip(name, person)
        case "gold":
            project.set_gold(name, label if value else None, person)
        case "example":
            project.set_example(name, label if value else None, person)


def picture(project: LabelProject) -> Any:
    said = project.said
    answers = sorted((one["item"], one["annotator"], one["label"]) for one in said.annotations())
    skips = sorted((item, line["by"]) for item in project.items for line in said.skips_of(item))
    return answers, skips, said.gold(), said.examples(), said.count


def test_strangers_are_not_told_of_each_others_projects_and_what_they_delete_is_gone(tmp_path: Path) -> None:
    projects = LabelProjects(tmp_path, is_for_strangers=True)
    projects.create("secret-1", Question(), [{"item": "1", "annotator": "a", "label": "x"}])

    with pytest.raises(UnknownProject) as told:
        projects.get("secret-2")
    assert "secret-1" not in str(told.value)

    projects.delete("secret-1")
    assert list(tmp_path.iterdir()) == []


def test_of_two_who_make_a_project_of_one_name_one_does(tmp_path: Path) -> None:
    rows = [{"item": str(at), "annotator": "a", "label": "x"} for at in range(300)]

    def make(by: int) -> str:
        try:
            return LabelProjects(tmp_path).create("race", Question(), rows).name
        except ProjectExists:
            return "taken"

    with ThreadPoolExecutor(4) as pool:
        ended = sorted(pool.map(make, range(4)))

    assert ended == ["race", "taken", "taken", "taken"]
    assert LabelProjects(tmp_path).get("race").said.count == 300
