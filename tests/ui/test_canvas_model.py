"""Random operations on the canvas: what is drawn, the spec, the YAML and the plan always agree, and undo leads back."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows.plan import examine
from flows.spec import read_spec
from tests.ui.acting import open_example
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-canvas_model")]

Spec = dict[str, Any]
STEPS = ["TextGeneration", "KeepColumns", "UltraFeedback", "GroupColumns", "LoadDataFromDicts", "FormatTextGenerationSFT"]

STATE = """async () => {
    const page = await import(document.querySelector("link[rel=modulepreload]").href);
    const { get } = page;
    while (!get("build") || get("changing")) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let frame = 0; frame < 4; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
    const view = get("build");
    const nodes = [...document.querySelectorAll(".react-flow__node")].map((node) => node.dataset.id);
    const links = [...document.querySelectorAll(".react-flow__edge")].map((edge) => edge.dataset.id);
    const { text, undo, redo, selected, spec } = view;
    const problems = view.problems.map((problem) => [problem.code, problem.step]);
    return { text, undo, redo, selected, spec, problems, nodes, links };
}"""


class Canvas:
    """The page beside a model of its history: all specs that undo and redo lead to."""

    def __init__(self, page: Page, rng: random.Random) -> None:
        self._page = page
        self._rng = rng
        self._past: list[Spec] = []
        self._future: list[Spec] = []
        self._now = self._state()

    def operate(self) -> str:
        """Do something, and compare."""
        name = self._rng.choice(
            ["add", "add", "add", "delete", "duplicate", "move", "walk", "walk", "walk", "connect", "group", "tidy"]
            + ["undo"] * 3
            + ["redo"] * 2
            + ["reload"] * (self._rng.random() < 0.3)
        )
        before = self._now
        getattr(self, f"_{name}")()
        self._now = self._state()
        if name == "undo":
            if self._past:
                self._future.append(before["spec"])
                assert self._now["spec"] == self._past.pop()
        elif name == "redo":
            if self._future:
                self._past.append(before["spec"])
                assert self._now["spec"] == self._future.pop()
        elif name == "reload":
            assert self._now["spec"] == before["spec"]
            self._past, self._future = [], []  # a reload begins another history
        elif self._now["spec"] != before["spec"]:
            self._past = [*self._past, before["spec"]][-50:]
            self._future = []
        self._agree()
        return name

    def _agree(self) -> None:
        now = self._now
        spec, problems = read_spec(now["text"])
        assert spec.to_dict() == now["spec"]
        plan, found = examine(spec)
        assert sorted((one.code, one.step or "") for one in [*problems, *found]) == sorted(
            (code, step or "") for code, step in now["problems"]
        )
        hidden = {step: name for name, group in spec.canvas.groups.items() if not group.is_open for step in group.steps}
        drawn = {hidden.get(name, name) for name in spec.names()}
        links = {
            f"{hidden.get(before, before)}>{hidden.get(step.name, step.name)}"
            for step in spec.steps
            for before in step.after
            if before in spec.names() and hidden.get(before, before) != hidden.get(step.name, step.name)
        }
        results = {f"{hidden.get(leaf, leaf)}>distiset" for leaf in plan.leaves}
        assert set(now["nodes"]) == drawn | ({"distiset"} if plan.leaves else set())
        assert set(now["links"]) == links | results
        assert bool(now["undo"]) == bool(self._past)
        assert bool(now["redo"]) == bool(self._future)

    def _state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._page.evaluate(STATE)
        return found

    def _press(self, *keys: str) -> None:
        for key in keys:
            self._page.locator("body").press(key)

    # ---- operations
    def _add(self) -> None:
        if len(self._now["spec"]["steps"]) > 24:  # many cards take long to draw
            self._delete()
            return
        self._press("Escape", "a")
        self._page.get_by_test_id("commands-search").fill(self._rng.choice(STEPS))
        expect(self._page.get_by_role("option").first).to_be_visible()
        self._page.keyboard.press(self._rng.choice(["Enter", "Shift+Enter"]))

    def _delete(self) -> None:
        if len(self._now["spec"]["steps"]) > 2:
            self._press("Delete")

    def _duplicate(self) -> None:
        self._press("Control+d")

    def _move(self) -> None:
        self._press(f"Alt+{self._rng.choice(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'])}")

    def _walk(self) -> None:
        self._press(self._rng.choice(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]))

    def _connect(self) -> None:
        self._press("Escape", "c")
        dialog = self._page.get_by_test_id("commands")
        if dialog.count() and dialog.get_by_role("option").count():
            self._page.keyboard.press("Enter")
        else:
            self._page.keyboard.press("Escape")

    def _group(self) -> None:
        self._press("Control+g")

    def _tidy(self) -> None:
        self._press("t")

    def _undo(self) -> None:
        self._press("Control+z")

    def _redo(self) -> None:
        self._press("Shift+Control+z")

    def _reload(self) -> None:
        self._page.reload()
        expect(self._page.locator(".react-flow__node").first).to_be_visible()


def operate(page: Page, site: Site, count: int, seed: int) -> None:
    open_example(page, site, "quickstart")
    expect(page.get_by_test_id("node-judge")).to_be_visible()
    canvas = Canvas(page, random.Random(seed))
    for _ in range(count):
        canvas.operate()


def test_forty_random_operations(page: Page, site: Site) -> None:
    operate(page, site, 40, seed=7)


@pytest.mark.slow
def test_five_hundred_random_operations(page: Page, site: Site) -> None:
    operate(page, site, 500, seed=11)
