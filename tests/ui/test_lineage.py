"""Why a row, what was asked, and two runs side by side, in a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.app.conftest import PIPELINE, RECORDINGS
from tests.flows.commands import wait_for
from tests.ui.browsing import ROOT, Watched
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-lineage")]
CALL = """async ([module, name, given]) => {
  const found = (await import(document.querySelector("link[rel=modulepreload]").href))[module];
  const place = document.body.appendChild(Object.assign(document.createElement("div"), { id: "looked-at" }));
  place.style.cssText = "position:fixed;inset:0;z-index:999;overflow:auto;background:var(--surface)";
  await found[name](place, given);
}"""


@pytest.fixture(scope="module")
def runs(site: Site) -> list[str]:
    """Two runs of the same pipeline, of which the second says something else."""
    folder = site.runs_dir.parent
    for name, recordings in (("look-1", RECORDINGS), ("look-2", RECORDINGS.replace('"bye"', '"farewell"'))):
        (folder / f"{name}.jsonl").write_text(recordings)
        pipeline = folder / f"{name}.yaml"
        pipeline.write_text(PIPELINE.replace("RECORDINGS", str(folder / f"{name}.jsonl")))
        command = [sys.executable, "-m", "flows.cli", "run", str(pipeline), "--run-id", name, "--no-prefect"]
        done = subprocess.run(
            [*command, "--runs-dir", str(site.runs_dir)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 3, done.stderr
    return ["look-1", "look-2"]


@pytest.fixture
def page(site: Site, chromium: Any) -> Iterator[Page]:
    watched = Watched()
    found = watched.watch(chromium.new_page(viewport={"width": 1280, "height": 900}))
    found.goto(f"{site.url}/?place=data&run=look-2")
    yield found
    assert watched.wrong == []
    assert found.evaluate("window.hacked") is None
    found.close()


def test_a_row_shows_its_way_with_prompt_and_reply_by_keyboard(runs: list[str], page: Page) -> None:
    page.evaluate(CALL, ["why", "drawWhy", {"run": runs[1], "part": "default / train", "index": 1}])
    steps = page.get_by_test_id("why").locator("> li")

    expect(steps).to_have_count(3)
    expect(steps.nth(1)).to_contain_text("replayed, no request")
    page.get_by_role("button", name="Prompt of answer").focus()
    page.keyboard.press("Enter")
    expect(steps.nth(1)).to_contain_text("Say <b>bye</b>")
    page.get_by_role("button", name="Reply of answer").press("Enter")
    expect(steps.nth(1).locator(".df-why-texts")).to_have_text("farewell")


def test_a_row_that_is_not_there_is_said_in_words(runs: list[str], page: Page) -> None:
    page.evaluate(CALL, ["why", "drawWhy", {"run": runs[1], "part": "default / train", "index": 1}])
    page.evaluate(CALL, ["why", "drawWhy", {"run": runs[1], "part": "default / test", "index": 0}])
    expect(page.locator("#looked-at").last).to_contain_text("Nothing is known of the rows of 'default / test'.")


def test_prompts_and_replies_of_a_step_are_a_tab_below_the_graph(runs: list[str], site: Site, page: Page) -> None:
    page.goto(f"{site.url}/?place=run&run={runs[1]}&step=answer")
    page.get_by_test_id("tab-asked").click()
    expect(page.get_by_test_id("asked").locator("> li")).to_have_count(2)
    expect(page.get_by_test_id("asked")).to_contain_text("farewell")


def test_two_runs_stand_side_by_side_and_can_be_filtered(runs: list[str], page: Page) -> None:
    page.evaluate(CALL, ["compare", "drawCompare", {"a": runs[0], "b": runs[1]}])
    found = page.get_by_test_id("compare")

    expect(page.get_by_test_id("only-changed")).to_have_attribute("aria-pressed", "true")
    expect(found.locator("dd.before").first).to_contain_text("bye")
    expect(found.locator("dd.after").first).to_contain_text("farewell")
    page.get_by_test_id("only-same").press("Enter")
    expect(found.locator("li.df-compare-row")).to_have_count(1)
    expect(page.get_by_test_id("only-same")).to_be_focused()


def test_a_run_is_paused_and_goes_on_from_the_page(site: Site, page: Page, tmp_path: Path) -> None:
    page.goto(f"{site.url}/?place=gallery")
    pipeline = tmp_path / "slow.yaml"
    pipeline.write_text((site.runs_dir.parent / "examples" / "slow.yaml").read_text())
    command = [sys.executable, "-m", "flows.cli", "run", str(pipeline), "--run-id", "pausing", "--no-prefect"]
    process = subprocess.Popen(
        [*command, "--runs-dir", str(site.runs_dir)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for((site.runs_dir / "pausing" / "run.json").exists)
        page.goto(f"{site.url}/?place=run&run=pausing")
        page.get_by_test_id("pause").click()
        expect(page.locator("#run-title")).to_contain_text("Paused", timeout=15_000)
        elapsed = page.get_by_test_id("fact-elapsed")
        standing = elapsed.text_content() or ""
        page.wait_for_timeout(2500)
        assert elapsed.text_content() == standing  # a pause is no work
        page.reload()
        expect(page.locator("#run-title")).to_contain_text("Paused", timeout=15_000)
        assert elapsed.text_content() == standing
        page.get_by_test_id("resume").click()
        expect(page.locator("#run-title")).to_contain_text("Running", timeout=15_000)
        page.get_by_test_id("stop").click()
        expect(page.locator("#run-title")).to_contain_text("Stopped", timeout=60_000)
    finally:
        process.terminate()
        process.wait(30)
