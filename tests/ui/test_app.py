"""All of the app in a real browser: it comes up, helps, is reached by keyboard and can be read."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.acting import (
    LOOKS,
    in_every_look,
    open_example,
    start,
    wait_for_state,
)
from tests.ui.browsing import Watched
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-app")]


def test_many_tabs_of_one_browser_are_served(page: Page, site: Site) -> None:
    tabs = [page, *(page.context.new_page() for _ in range(7))]  # a browser has six connections for all of them

    for tab in tabs:
        tab.goto(f"{site.url}/?place=gallery")
        expect(tab.get_by_test_id("example-quickstart")).to_be_visible()


@pytest.mark.smoke
def test_the_page_comes_up_every_time(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    for _ in range(5):
        page.goto(f"{site.url}/?place=build")
        expect(page.locator("#build-main").get_by_test_id("node-judge")).to_be_visible()
        expect(page.locator("#step-form input").first).to_be_visible()


def test_the_help_says_how_it_works_and_gives_the_focus_back(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=gallery")
    page.locator("#help").click()
    expect(page.get_by_role("dialog")).to_contain_text("Rehearse runs all rows with made-up replies")
    expect(page.get_by_role("dialog")).to_contain_text("Try on 5 rows")

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#help")).to_be_focused()


def test_the_keyboard_alone_is_enough(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=gallery")
    card = page.get_by_test_id("example-quickstart")
    expect(card).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if card.evaluate("(element) => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    outline = page.locator("#build-main")
    expect(outline.get_by_test_id("node-load")).to_be_visible()
    page.keyboard.press("j")
    expect(outline.get_by_test_id("node-answer_1")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(outline.get_by_test_id("node-answer_2")).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator("#build-drawer").get_by_test_id("row").first).to_be_visible()
    page.keyboard.press("Control+Enter")
    wait_for_state(page, "finished")


@in_every_look
def test_every_place_can_be_read_and_reached(chromium: Any, watched: Watched, site: Site, scheme: str, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = watched.watch(context.new_page())
    try:
        open_example(page, site, "slow")
        page.locator("#build-main").get_by_test_id("node-answer").click()
        page.wait_for_timeout(700)
        found = {"build": page.evaluate(LOOKS)}
        page.locator("#build-preview").click()
        expect(page.locator("#build-drawer").get_by_test_id("row").first).to_be_visible()
        found["preview"] = page.evaluate(LOOKS)
        run = start(page)
        wait_for_state(page, "running")
        expect(page.locator(".df-drawer").get_by_test_id("row").first).to_be_visible()
        found["running"] = page.evaluate(LOOKS)
        page.locator("#run-stop").click()
        wait_for_state(page, "stopped")
        for address in (
            "gallery",
            "run",
            f"run&run={run}",
            *(f"data&run={run}&tab={tab}" for tab in ("", "quarantine", "card", "log")),
        ):
            page.goto(f"{site.url}/?place={address}")
            page.wait_for_timeout(800)
            found[address.replace(run, "RUN")] = page.evaluate(LOOKS)
    finally:
        context.close()

    assert {place: wrong for place, wrong in found.items() if wrong} == {}
