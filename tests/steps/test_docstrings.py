"""The palette shows a step's first line, and its example is the first thing a user tries."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from steps import registry
from steps.base import BaseStep
from tests.steps.samples import SAMPLES


def _step(name: str) -> type[BaseStep]:
    step = registry.resolve(name)
    assert issubclass(step, BaseStep)
    return step


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_line_says_what_happens_to_the_data(name: str) -> None:
    summary = _step(name).summary()

    assert 10 < len(summary) <= 80
    assert summary.endswith(".")
    assert name not in summary


@pytest.mark.parametrize("name", [*SAMPLES, "router"])
def test_the_example_works(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("steps.routers" if name == "router" else _step(name).__module__)
    found = doctest.DocTestFinder(recurse=False).find(getattr(module, name), name, globs={**vars(module), "Path": Path})
    examples = [test for test in found if test.examples]

    result = [doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test) for test in examples]

    assert "Example:" in (examples[0].docstring or "")
    assert [failed for failed, _ in result] == [0]
