"""`distilflow new` and `preview`: the first look at a pipeline."""

from __future__ import annotations

from tests.flows.cli.pipelines import LOAD, add
from tests.flows.commands import Commands


def test_a_preview_shows_rows_and_keeps_nothing(commands: Commands) -> None:
    ended = commands("preview", commands.write([LOAD, add()]), "--rows", "2", "--no-prefect")

    assert ended.code == 0, ended.err
    assert "row 2" in ended.out
    assert "row 3" not in ended.out
    assert sorted(path.name for path in commands.folder.iterdir()) == ["pipeline.yaml"]


def test_what_rows_hold_does_not_steer_the_terminal(commands: Commands) -> None:
    data = [{"instruction": "a\x1b[2Jb\x07\x9b1mc é 日\td", "\x1b]0;x\x07": 1}]
    commands.write([{"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}])

    ended = commands("preview", "pipeline.yaml")

    assert ended.code == 0, ended.err
    assert "a[2Jb1mc é 日 d" in ended.out
    assert not any(letter in ended.out + ended.err for letter in "\x1b\x07\x9b")


def test_a_new_pipeline_can_be_previewed_at_once(commands: Commands) -> None:
    assert commands("new", "mine").code == 0
    assert commands("preview", "mine.yaml").code == 0
    assert commands("new", "mine").code == 2
