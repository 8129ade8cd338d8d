from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from steps import registry
from steps.base import Batch, Step
from steps.routers import sample_n_steps
from steps.wiring import Router, open_pipeline
from tests.steps.test_routers import by_turns


class Noop(Step):
    def process(self, batch: Batch) -> Batch:
        return batch


class Notebook:
    """An open pipeline that writes down what it is told."""

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.edges: list[tuple[Any, Any, Router | None]] = []

    def add(self, step: Any) -> None:
        self.steps.append(step)

    def connect(self, source: Any, target: Any, router: Router | None = None) -> None:
        self.edges.append((source.name, target.name, router))


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    notebook = Notebook()
    token = open_pipeline.set(notebook)
    yield notebook
    open_pipeline.reset(token)


def test_steps_meet_and_part(notebook: Notebook) -> None:
    load, a, b, join = (Noop(name=name) for name in ("load", "a", "b", "join"))

    load >> [a, b] >> join

    assert notebook.edges == [("load", "a", None), ("load", "b", None), ("a", "join", None), ("b", "join", None)]


def test_a_router_stands_between_a_step_and_those_it_chooses_from(notebook: Notebook) -> None:
    load, a, b, join = (Noop(name=name) for name in ("load", "a", "b", "join"))
    sample = sample_n_steps(1)

    load >> sample >> [a, b] >> join

    assert notebook.edges == [("load", "a", sample), ("load", "b", sample), ("a", "join", None), ("b", "join", None)]


def test_a_router_without_parameters_needs_no_brackets(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")
    load, a, b = (Noop(name=name) for name in ("load", "a", "b"))

    load >> by_turns >> [a, b]

    assert [router for _, _, router in notebook.edges] == [by_turns(), by_turns()]


def test_a_router_of_the_users_own_file_can_be_found_again(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")
    load, a, b = (Noop(name=name) for name in ("load", "a", "b"))

    load >> by_turns(every=3) >> [a, b]

    assert registry.resolve(by_turns().name, "routers") is by_turns


@pytest.mark.usefixtures("notebook")
def test_a_router_that_chooses_from_one_step_is_refused() -> None:
    load, a = Noop(name="load"), Noop(name="a")

    with pytest.raises(TypeError, match="needs a list of steps"):
        load >> sample_n_steps(1) >> a  # type: ignore[operator]


def test_a_router_that_stands_first_is_refused() -> None:
    with pytest.raises(TypeError, match="stands between steps"):
        sample_n_steps(1) >> [Noop()]


def test_steps_outside_of_a_pipeline_cannot_be_connected() -> None:
    with pytest.raises(RuntimeError, match="with Pipeline"):
        Noop() >> Noop()
