"""The quickstart is built from an empty canvas, run, stopped, gone on with and pushed; by mouse, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.ui.acting import wait_for_state
from tests.ui.browsing import ROOT
from tests.ui.conftest import Site
from tests.ui.test_canvas import start_empty

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-acceptance")]

QUICKSTART: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "quickstart.yaml").read_text())
SHORT = {"load": "loaddatafromfile", "format_dpo": "textgenerationdpo", "keep": "keepcol"}
"""What is typed to find a step, where its class would not be found by its own name first."""

DEFAULT = ("aspect", "overall-rating")
"""What the form leaves out, because it is so without being said."""

Fill = Callable[[Page, str, str], None]


def wanted() -> list[dict[str, Any]]:
    return [
        {**step, "after": [after] if isinstance(after := step.get("after", []), str) else after} for step in QUICKSTART["steps"]
    ]


def assert_is_quickstart(page: Page, names: dict[str, str]) -> None:
    """The same classes with the same parameters in the same order of rows; `names` are those that the steps got here."""
    built = {step["name"]: step for step in page.evaluate("window.distilflow.graph()")["steps"]}
    assert len(built) == len(wanted())
    for like in wanted():
        step = built[names[like["name"]]]
        assert step["use"] == like["use"]
        assert sorted(step.get("after", [])) == sorted(names[name] for name in like["after"])
        assert step.get("with", {}) == {key: value for key, value in like.get("with", {}).items() if (key, value) != DEFAULT}


def fill_in(page: Page, step: dict[str, Any], fill: Fill, choose: Fill) -> None:
    """Enter the parameters of a step into its form."""
    for name, value in step.get("with", {}).items():
        if name == "llm":
            choose(page, "llm", value["use"])
            for key, entry in value.items():
                if key != "use":
                    fill(page, f"with-llm-{key}", entry)
        elif name == "aspect":
            choose(page, "with-aspect", value)
        else:
            fill(page, f"with-{name.replace('_', '-')}", ", ".join(value) if isinstance(value, list) else value)


def form_of(page: Page, step: str) -> None:
    """Wait until the form of this step can be typed into."""
    expect(page.locator("#step-head h2")).to_have_text(step)
    expect(page.locator(f"#step-form[aria-busy=false] [data-step={step}]")).to_have_count(1)


def saved(page: Page) -> None:
    page.wait_for_function("window.distilflowEdits().unanswered === 0")


# ---- by mouse


def fill_by_mouse(page: Page, field: str, value: str) -> None:
    entry = page.locator(f"#field-{field} input, #field-{field} textarea").first
    entry.click()
    entry.fill(value)
    page.locator("#step-head").click()
    expect(page.get_by_role("button", name="Undo:").first).to_be_visible()
    saved(page)


def choose_by_mouse(page: Page, field: str, value: str) -> None:
    page.locator(f"#field-{field} input").first.click()
    page.get_by_role("option", name=value, exact=True).click()
    saved(page)


@pytest.mark.smoke
def test_the_quickstart_is_built_by_mouse(page: Page, site: Site) -> None:
    start_empty(page, site)
    names: dict[str, str] = {}
    for step in wanted():
        before = {one["name"] for one in (page.evaluate("window.distilflow.graph()") or {"steps": []})["steps"]}
        if step["after"]:
            page.get_by_test_id(f"node-{names[step['after'][0]]}").click()
            form_of(page, names[step["after"][0]])
        page.get_by_test_id(f"palette-{step['use']}").dblclick()
        page.wait_for_function("(count) => window.distilflow.graph()?.steps.length > count", arg=len(before))
        (name,) = {one["name"] for one in page.evaluate("window.distilflow.graph()")["steps"]} - before
        names[step["name"]] = name
        form_of(page, name)
        for other in step["after"][1:]:
            source = page.get_by_test_id(f"node-{names[other]}").locator(".react-flow__handle-right")
            source.drag_to(page.get_by_test_id(f"node-{name}").locator(".react-flow__handle-left"))
            expect(page.get_by_test_id(f"edge-{names[other]}-{name}")).to_be_attached()
        page.get_by_test_id(f"node-{name}").click()
        form_of(page, name)
        fill_in(page, step, fill_by_mouse, choose_by_mouse)

    assert_is_quickstart(page, names)
    page.get_by_test_id("run").click()
    wait_for_state(page, "finished")
    expect(page.get_by_test_id("node-distiset-rows")).to_have_text("66 rows")


# ---- by keyboard


def tab_to(page: Page, field: str) -> None:
    """Walk with the Tab key until the focus is in a field."""
    for _ in range(150):
        page.wait_for_function("!window.distilflow.isKeeping()")  # whoever looks sees where the last key has led
        if page.evaluate("(id) => Boolean(document.activeElement?.closest(id))", f"#field-{field}"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{field} cannot be reached by keyboard")


def fill_by_keyboard(page: Page, field: str, value: str) -> None:
    tab_to(page, field)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(value)
    page.keyboard.press("Tab")
    saved(page)


def choose_by_keyboard(page: Page, field: str, value: str) -> None:
    tab_to(page, field)
    page.keyboard.press("Control+a")
    page.keyboard.type(value)
    page.keyboard.press("Enter")
    saved(page)


def to_canvas(page: Page) -> None:
    """Leave the form, to where single keys act. In a drop-down the first Escape closes the list."""
    for _ in range(2):
        if page.evaluate("document.activeElement !== document.body && !document.activeElement.closest('#build-canvas')"):
            page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement === document.body || document.activeElement.closest('#build-canvas')")


def choose_step(page: Page, name: str) -> None:
    """Go to a step by its name."""
    page.keyboard.press("Control+k")
    page.keyboard.type(name)
    expect(page.get_by_test_id("commands").get_by_role("option", selected=True)).to_contain_text(name)
    page.keyboard.press("Enter")


def test_the_quickstart_is_built_by_keyboard_alone(page: Page, site: Site) -> None:
    start_empty(page, site)
    names: dict[str, str] = {}
    for step in wanted():
        to_canvas(page)
        before = {one["name"] for one in (page.evaluate("window.distilflow.graph()") or {"steps": []})["steps"]}
        if step["after"]:
            choose_step(page, names[step["after"][0]])
            form_of(page, names[step["after"][0]])
            to_canvas(page)
        page.keyboard.press("/")
        page.keyboard.type(SHORT.get(step["name"], step["use"]))
        page.keyboard.press("Enter")
        page.wait_for_function("(count) => window.distilflow.graph()?.steps.length > count", arg=len(before))
        (name,) = {one["name"] for one in page.evaluate("window.distilflow.graph()")["steps"]} - before
        names[step["name"]] = name
        form_of(page, name)
        for other in step["after"][1:]:
            to_canvas(page)
            choose_step(page, names[other])
            form_of(page, names[other])
            to_canvas(page)
            page.keyboard.press("c")
            page.keyboard.type(name)
            page.keyboard.press("Enter")
            expect(page.get_by_test_id(f"edge-{names[other]}-{name}")).to_be_attached()
        to_canvas(page)
        choose_step(page, name)
        form_of(page, name)
        to_canvas(page)
        page.keyboard.press("Enter")
        fill_in(page, step, fill_by_keyboard, choose_by_keyboard)

    assert_is_quickstart(page, names)
    to_canvas(page)
    page.keyboard.press("Control+Enter")
    wait_for_state(page, "finished")
    expect(page.get_by_test_id("node-distiset-rows")).to_have_text("66 rows")
