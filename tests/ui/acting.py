"""What tests of the page do again and again, and what they look with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Site

expect.set_options(timeout=20_000)

LATE_MS = 1500
LATE_EVENTS = """
const send = window.fetch.bind(window);
window.fetch = async (input, init) => {
  if (String(input.url ?? input).includes("/queue/join") && (IS_LATE)(JSON.parse(init.body))) {
    await new Promise((go) => setTimeout(go, LATE_MS));
  }
  return send(input, init);
};
""".replace("LATE_MS", str(LATE_MS))
"""Some events of a page reach the server late."""
in_every_look = pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1440, "light"),
        (390, "dark"),
        *(
            pytest.param(*look, marks=pytest.mark.slow)
            for look in [(1440, "dark"), (1280, "light"), (1280, "dark"), (390, "light")]
        ),
    ],
)
"""Window widths in pixels and colour schemes: two that differ in both, and with the slow tests all that there are."""
LOOKS = (Path(__file__).parent / "looks.js").read_text().partition("\n")[2].rstrip().rstrip(";")


def open_example(page: Page, site: Site, name: str) -> None:
    page.goto(f"{site.url}/?place=gallery")
    page.get_by_test_id(f"example-{name}").click()
    expect(page.locator("#build-title h1")).to_have_text(name)


def start(page: Page, button: str = "#build-run") -> str:
    """Run what is open; gives the run's id."""
    page.locator(button).click()
    page.wait_for_url(re.compile(r"run="))
    found = re.search(r"run=([^&]+)", page.url)
    assert found
    return found[1]


def wait_for_state(page: Page, *states: str) -> None:
    page.wait_for_function(
        "(states) => states.includes(document.documentElement.dataset.runState)", arg=list(states), timeout=60_000
    )


def field(page: Page, name: str) -> Any:
    expect(page.locator("#step-form")).to_have_attribute("aria-busy", "false")
    return page.locator(f"#field-{name} input, #field-{name} textarea").first


def import_text(page: Page, site: Site, text: str) -> None:
    page.goto(f"{site.url}/?place=build")
    page.get_by_role("button", name="Import YAML").click()
    page.locator("#import-text").fill(text)
    page.locator("#import-open").click()
    expect(page.get_by_test_id("canvas")).to_be_visible()
    page.get_by_test_id("view-outline").click()


def type_into_yaml(page: Page, text: str) -> None:
    page.get_by_test_id("view-yaml").click()
    page.locator("#yaml-code .cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)
    expect(page.locator("#yaml-state")).to_contain_text("not applied yet")


UNMAPPED = """\
name: unmapped
steps:
  - {name: load, use: LoadDataFromDicts, with: {data: [{question: "Why?", "<b>id</b>": 1}]}}
  - {name: answer, use: TextGeneration, after: load}
  - {name: judge, use: UltraFeedback, after: answer}
"""
