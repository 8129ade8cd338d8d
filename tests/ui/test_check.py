"""Whether the models of a pipeline can be asked, as the Build place tells it, in a real browser."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.ui.acting import in_every_look
from tests.ui.browsing import Watched, serving
from tests.ui.conftest import Site
from tests.ui.test_accessibility import serious

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-check")]

GOOD, REFUSED = "answers-well", "wants-another-key"


def pipeline(**addresses: str) -> str:
    """A step for each of these models, by address, and one whose replies are made up."""
    load = "- {name: load, use: LoadDataFromDicts, with: {data: [{instruction: Why?}]}}"
    llms = {
        **{name: f"{{use: OpenAILLM, model: {name}, base_url: '{url}/v1'}}" for name, url in addresses.items()},
        "rehearsed": "{use: RehearsalLLM}",
    }
    steps = [f"- {{name: ask-{name}, use: TextGeneration, after: load, with: {{llm: {llm}}}}}" for name, llm in llms.items()]
    return "name: checked\nsteps:\n" + "\n".join([load, *steps]) + "\n"


def unused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """A server that answers, one that refuses the key, and none."""
    strict = FakeOpenAI(Behaviour(rules=[Rule("", Fault.UNAUTHORIZED)]))
    with running(FakeOpenAI(Behaviour(latency_s=0.05))) as good, running(strict) as refusing:
        yield {GOOD: good, REFUSED: refusing, "gone": unused_url()}


def open_pipeline(page: Page, site: Site, text: str) -> None:
    site.pipelines_dir.mkdir(exist_ok=True)
    (site.pipelines_dir / "checked.yaml").write_text(text)
    page.goto(f"{site.url}/?pipeline=checked")
    expect(page.locator("#build-title h1")).to_have_text("checked")


def told(page: Page, model: str) -> Any:
    return page.get_by_test_id(f"check-{model}")


@pytest.mark.smoke
def test_each_model_is_told_with_what_to_do_and_marked_at_its_step(page: Page, site: Site, urls: dict[str, str]) -> None:
    open_pipeline(page, site, pipeline(**urls))
    page.get_by_test_id("check-models").click()

    dialog = page.get_by_role("dialog", name="Check models")
    expect(dialog).to_contain_text("2 of 3 models cannot be asked")
    expect(told(page, GOOD)).to_contain_text(re.compile(r"Answers.*0\.\d\d s.*free", re.DOTALL))
    expect(told(page, REFUSED)).to_contain_text("Set $OPENAI_API_KEY to a key that may use this model")
    expect(told(page, REFUSED).get_by_role("listitem")).to_have_text(["Reachable", "Key refused", "Model not tried"])
    expect(told(page, "gone")).to_contain_text("Start the server, or correct base_url")
    expect(page.get_by_test_id("checks")).not_to_contain_text("rehears")
    page.keyboard.press("Escape")

    expect(page.get_by_test_id("check-models")).to_be_focused()
    expect(page.get_by_test_id(f"node-ask-{GOOD}-state")).to_contain_text("Answers")
    expect(page.get_by_test_id(f"node-ask-{REFUSED}-state")).to_contain_text("Key refused")
    expect(page.get_by_test_id("node-ask-gone-state")).to_contain_text("Not reachable")
    expect(page.get_by_test_id("node-ask-rehearsed-state")).not_to_contain_text("Answers")


def test_the_keyboard_checks_and_goes_to_the_step(page: Page, site: Site, urls: dict[str, str]) -> None:
    open_pipeline(page, site, pipeline(**urls))
    page.keyboard.press("m")
    expect(told(page, REFUSED)).to_be_visible()
    page.get_by_test_id("check-again").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("check-again")).not_to_have_attribute("aria-disabled", "true")
    expect(page.get_by_test_id("check-again")).to_be_focused()
    told(page, REFUSED).get_by_role("button", name=f"ask-{REFUSED}").press("Enter")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#step-head h2")).to_have_text(f"ask-{REFUSED}")


def test_the_command_palette_checks_and_a_change_takes_the_marks_away(page: Page, site: Site, urls: dict[str, str]) -> None:
    open_pipeline(page, site, pipeline(**{GOOD: urls[GOOD]}))
    page.keyboard.press("Control+k")
    page.keyboard.type("check models")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("The model answers")
    page.keyboard.press("Escape")
    page.locator("#build-main").get_by_test_id("node-load").click()
    expect(page.get_by_test_id("check-models")).to_have_text("The model answers")
    page.keyboard.press("Control+d")

    expect(page.get_by_test_id("check-models")).to_have_text("Check models")
    expect(page.get_by_test_id(f"node-ask-{GOOD}-state")).not_to_contain_text("Answers")


def test_without_a_model_that_costs_something_there_is_nothing_to_check(page: Page, site: Site) -> None:
    open_pipeline(
        page, site, "name: checked\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{instruction: a}]}}\n"
    )
    expect(page.get_by_test_id("estimate")).to_be_visible()
    expect(page.get_by_test_id("check-models")).to_have_count(0)


def test_a_public_server_asks_no_model_for_strangers(page: Page, tmp_path: Path, urls: dict[str, str]) -> None:
    fake = FakeOpenAI()
    with running(fake) as url, serving(tmp_path / "runs", "--inline", "--public") as address:
        page.goto(f"{address}/?place=build")
        page.locator("#build-import").click()
        page.locator("#import-text").fill(pipeline(**{GOOD: url}))
        page.locator("#import-open").click()
        page.get_by_test_id("check-models").click()

        expect(page.get_by_role("dialog", name="Check models")).to_contain_text(
            "on this server, which is open to everybody, no model is asked"
        )
    assert fake.stats.requests == 0


@in_every_look
def test_the_dialog_and_its_marks_are_accessible(
    chromium: Any, watched: Watched, site: Site, urls: dict[str, str], width: int, scheme: Any
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    context.set_default_timeout(20_000)
    try:
        page = watched.watch(context.new_page())
        open_pipeline(page, site, pipeline(**urls))
        page.get_by_test_id("check-models").click()
        expect(told(page, GOOD)).to_be_visible()
        found = {"dialog": serious(page)}
        assert page.evaluate("document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth")
        page.keyboard.press("Escape")
        found["marks"] = serious(page)
    finally:
        context.close()

    assert {moment: wrong for moment, wrong in found.items() if wrong} == {}
