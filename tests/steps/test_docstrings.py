"""Lists show the first line of a docstring, and its example is the first thing a user tries."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from steps import registry
from steps.components import Component

COMPONENTS = [(name, kind) for kind in registry.KINDS for name in registry.names(kind)]


@pytest.mark.parametrize(("name", "kind"), COMPONENTS)
def test_the_first_line_says_what_happens_to_the_data(name: str, kind: registry.Kind) -> None:
    component = registry.resolve(name, kind)
    assert issubclass(component, Component)
    summary = component.summary()

    assert 10 < len(summary) <= 80
    assert summary.endswith(".")
    assert name not in summary


@pytest.mark.parametrize(("name", "kind"), [*COMPONENTS, ("router", "routers")])
def test_the_example_works(name: str, kind: registry.Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("steps.routers" if kind == "routers" else registry.resolve(name, kind).__module__)
    found = doctest.DocTestFinder(recurse=False).find(getattr(module, name), name, globs={**vars(module), "Path": Path})
    examples = [test for test in found if test.examples]

    result = [doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test) for test in examples]

    assert "Example:" in (examples[0].docstring or "")
    assert [failed for failed, _ in result] == [0]
