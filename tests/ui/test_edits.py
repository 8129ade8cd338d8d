"""Edits, clicks and answers that overtake each other: none is lost, and none is done twice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.acting import (
    LATE_EVENTS,
    LATE_MS,
    field,
    open_example,
    start,
    wait_for_state,
)
from tests.ui.browsing import Watched
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-edits")]


@pytest.mark.smoke
def test_no_answer_of_the_server_is_lost(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")

    answered = page.evaluate(CLICKS_BETWEEN_ANSWERS)

    assert answered == 40


CLICKS_BETWEEN_ANSWERS = """async () => {
    const page = await import(document.querySelector("link[rel=modulepreload]").href);
    const { get, on } = page;
    const { change } = page;
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const names = get("build").steps.map((card) => card.name);
    let first = 0;
    let answers = 0;
    on("build", (view) => {
        if (!view.answers) return;
        first ||= view.answers;
        answers = view.answers - first + 1;
    });
    for (let click = 0; click < 40; click++) {
        change({ do: "select", step: names[(click + 1) % names.length] });
        for (let waited = 0; answers <= click && waited < 5000; waited += 5) await pause(5);
        await pause(Math.random() * 60);  // into the moment in which Gradio closes the stream of the answer
    }
    return answers;
}"""


def test_the_form_of_the_last_step_cannot_be_typed_into_while_the_next_one_comes(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    expect(field(page, "with-data-files")).to_be_visible()
    slow = {"offline": False, "latency": 1500, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)

    page.locator("#build-main").get_by_test_id("node-judge").click()

    expect(page.locator("#step-form")).to_have_attribute("aria-busy", "true", timeout=500)
    expect(field(page, "with-aspect")).to_be_visible()


def test_steps_are_walked_faster_than_the_server_answers(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    expect(page.locator("#step-head h2")).to_have_text("load")

    for _ in range(5):
        page.keyboard.press("j")

    expect(field(page, "with-aspect")).to_be_visible()
    expect(page.locator("#step-head h2")).to_have_text("judge")


def test_the_page_works_on_after_the_connection_was_lost(page: Page, site: Site, watched: Watched) -> None:
    open_example(page, site, "quickstart")
    page.context.set_offline(True)
    page.locator("#build-main").get_by_test_id("node-judge").click()
    expect(page.get_by_text("Connection to the server was lost")).to_be_visible()

    page.context.set_offline(False)
    expect(page.get_by_text("Connection to the server was lost")).not_to_be_visible()
    watched.wrong.clear()  # styles that Gradio could not load meanwhile
    page.locator("#build-main").get_by_test_id("node-judge").click()

    expect(field(page, "with-aspect")).to_be_visible()


@pytest.mark.smoke
def test_an_edit_made_right_before_the_run_counts(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-load").click()
    field(page, "with-num-examples").fill("4")

    run = start(page)

    wait_for_state(page, "finished")
    expect(page.get_by_test_id("fact-rows")).to_contain_text("4")
    assert "num_examples: 4" in (site.runs_dir / run / "pipeline.yaml").read_text()


def test_an_edit_counts_when_the_one_before_it_has_just_been_saved(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", "(event) => event.data?.[0] === 'Shortly: {{ instruction }}'"))
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-answer_1").click()
    field(page, "with-system-prompt").fill("Be brief.")
    field(page, "with-template").fill("Shortly: {{ instruction }}")
    expect(page.get_by_role("button", name=re.compile("^Undo: System prompt of answer_1"))).to_be_visible()

    run = start(page)

    wait_for_state(page, "finished")
    written = (site.runs_dir / run / "pipeline.yaml").read_text()
    assert "Be brief." in written
    assert "Shortly: {{ instruction }}" in written


def test_a_run_waits_for_an_undo_that_is_under_way(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", "(event) => event.event_data?.do === 'undo'"))
    open_example(page, site, "quickstart")
    field(page, "with-num-examples").fill("3")
    field(page, "with-num-examples").press("Tab")
    page.get_by_role("button", name=re.compile("^Undo: Number of examples of load")).click()

    run = start(page)

    wait_for_state(page, "finished")
    assert "num_examples" not in (site.runs_dir / run / "pipeline.yaml").read_text()


@pytest.mark.smoke
@pytest.mark.parametrize("edit", ["", "4"], ids=["at-once", "after-an-edit"])
def test_clicks_in_the_same_moment_start_one_run(page: Page, site: Site, edit: str) -> None:
    open_example(page, site, "quickstart")
    rows = field(page, "with-num-examples")
    if edit:
        rows.fill(edit)
    before = set(site.runs_dir.glob("quickstart-*"))

    why = page.evaluate("""() => {
      for (const id of ["run", "run", "run", "rehearse"]) document.querySelector(`#build-${id}`).click();
      return document.querySelector("#build-run").title;
    }""")

    assert why == "Starting the run"
    page.wait_for_url(re.compile(r"run="))
    wait_for_state(page, "finished")
    assert len(set(site.runs_dir.glob("quickstart-*")) - before) == 1
    page.get_by_test_id("place-build").first.click()
    start(page)  # and another click another one
    page.wait_for_url(re.compile("place=run"))  # Build keeps the run before in its address
    assert len(set(site.runs_dir.glob("quickstart-*")) - before) == 2


def test_where_no_run_can_be_started_none_is_opened_and_another_click_starts_one(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    start(page)
    wait_for_state(page, "finished")
    page.get_by_test_id("place-build").first.click()
    aside = site.runs_dir.with_name("aside")
    site.runs_dir.rename(aside)
    site.runs_dir.touch()  # no folder of a run can be made there
    try:
        page.locator("#build-run").click()
        expect(page.locator("#build-notice")).to_contain_text("cannot")
        expect(page.locator("#build-run")).not_to_have_attribute("aria-disabled", "true")
        expect(page.get_by_test_id("canvas")).to_be_visible()
        assert "place=build" in page.url
    finally:
        site.runs_dir.unlink()
        aside.rename(site.runs_dir)

    start(page)
    wait_for_state(page, "finished")


def test_a_form_that_comes_late_takes_nothing_away(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", "(event) => event.event_data?.form"))
    open_example(page, site, "quickstart")
    field(page, "with-num-examples").fill("4")
    page.wait_for_timeout(2 * LATE_MS)

    run = start(page)

    wait_for_state(page, "finished")
    assert "num_examples: 4" in (site.runs_dir / run / "pipeline.yaml").read_text()
