"""What a project may hold on a server that is open to everybody: each limit is told, and nothing is added beyond it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.learning import learn_anew
from flows.labelling.limits import Limits, TooMuch
from flows.labelling.rounds import close_round, open_round
from steps.errors import RunError
from steps.labels.questions import Question
from tests.flows.labelling.crowds import crowd

SMALL = Limits(
    annotations=400,
    items=100,
    labels=3,
    parts=500,
    parts_of_item=20,
    strategy_bytes=20_000,
    folder_bytes=150_000,
)


def small(folder: Path, question: Question, rows: list[dict[str, Any]], limits: Limits = SMALL) -> LabelProject:
    """A project with narrow limits."""
    made = LabelProjects(folder).create("answers", question, rows)
    found = LabelProject(made.folder, limits)
    found.refresh()
    return found


def said_of(item: int, by: int) -> dict[str, Any]:
    return {"item": f"q{item}", "annotator": f"b{by}", "label": "wrong"}


def size(project: LabelProject) -> int:
    return sum(path.stat().st_size for path in project.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"item": f"new{at}"} for at in range(50)], "110 items; .* up to 100"),
        (
            [{"item": f"q{at % 60}", "annotator": f"b{at}", "label": "wrong"} for at in range(101)],
            "401 rows of answers; .* 400",
        ),
        (
            [{"item": "q1", "annotator": f"b{at}", "label": "wrong"} for at in range(30)],
            "35 labels, spans or pairs .* up to 20",
        ),
        ([{"item": "q1", "text": "x" * 150_000}], "bytes; on this server up to 150,000"),
    ],
)
def test_rows_beyond_what_there_may_be_are_refused_whole(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    project = small(tmp_path, Question(), crowd())
    before = size(project)

    with pytest.raises(TooMuch, match=message) as told:
        project.add_rows(rows)

    assert "a machine of your own" in told.value.fix
    assert (size(project), project.said.count, len(project.items)) == (before, 300, 60)


def test_answers_skips_and_comments_fill_a_project_up_to_its_limit_and_no_further(tmp_path: Path) -> None:
    project = small(tmp_path, Question(), crowd())

    def answer_all() -> None:
        for at in range(1000):
            project.answer(f"q{at % 60}", "wrong", "zoe", comment="x" * 5000)

    def skip_all() -> None:
        for at in range(10_000):
            project.skip(f"q{at % 60}", "zoe")

    for act in (answer_all, skip_all):
        with pytest.raises(TooMuch, match="bytes"):
            act()
    assert size(project) <= SMALL.folder_bytes


def test_rounds_that_are_opened_again_and_again_fill_it_too(tmp_path: Path) -> None:
    projects = LabelProjects(tmp_path)
    project = small(tmp_path, Question(), crowd(), Limits(folder_bytes=60_000))

    def open_and_close() -> None:
        for _ in range(1000):
            open_round(project, projects.gains("answers"))
            close_round(project)

    with pytest.raises(TooMuch, match="bytes"):
        open_and_close()
    assert size(project) <= 60_000


def test_rankings_and_spans_count_by_their_parts(tmp_path: Path) -> None:
    things = [f"t{at}" for at in range(8)]
    project = small(tmp_path, Question(type="ranking", labels=things), [{"item": "q", "annotator": "a", "label": things[:4]}])
    with pytest.raises(TooMuch, match="34 labels, spans or pairs"):
        project.answer("q", things, "zoe")
    with pytest.raises(TooMuch, match="34 labels, spans or pairs"):
        project.add_rows([{"item": "q", "annotator": "b", "label": things}])


@pytest.mark.parametrize(
    ("limits", "message"),
    [(Limits(labels=2), "3 labels; .* up to 2"), (Limits(strategy_bytes=100), "bytes; on this server up to 100")],
)
def test_a_strategy_that_would_be_too_large_is_not_kept(tmp_path: Path, limits: Limits, message: str) -> None:
    project = small(tmp_path, Question(), crowd(), limits)

    with pytest.raises(TooMuch, match=message):
        learn_anew(project)

    assert not (project.folder / "strategies").exists()
    assert project.standing is None


def test_a_text_that_is_too_long_is_no_answer_anywhere(tmp_path: Path) -> None:
    project = LabelProjects(tmp_path).create("texts", Question(type="text"), [{"item": "q"}])
    with pytest.raises(RunError, match="more than 20,000 characters"):
        project.answer("q", "x" * 20_001, "zoe")
    project.answer("q", "x" * 19_000, "zoe")
    assert project.said.count == 1


def test_projects_of_strangers_have_limits_and_others_none(tmp_path: Path) -> None:
    assert LabelProjects(tmp_path / "a", is_for_strangers=True).create("one", Question(), crowd()).limits == Limits()
    assert LabelProjects(tmp_path / "b").create("one", Question(), crowd()).limits is None
    with pytest.raises(TooMuch, match="20,001 items"):
        LabelProjects(tmp_path / "a", is_for_strangers=True).create(
            "two", Question(), [{"item": str(at)} for at in range(20_001)]
        )
