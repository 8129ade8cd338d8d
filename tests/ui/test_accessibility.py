"""What axe-core finds in every view: nothing serious, in light and in dark, wide and on a phone."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.acting import start, wait_for_state
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-accessibility")]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")


def serious(page: Page) -> list[str]:
    """Findings that keep people out, each with the first element that it was found at."""
    page.emulate_media(reduced_motion="reduce")  # a colour on its way to another is none that people read
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:160]} {[one['data'] for one in node['any']]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"][:3]
    ]


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.slow)])
def themed(request: pytest.FixtureRequest, page: Page) -> Page:
    page.add_init_script(f"localStorage.setItem('distilflow-theme', {request.param!r})")
    return page


@pytest.mark.smoke
def test_nothing_serious_where_pipelines_begin_and_are_built(themed: Page, site: Site) -> None:
    page, found = themed, {}
    page.goto(f"{site.url}/?place=gallery")
    expect(page.get_by_test_id("example-quickstart")).to_be_visible()
    found["gallery"] = serious(page)
    page.goto(f"{site.url}/?place=build")
    expect(page.get_by_text("Here you build a pipeline")).to_be_visible()
    found["empty"] = serious(page)
    page.goto(f"{site.url}/?place=build&pipeline=quickstart")
    page.get_by_test_id("node-judge").click()
    expect(page.locator("#step-head h2")).to_have_text("judge")
    expect(page.locator("#step-form[aria-busy=false]")).to_be_visible()
    expect(page.get_by_test_id("estimate")).to_contain_text("requests")
    found["canvas"] = serious(page)
    page.get_by_test_id("preview-step").click()
    expect(page.get_by_test_id("preview-rows").get_by_test_id("row").first).to_be_visible()
    found["preview"] = serious(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_test_id("commands-search")).to_be_focused()
    found["commands"] = serious(page)
    page.keyboard.press("Escape")
    for view in ("outline", "yaml", "python"):
        page.get_by_test_id(f"view-{view}").click()
        expect(page.locator(f"#build-{view}")).to_be_visible()
        found[view] = serious(page)

    assert {name: one for name, one in found.items() if one} == {}


def test_nothing_serious_where_runs_are_watched_and_results_read(themed: Page, site: Site) -> None:
    page, found = themed, {}
    page.goto(f"{site.url}/?place=build&pipeline=long")
    expect(page.get_by_test_id("node-answer")).to_be_visible()
    run = start(page)
    expect(page.get_by_test_id("node-answer-rows")).to_contain_text(re.compile(r"\d"))
    found["running"] = serious(page)
    page.get_by_test_id("stop").click()
    wait_for_state(page, "stopped")
    found["stopped"] = serious(page)
    for tab in ("errors", "log"):
        page.locator("#run-body").get_by_test_id(f"tab-{tab}").click()
        found[f"run {tab}"] = serious(page)
    page.goto(f"{site.url}/?place=run")
    expect(page.get_by_test_id("runs-table").first).to_be_visible()
    found["runs"] = serious(page)
    page.goto(f"{site.url}/?place=data&run={run}")
    expect(page.locator("#data-main").get_by_test_id("row").first).to_be_visible()
    found["rows"] = serious(page)
    page.locator("#data-main").get_by_test_id("row").first.click()
    expect(page.locator(".df-sheet h2")).to_be_visible()
    found["row"] = serious(page)
    for tab in ("quarantine", "card"):
        page.get_by_test_id(f"tab-{tab}").click()
        expect(page.get_by_test_id(f"tab-{tab}")).to_have_attribute("aria-selected", "true")
        found[tab] = serious(page)

    assert {name: one for name, one in found.items() if one} == {}


def test_nothing_serious_on_a_phone(themed: Page, site: Site) -> None:
    page, found = themed, {}
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site.url}/?place=build&pipeline=quickstart")
    expect(page.get_by_test_id("node-judge")).to_be_visible()
    found["build"] = serious(page)
    start(page, "#build-rehearse")
    wait_for_state(page, "finished")
    found["run"] = serious(page)
    page.goto(page.url.replace("place=run", "place=data"))
    expect(page.locator("#data-main").get_by_test_id("row").first).to_be_visible()
    found["data"] = serious(page)

    assert {name: one for name, one in found.items() if one} == {}
