"""Runs in a real browser: watched, stopped, gone on with, tried again, and what they made."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from tests.fakes.openai_server import Fault, Rule
from tests.ui.acting import (
    field,
    open_example,
    start,
    wait_for_state,
)
from tests.ui.browsing import Watched
from tests.ui.conftest import LANDLORD, Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-run")]


@pytest.mark.smoke
def test_a_run_is_watched_through_reload_and_second_tab_stopped_kept_and_downloaded(
    page: Page, site: Site, watched: Watched, tmp_path: Path
) -> None:
    open_example(page, site, "slow")
    start(page)
    wait_for_state(page, "running")
    page.locator("#run-body").get_by_test_id("node-answer").click()
    expect(page.locator(".df-drawer").get_by_test_id("row").first).to_be_visible()
    expect(page.locator("#run-body").get_by_test_id("node-answer")).to_contain_text(re.compile(r"\d+ / 66|\d+ rows"))

    page.reload()
    wait_for_state(page, "running")
    before = page.locator(".df-drawer .df-tabs").inner_text()
    expect(page.locator(".df-drawer").get_by_test_id("row").first).to_be_visible()
    expect(page.locator(".df-drawer .df-tabs")).not_to_have_text(before)

    second = watched.watch(page.context.new_page())
    second.goto(page.url)
    expect(second.locator(".df-drawer").get_by_test_id("row").first).to_be_visible()
    second.locator("#run-stop").click()
    page.bring_to_front()
    wait_for_state(page, "stopped")
    expect(page.locator("#run-title")).to_contain_text("Stopped")
    second.close()

    page.locator("#run-result").click()
    expect(page.locator("#data-main").get_by_test_id("row").first).to_contain_text("echo:")
    page.get_by_test_id("tab-quarantine").click()
    expect(page.get_by_test_id("quarantine-detail")).to_contain_text("landlord")
    page.locator("#data-download").click()
    with page.expect_download() as waiting:
        page.get_by_test_id("download-zip").click()
    waiting.value.save_as(tmp_path / "result.zip")
    with zipfile.ZipFile(tmp_path / "result.zip") as archive:
        assert any(name.endswith(".parquet") for name in archive.namelist())


@pytest.mark.smoke
def test_rows_in_quarantine_are_tried_again_alone(page: Page, site: Site) -> None:
    open_example(page, site, "slow")
    page.locator("#build-main").get_by_test_id("node-load").click()
    field(page, "with-num-examples").fill("4")
    run = start(page)
    wait_for_state(page, "finished")
    page.goto(f"{site.url}/?place=data&run={run}&tab=quarantine")
    with site.faults():
        page.get_by_role("button", name="Retry 1 row").click()
        page.wait_for_url(re.compile("place=run"))
        expect(page.get_by_test_id("fact-rows")).to_contain_text("4", timeout=60_000)


def test_rows_of_one_reason_are_tried_again_and_the_others_stay(page: Page, site: Site) -> None:
    open_example(page, site, "slow")
    page.locator("#build-main").get_by_test_id("node-load").click()
    field(page, "with-num-examples").fill("4")
    with site.faults(LANDLORD, Rule("metal bench", Fault.CONTENT_FILTER)):
        run = start(page)
        wait_for_state(page, "finished")
    failed = Counter(line["code"] for line in RunFolder(site.runs_dir / run).quarantined())
    assert failed == {"context-too-long": 1, "content-filtered": 1}, site.fake.stats
    page.goto(f"{site.url}/?place=data&run={run}&tab=quarantine")
    expect(page.get_by_role("button", name="Retry all 2")).to_be_visible()
    page.get_by_test_id("quarantine").get_by_role("button", name=re.compile("Context too long")).click()
    with site.faults():
        page.get_by_test_id("quarantine-detail").get_by_role("button", name="Retry 1 row").click()
        page.wait_for_url(re.compile("place=run"))
        expect(page.get_by_test_id("fact-rows")).to_contain_text("3", timeout=60_000)
    page.goto(f"{site.url}/?place=data&run={run}&tab=quarantine")
    expect(page.get_by_test_id("quarantine-detail").get_by_role("heading").first).not_to_contain_text("Context too long")
    expect(page.get_by_role("button", name="Retry 1 row")).to_have_count(1)


def test_errors_open_on_a_step_that_has_some_and_its_rows_are_tried_again_from_the_run(page: Page, site: Site) -> None:
    open_example(page, site, "slow")
    page.locator("#build-main").get_by_test_id("node-load").click()
    field(page, "with-num-examples").fill("4")
    run = start(page)
    wait_for_state(page, "finished")
    page.goto(f"{site.url}/?place=run&run={run}&step=format")
    wait_for_state(page, "finished")
    drawer = page.locator("#run-body .df-drawer")
    expect(drawer.get_by_test_id("tab-errors")).to_have_text("Errors1")

    drawer.get_by_test_id("tab-errors").click()

    expect(drawer.locator(".df-drawer-head b")).to_have_text("answer")
    expect(drawer).to_contain_text("Context too long")
    with site.faults():
        drawer.get_by_role("button", name="Retry 1 row").click()
        expect(page.get_by_test_id("fact-rows")).to_contain_text("4", timeout=60_000)
    expect(page.get_by_role("button", name="Retry 1 row")).to_have_count(0)
    expect(drawer.get_by_test_id("tab-errors")).to_have_text("Errors")
    expect(page.locator("#run-body")).not_to_contain_text("Context too long")


def test_a_past_run_shows_its_own_states_where_a_class_is_missing_today(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    run = start(page)
    wait_for_state(page, "finished")
    pipeline = site.runs_dir / run / "pipeline.yaml"
    pipeline.write_text(pipeline.read_text().replace("use: KeepColumns", "use: AcmeKeep"))
    page.reload()
    wait_for_state(page, "finished")

    keep = page.locator("#run-body").get_by_test_id("node-keep")

    expect(keep).to_contain_text("66 rows")
    expect(keep).to_contain_text("not installed here")
    expect(keep).not_to_have_class(re.compile("is-problem"))
    expect(page.locator("#run-title h1")).to_have_attribute("title", run)
    expect(page.locator("#run-title h1")).to_contain_text(run.removeprefix("quickstart-"))


def test_a_rehearsal_says_that_it_is_one(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    start(page, "#build-rehearse")
    wait_for_state(page, "finished")

    expect(page.locator("#run-title")).to_contain_text("Rehearsal")
    page.goto(f"{site.url}/?place=run")
    expect(page.get_by_test_id("runs-table")).to_contain_text("Rehearsal")


def test_a_server_that_refuses_everybody_is_told_and_the_run_can_be_resumed(page: Page, site: Site) -> None:
    with site.faults(Rule("", Fault.UNAUTHORIZED)):
        open_example(page, site, "slow")
        start(page)
        wait_for_state(page, "failed")
        expect(page.get_by_test_id("run-failed")).to_contain_text(re.compile("401|key"))
    expect(page.locator("#run-resume")).to_be_visible()


def test_its_id_alone_opens_a_run(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    run = start(page)
    wait_for_state(page, "finished")

    page.goto(f"{site.url}/?run={run}")

    expect(page.locator("#run-title h1")).to_have_attribute("title", run)
    expect(page.locator("#run-body").get_by_test_id("node-distiset-rows")).to_have_text("66 rows")


def test_a_run_that_does_not_exist_is_told(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=run&run=nope-1")

    expect(page.locator("#run-body .df-callout")).to_contain_text("There is no run")


@pytest.mark.smoke
def test_hostile_rows_and_names_are_only_text(page: Page, site: Site) -> None:
    open_example(page, site, "hostile")
    page.locator("#build-preview").click()
    expect(page.locator("#build-drawer").get_by_test_id("row").first).to_contain_text("<script>")
    assert page.evaluate("window.hacked") is None
    run = start(page, "#build-rehearse")
    wait_for_state(page, "finished")
    for tab in ("rows", "card", "log"):
        page.goto(f"{site.url}/?place=data&run={run}&tab={tab}")
        expect(page.locator("#data-main .df-data-content > *").first).to_be_visible()
        page.wait_for_timeout(300)
        assert page.evaluate("window.hacked") is None
    page.goto(f"{site.url}/?place=data&run={run}")
    expect(page.locator("#data-main")).to_contain_text("<script>window.hacked = 1</script>")


def test_rows_are_paged_and_opened_whole(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    run = start(page)
    wait_for_state(page, "finished")
    page.goto(f"{site.url}/?place=data&run={run}")
    expect(page.get_by_test_id("pager")).to_have_text("1–50 of 66")
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_test_id("pager")).to_have_text("51–66 of 66")
    page.locator("#data-main").get_by_test_id("row").first.click()
    expect(page.locator(".df-sheet")).to_contain_text("Row 51")
    page.keyboard.press("j")
    expect(page.locator(".df-sheet")).to_contain_text("Row 52")
    page.keyboard.press("Escape")
    expect(page.locator(".df-sheet")).to_be_hidden()


def test_a_push_without_a_token_says_what_is_missing(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    run = start(page, "#build-rehearse")
    wait_for_state(page, "finished")
    page.goto(f"{site.url}/?place=data&run={run}")
    expect(page.get_by_test_id("rows-table")).to_be_visible()  # a push waits until somebody has looked
    page.locator("#data-push").click()
    expect(page.locator("#push-go")).to_have_text("Push 66 rows")
    field_of_name = page.locator("#push-repo input, #push-repo textarea").first
    expect(field_of_name).to_be_focused()
    field_of_name.fill("me/data")
    page.locator("#push-go").click()

    expect(page.get_by_test_id("push-failed")).to_contain_text("token")


def test_an_ended_run_is_run_again_and_its_pipeline_opened(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    first = start(page)
    expect(page.get_by_test_id("again")).to_be_hidden()
    wait_for_state(page, "finished")
    before = set(site.runs_dir.iterdir())

    page.evaluate("for (let times = 3; times; times--) document.querySelector('#run-again').click()")

    page.wait_for_url(lambda url: "run=quickstart" in url and first not in url)
    wait_for_state(page, "finished")
    assert len(set(site.runs_dir.iterdir()) - before) == 1
    page.locator(".df-side").get_by_role("button", name="quickstart").click()
    page.wait_for_url(re.compile("place=build"))
    expect(page.locator("#build-title h1")).to_have_text("quickstart")


def test_the_pipeline_of_a_run_opens_as_it_ran_where_none_of_its_name_is_kept(page: Page, site: Site) -> None:
    text = "name: elsewhere\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{a: 1}]}}\n"
    spec = site.runs_dir.parent / "elsewhere.yaml"
    spec.write_text(text)
    command = [sys.executable, "-m", "flows.cli", "run", str(spec), "--run-id", "elsewhere-1", "--no-prefect"]
    subprocess.run([*command, "--runs-dir", str(site.runs_dir)], check=True, capture_output=True)
    page.goto(f"{site.url}/?place=run&run=elsewhere-1")

    page.locator(".df-side").get_by_role("button", name="elsewhere").click()

    expect(page.locator("#build-title h1")).to_have_text("elsewhere")
    expect(page.locator("#build-main").get_by_test_id("node-load")).to_be_visible()


def test_a_run_that_came_to_fewer_rows_than_a_step_wants_says_so_and_what_to_do(page: Page, site: Site) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": "a"}]}}
    until = {"name": "until", "use": "GenerateUntil", "after": "load", "with": {"num_rows": 5, "max_rounds": 2}}
    run = run_inline(plan(spec_from({"distilflow": 1, "steps": [load, until]})[0]), site.runs_dir)

    page.goto(f"{site.url}/?place=run&run={run.run_id}")

    expect(page.locator("#run-title")).to_contain_text("Finished, with fewer rows")
    expect(page.get_by_test_id("run-fell-short")).to_contain_text("Step until: 2 of 5 rows, and the source has no more.")
    expect(page.get_by_test_id("run-fell-short")).to_contain_text("Loosen what counts")
