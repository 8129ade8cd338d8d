"""Pipelines by name: what is changed is on disk at once, and what somebody else wrote there is never overwritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from app.handlers.changes import change_from
from app.handlers.desk import Desk
from app.handlers.drafts import CannotEdit, Draft, new_draft, undo, with_text
from app.handlers.opening import Shelf, opening_from, reopened
from app.handlers.pipelines import ChangedOnDisk, NameTaken, NoPipeline, Pipelines
from app.handlers.saving import CHANGED, name_in, to_keep, with_name
from flows.spec import load_spec
from steps.errors import DistilflowError

MINE = "distilflow: 1\nname: mine\n# a remark\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{a: 1}]}}\n"
ODD_NAMES = ["../x", "a/b", "..", ".hidden", "", "a" * 81, "a.b", "con\0", "a\n", "naïve", "/etc/passwd", "a b"]


@pytest.fixture
def pipelines(tmp_path: Path) -> Pipelines:
    return Pipelines(tmp_path / "pipelines")


@pytest.fixture
def shelf(pipelines: Pipelines, tmp_path: Path) -> Shelf:
    examples = tmp_path / "examples"
    examples.mkdir()
    (examples / "first.yaml").write_text(MINE.replace("mine", "an-example"))
    return Shelf(pipelines, examples)


class Tab:
    """A tab of a browser that works on one desk."""

    def __init__(self, desk: Desk, shelf: Shelf, session: str = "a") -> None:
        self.desk, self.shelf, self.session = desk, shelf, session

    @property
    def draft(self) -> Draft:
        return self.desk.look(self.session)

    def do(self, change: Any) -> Draft:
        return self.desk.change(self.session, None, change, lambda before, after: after)

    def open(self, **told: Any) -> Draft:
        return self.do(lambda draft: opening_from(told).on(draft, self.shelf))

    def change(self, **told: Any) -> Draft:
        return self.do(lambda draft: change_from(told).on(draft))

    def write(self, text: str) -> Draft:
        return self.do(lambda draft: with_text(draft, text, "edit"))


@pytest.fixture
def tab(pipelines: Pipelines, shelf: Shelf) -> Tab:
    return Tab(Desk(pipelines), shelf)


def on_disk(pipelines: Pipelines, name: str) -> str:
    return (pipelines.folder / f"{name}.yaml").read_text()


# ---- the folder


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_name_leads_out_of_the_folder(pipelines: Pipelines, name: str) -> None:
    for act in (
        lambda: pipelines.read(name),
        lambda: pipelines.write(name, MINE, None),
        lambda: pipelines.delete(name),
        lambda: pipelines.restore(name),
        lambda: pipelines.version(name),
        lambda: pipelines.move(name, "x"),
    ):
        with pytest.raises(NoPipeline):
            act()
    assert not pipelines.folder.exists()


def test_the_newest_comes_first_and_other_files_are_left_alone(pipelines: Pipelines) -> None:
    for at, name in enumerate(("old", "middle", "new")):
        pipelines.write(name, MINE.replace("mine", name), None)
        os.utime(pipelines.folder / f"{name}.yaml", (at, at))
    (pipelines.folder / "notes.txt").write_text("x")
    (pipelines.folder / "my draft.yaml").write_text(MINE)
    (pipelines.folder / "broken.yaml").write_text("steps: [")
    os.utime(pipelines.folder / "broken.yaml", (9, 9))

    entries = pipelines.entries()

    assert [entry["name"] for entry in entries] == ["broken", "new", "middle", "old"]
    assert [entry["steps"] for entry in entries] == [None, 1, 1, 1]


def test_a_file_of_another_version_is_not_overwritten(pipelines: Pipelines) -> None:
    kept = pipelines.write("mine", MINE, None)
    (pipelines.folder / "mine.yaml").write_text("name: theirs\nsteps: []\n")

    for version in (kept.version, None):
        with pytest.raises(ChangedOnDisk):
            pipelines.write("mine", MINE + "\n", version)

    assert on_disk(pipelines, "mine") == "name: theirs\nsteps: []\n"
    assert list(pipelines.folder.iterdir()) == [pipelines.folder / "mine.yaml"]


def test_what_was_deleted_comes_back_unless_its_name_is_taken(pipelines: Pipelines) -> None:
    pipelines.write("mine", MINE, None)
    pipelines.delete("mine")
    assert pipelines.names() == []
    assert pipelines.restore("mine").text == MINE

    pipelines.delete("mine")
    pipelines.write("mine", "name: mine\nsteps: []\n", None)
    with pytest.raises(NameTaken):
        pipelines.restore("mine")
    with pytest.raises(NoPipeline):
        pipelines.restore("other")


# ---- autosave


def test_every_change_is_on_disk_as_soon_as_it_is_answered(tab: Tab, pipelines: Pipelines) -> None:
    tab.open(do="text", text=MINE)
    assert on_disk(pipelines, "mine") == MINE

    added = tab.change(do="add", use="TextGeneration", after=["load"])

    assert on_disk(pipelines, "mine") == added["text"]
    assert load_spec(pipelines.folder / "mine.yaml").names() == ["load", "text_generation"]
    assert tab.do(undo)["text"] == on_disk(pipelines, "mine") == MINE


def test_a_first_step_on_an_empty_desk_makes_a_pipeline_with_a_free_name(tab: Tab, pipelines: Pipelines) -> None:
    pipelines.write("pipeline", MINE, None)

    draft = tab.change(do="add", use="LoadDataFromDicts")

    assert draft["file"]["name"] == "pipeline_2"
    assert name_in(on_disk(pipelines, "pipeline_2")) == "pipeline_2"


def test_the_file_follows_the_name_also_back(tab: Tab, pipelines: Pipelines) -> None:
    tab.open(do="text", text=MINE)

    tab.change(do="rename-pipeline", name="other")
    assert pipelines.names() == ["other"]
    tab.do(undo)

    assert pipelines.names() == ["mine"]
    assert tab.draft["file"]["name"] == "mine"


def test_a_name_that_is_taken_is_refused_and_nothing_is_lost(tab: Tab, pipelines: Pipelines) -> None:
    pipelines.write("other", "name: other\nsteps: []\n", None)
    tab.open(do="text", text=MINE)

    with pytest.raises(CannotEdit, match="'other' already"):
        tab.change(do="rename-pipeline", name="other")

    assert tab.draft["text"] == on_disk(pipelines, "mine") == MINE
    assert on_disk(pipelines, "other") == "name: other\nsteps: []\n"


def test_a_text_that_is_no_pipeline_is_saved_all_the_same(tab: Tab, pipelines: Pipelines) -> None:
    tab.open(do="text", text=MINE)

    tab.write("steps: [oops")

    assert on_disk(pipelines, "mine") == "steps: [oops"


def test_an_example_is_saved_when_it_is_changed_and_not_before(tab: Tab, pipelines: Pipelines) -> None:
    tab.open(do="open", name="first")
    assert pipelines.names() == []
    assert tab.draft["file"]["name"] == "an-example"

    tab.change(do="add", use="TextGeneration", after=["load"])

    assert pipelines.names() == ["an-example"]
    tab.open(do="example", file="first.yaml")
    assert tab.draft["file"]["name"] == "an-example_2"
    assert name_in(tab.draft["text"]) == "an-example_2"


def test_a_full_disk_is_told_and_the_draft_goes_on(tab: Tab, pipelines: Pipelines, monkeypatch: pytest.MonkeyPatch) -> None:
    tab.open(do="text", text=MINE)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("app.handlers.pipelines.write_whole", full)
        draft = tab.change(do="add", use="TextGeneration", after=["load"])
    assert "No space left" in draft["file"]["problem"]

    draft = tab.change(do="add", use="TextGeneration", after=["load"])
    assert draft["file"]["problem"] == ""
    assert on_disk(pipelines, "mine") == draft["text"]


# ---- somebody else writes


@pytest.fixture
def two_tabs(pipelines: Pipelines, shelf: Shelf) -> tuple[Tab, Tab]:
    desk = Desk(pipelines)
    first, second = Tab(desk, shelf, "a"), Tab(desk, shelf, "b")
    first.open(do="text", text=MINE)
    second.open(do="open", name="mine")
    first.change(do="add", use="TextGeneration", after=["load"])
    return first, second


def test_the_second_of_two_tabs_overwrites_nothing_and_can_load_what_the_first_wrote(
    two_tabs: tuple[Tab, Tab], pipelines: Pipelines
) -> None:
    _, second = two_tabs
    theirs = on_disk(pipelines, "mine")

    late = second.change(do="add", use="KeepColumns", after=["load"])
    assert late["file"]["problem"] == CHANGED
    assert on_disk(pipelines, "mine") == theirs

    loaded = second.open(do="load-theirs")
    assert (loaded["text"], loaded["file"]["problem"]) == (theirs, "")
    assert second.do(undo)["text"] == late["text"] == on_disk(pipelines, "mine")


def test_the_second_of_two_tabs_can_keep_its_own(two_tabs: tuple[Tab, Tab], pipelines: Pipelines) -> None:
    first, second = two_tabs
    mine = second.change(do="add", use="KeepColumns", after=["load"])

    second.open(do="keep-mine")

    assert on_disk(pipelines, "mine") == mine["text"]
    assert first.change(do="tidy")["file"]["problem"] == ""  # nothing was moved: nothing to save
    assert first.change(do="add", use="KeepColumns", after=["load"])["file"]["problem"] == CHANGED


def test_a_file_that_was_taken_away_is_not_made_again_without_asking(tab: Tab, pipelines: Pipelines) -> None:
    tab.open(do="text", text=MINE)
    (pipelines.folder / "mine.yaml").unlink()

    assert tab.change(do="add", use="TextGeneration", after=["load"])["file"]["problem"] == CHANGED
    assert pipelines.names() == []
    with pytest.raises(NoPipeline):
        tab.open(do="load-theirs")

    tab.open(do="keep-mine")
    assert on_disk(pipelines, "mine") == tab.draft["text"]


# ---- opening


def test_an_address_opens_what_is_saved_before_an_example_and_says_what_there_is(
    tab: Tab, shelf: Shelf, pipelines: Pipelines
) -> None:
    assert reopened(new_draft(), "first", shelf)["file"]["name"] == "an-example"
    pipelines.write("first", "name: first\nsteps: []\n", None)
    assert reopened(new_draft(), "first", shelf)["text"] == "name: first\nsteps: []\n"

    with pytest.raises(NoPipeline) as caught:
        reopened(new_draft(), "frist", shelf)
    assert "Did you mean 'first'" in caught.value.message
    assert caught.value.fix == "saved: first; examples: an-example"
    for name in ODD_NAMES[:-1]:
        if name:
            with pytest.raises(NoPipeline):
                reopened(new_draft(), name, shelf)


def test_copies_new_ones_and_deleted_ones(tab: Tab, pipelines: Pipelines) -> None:
    tab.open(do="text", text=MINE)
    copy = tab.open(do="duplicate")
    assert copy["file"]["name"] == "mine_copy"
    assert "# a remark" in copy["text"]

    assert tab.open(do="new")["file"]["name"] == "untitled"
    assert tab.open(do="new")["file"]["name"] == "untitled_2"
    gone = tab.open(do="delete")
    assert (gone["text"], gone["file"]["name"]) == ("", "")
    assert set(pipelines.names()) == {"mine", "mine_copy", "untitled"}
    assert tab.open(do="restore", name="untitled_2")["file"]["name"] == "untitled_2"


NO_OPENINGS = [{}, "open", {"do": "explode"}, {"do": "open"}, {"do": "open", "name": 7}, {"do": "new", "more": 1}]


@pytest.mark.parametrize("told", [*NO_OPENINGS, {"do": "open", "name": "x" * 999}])
def test_what_no_page_asks_for_is_refused_in_words(told: Any) -> None:
    with pytest.raises(DistilflowError, match="cannot be opened"):
        opening_from(told)


# ---- what the browser keeps


def test_of_a_saved_pipeline_the_browser_keeps_the_name_alone_and_gets_what_is_newest(tab: Tab, pipelines: Pipelines) -> None:
    kept = to_keep(tab.open(do="text", text=MINE))
    assert kept["text"] is None
    (pipelines.folder / "mine.yaml").write_text("name: mine\nsteps: []\n")

    again = Desk(pipelines).look("later", kept)

    assert again["text"] == "name: mine\nsteps: []\n"
    assert again["file"]["problem"] == ""


def test_what_could_not_be_saved_is_there_after_a_reload_and_still_overwrites_nothing(
    two_tabs: tuple[Tab, Tab], pipelines: Pipelines
) -> None:
    _, second = two_tabs
    late = second.change(do="add", use="KeepColumns", after=["load"])

    again = Desk(pipelines).look("later", to_keep(late))

    assert again["text"] == late["text"]
    assert again["file"]["problem"] == CHANGED


NONSENSE = [None, 7, "x", {"text": 7}, {"text": None, "file": {"name": "../x"}}, {"file": {"name": 7, "version": []}}]


@pytest.mark.parametrize("kept", [*NONSENSE, {"file": "x"}])
def test_nonsense_in_the_browser_opens_nothing(pipelines: Pipelines, kept: Any) -> None:
    assert Desk(pipelines).look("a", kept)["text"] == ""


def test_without_a_folder_nothing_is_written_and_the_name_is_followed_all_the_same(tmp_path: Path) -> None:
    shelf = Shelf(None, tmp_path)
    tab = Tab(Desk(None), shelf)

    tab.open(do="text", text=MINE, name="mine_2")
    assert name_in(tab.draft["text"]) == tab.draft["file"]["name"] == "mine_2"
    tab.change(do="rename-pipeline", name="other")

    assert tab.draft["file"]["name"] == "other"
    assert to_keep(tab.draft)["text"] == tab.draft["text"]
    with pytest.raises(NoPipeline, match="in this browser"):
        tab.open(do="open", name="elsewhere")
    assert list(tmp_path.iterdir()) == []


def test_another_name_changes_nothing_else_of_a_text() -> None:
    assert with_name(MINE, "new") == MINE.replace("mine", "new")
    assert with_name("steps: [oops", "new") == "steps: [oops"
    assert name_in(with_name('{"name": "a", "steps": []}', "new")) == "new"
    assert name_in(with_name("steps: []\ndescription: |\n  name: x\n", "new")) == "new"
