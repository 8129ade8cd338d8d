from __future__ import annotations

import sys
from pathlib import Path

import pytest

from steps import registry
from steps.columns.keep_columns import KeepColumns
from steps.registry import UnknownComponent, name_of, resolve
from tests.flows import describing


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules of the user's own, all of them allowed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("ALLOW_STEP_MODULES", "reg_good, reg_broken,reg_exits,reg_told")
    (tmp_path / "reg_good.py").write_text("import os\nclass Outer:\n    class Inner: pass\ndef function(): pass\n")
    (tmp_path / "reg_broken.py").write_text("class Broken:\n  def f(\n")
    (tmp_path / "reg_exits.py").write_text("raise SystemExit(3)\n")
    told = "from steps.errors import RunError\nraise RunError('a run was started here', 'start it below')\n"
    (tmp_path / "reg_told.py").write_text(told)
    return tmp_path


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_name_resolves_to_a_class_that_knows_its_name(kind: registry.Kind) -> None:
    for name in registry.names(kind):
        assert name_of(resolve(name, kind), kind) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("KeepColums", "Did you mean 'KeepColumns'"),
        ("", "there is no step ''"),
        ("steps.columns.keep_columns", "there is no step"),
        ("os:system", "not allowed here"),
        ("steps.columns.keep_columns:KeepColumns", "not allowed here"),
        (":", "not allowed here"),
        ("a:b:c", "not allowed here"),
        ("../x:Y", "not allowed here"),
    ],
)
def test_a_name_that_nothing_goes_by(name: str, said: str) -> None:
    with pytest.raises(UnknownComponent, match=said) as caught:
        resolve(name)

    assert caught.value.fix


@pytest.mark.parametrize(
    ("name", "kind", "instead"),
    [
        ("ImageTask", "steps", "`AskingStep`"),
        ("AsyncLLM", "llms", "`LLM`"),
    ],
)
def test_a_class_of_distilabel_that_is_not_here_is_told_with_what_to_take_instead(
    name: str, kind: registry.Kind, instead: str
) -> None:
    with pytest.raises(UnknownComponent, match=f"distilabel's class '{name}' is not here") as caught:
        resolve(name, kind)

    assert instead in caught.value.fix
    assert "docs/migrating.md" in caught.value.fix


def test_an_import_of_a_class_that_is_not_here_says_what_to_take_instead() -> None:
    with pytest.raises(ImportError, match="in its place `AskingStep`"):
        exec("from steps.tasks import ImageTask")


@pytest.mark.parametrize("allowed", ["", "__main__"])
def test_a_class_of_a_script_is_told_to_move_to_a_file_and_how_to_allow_that(
    allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", allowed)
    with pytest.raises(UnknownComponent, match="class of the script") as caught:
        resolve("__main__:MyStep")

    assert "`use: my_steps:MyStep`" in caught.value.fix
    assert caught.value.fix.endswith("ALLOW_STEP_MODULES=my_steps")


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("reg_good:Nothing", "has no 'Nothing'"),
        ("reg_good:", "has no ''"),
        ("reg_good:function", "is a function, not a class"),
        ("reg_good:os", "is a module, not a class"),
        ("reg_good:Outer.__class__", "has no 'Outer.__class__'"),
        ("reg_good:__builtins__", "has no '__builtins__'"),
        ("reg_broken:Broken", "cannot be imported: '\\(' was never closed"),
        ("reg_exits:X", "cannot be imported: 3"),
        ("reg_good.sub:X", "cannot be imported"),
        ("reg_goods:X", "not allowed here"),
    ],
)
def test_a_module_of_the_users_own_that_cannot_be_used(name: str, said: str) -> None:
    with pytest.raises(UnknownComponent, match=said) as caught:
        resolve(name)

    assert caught.value.fix


@pytest.mark.usefixtures("files")
def test_what_a_module_says_itself_is_the_one_thing_to_do() -> None:
    with pytest.raises(UnknownComponent) as caught:
        resolve("reg_told:X")

    assert caught.value.message == "'reg_told:X' cannot be imported: a run was started here"
    assert caught.value.fix == "start it below"


@pytest.mark.usefixtures("files")
def test_a_class_inside_a_class_goes_by_its_path() -> None:
    inner = resolve("reg_good:Outer.Inner")

    assert name_of(inner) == "reg_good:Outer.Inner"


def test_a_class_of_this_process_is_allowed_and_told_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")
    registry.allow_class(describing.SortRows)

    assert resolve(name_of(describing.SortRows)) is describing.SortRows
    assert registry.allowed_modules() == [describing.__name__]


def test_a_built_in_is_not_taken_for_one_of_the_same_name() -> None:
    other = type("KeepColumns", (KeepColumns,), {"__module__": "acme"})

    assert (name_of(KeepColumns), name_of(other)) == ("KeepColumns", "acme:KeepColumns")
