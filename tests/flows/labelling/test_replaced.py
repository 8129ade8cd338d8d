"""A project that is replaced, deleted or edited on the disk while somebody works with it: nothing of two is mixed up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.learning import learn_anew
from flows.labelling.project import OtherProject
from flows.labelling.rounds import queue
from flows.labelling.scoring import scores_of
from flows.labelling.store import UnknownProject
from steps.errors import RunError
from steps.labels.questions import Question
from tests.flows.labelling.crowds import crowd

ROWS = [{"item": f"q{at}", "annotator": "only", "label": "partly"} for at in range(3)]


def put_another_there(folder: Path) -> None:
    """Another project of its name, made elsewhere."""
    shutil.rmtree(folder)
    LabelProjects(folder.parent).create(folder.name, Question(labels=["correct", "partly", "wrong"]), ROWS)


def test_a_project_in_the_place_of_another_is_read_from_the_start(projects: LabelProjects, project: LabelProject) -> None:
    gains = projects.gains("answers")
    queue(project, gains, ["q1"])
    put_another_there(project.folder)

    found = projects.get("answers")
    assert (found.said.count, len(found.items), found.strategy, set(found.said.voters)) == (3, 3, None, {"only"})
    assert [one.item for one in queue(found, gains, ["q1", "q50"])] == ["q1"]
    found.answer("q1", "wrong", "zoe")
    assert found.said.count == 4


def test_what_was_meant_for_the_old_project_is_refused(project: LabelProject) -> None:
    meant = project.identity
    put_another_there(project.folder)

    with pytest.raises(OtherProject, match="another project has the name 'answers'") as told:
        project.check_is(meant)
    assert "reload" in told.value.fix


@pytest.mark.parametrize("what", ["replaced", "deleted", "put away"])
def test_a_strategy_is_not_kept_in_a_project_that_it_was_not_learned_for(
    projects: LabelProjects, project: LabelProject, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*told: object) -> object:
        if what == "replaced":
            put_another_there(project.folder)
        elif what == "deleted":
            shutil.rmtree(project.folder)
        else:
            LabelProjects(projects.folder).delete("answers")
        return scores_of(*told)  # type: ignore[arg-type]

    monkeypatch.setattr("flows.labelling.learning.scores_of", meanwhile)
    project.answer("q1", "wrong", "zoe")
    with pytest.raises(RunError) as told:
        learn_anew(LabelProject(project.folder))

    assert told.value.fix
    if what == "replaced":
        assert isinstance(told.value, OtherProject)
        assert not (project.folder / "strategies").exists()
    else:
        assert not project.folder.exists()


def test_an_open_project_that_was_deleted_is_told(projects: LabelProjects, project: LabelProject) -> None:
    shutil.rmtree(project.folder)

    with pytest.raises(UnknownProject, match="no label project 'answers'"):
        projects.get("answers")
    with pytest.raises(RunError, match=r"'answers' cannot be read|moved or deleted") as told:
        project.answer("q1", "wrong", "zoe")
    assert told.value.fix
    assert not project.folder.exists()


def test_a_log_that_was_edited_or_put_back_is_read_anew(projects: LabelProjects, project: LabelProject) -> None:
    path = project.folder / "annotations.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"".join(line + b"\n" for line in whole.splitlines()[:100]))
    assert projects.get("answers").said.count == len([one for one in whole.splitlines()[:100] if b"annotation_id" in one])

    path.write_bytes(whole)
    assert projects.get("answers").said.count == 300

    path.write_bytes(whole.replace(b'"ann-1"', b'"bob-1"'))
    assert "bob-1" in projects.get("answers").said.voters
    assert "ann-1" not in projects.get("answers").said.voters

    path.write_bytes(whole.replace(b'"ann-1"', b'"somebody else"') + whole.splitlines()[0] + b"\n")
    assert "somebody else" in projects.get("answers").said.voters

    path.unlink()
    assert projects.get("answers").said.count == 0


def test_an_older_project_without_an_id_is_known_by_when_it_was_made(projects: LabelProjects) -> None:
    made = projects.create("old", Question(), crowd())
    made.change(lambda about: about.model_copy(update={"id": ""}))
    meant = made.identity
    made.check_is(meant)
    assert meant[1]
