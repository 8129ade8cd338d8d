"""Whoever types fast loses nothing: not the focus, not a key, and no key goes where it was not meant to go."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.acting import LATE_EVENTS, open_example, wait_for_state
from tests.ui.conftest import Site
from tests.ui.test_acceptance import tab_to

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-keyboard")]

CHOICE = "(event) => event.event_data?.do === 'choose-model'"
FORM = "(event) => event.event_data?.form"
ARROWS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Shift+ArrowRight")
KEYS = ("Enter", "Tab", "Shift+Tab", "Escape", "Delete", "Home", "End", "Control+a", *ARROWS)


def spec_of(page: Page, step: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("(name) => window.distilflow.graph().steps.find((step) => step.name === name)", step)
    return found


def entry(page: Page, field: str) -> Any:
    return page.locator(f"#field-{field} input, #field-{field} textarea").first


def go_to_step(page: Page, step: str) -> None:
    page.get_by_test_id(f"node-{step}").click()
    expect(page.locator(f"#step-form[aria-busy=false] [data-step={step}]")).to_have_count(1)


def open_form(page: Page, site: Site, field: str) -> None:
    """The quickstart, with the focus in a field of the step `judge`."""
    open_example(page, site, "quickstart")
    go_to_step(page, "judge")
    page.keyboard.press("Enter")
    tab_to(page, field)


def type_all(page: Page, *keys: str) -> None:
    """Type without looking: a word at a time, or a key by its name."""
    for key in keys:
        if key in KEYS:
            page.keyboard.press(key)
        else:
            page.keyboard.type(key)


def acted(page: Page) -> None:
    """Wait until every key has reached what it was meant for."""
    page.wait_for_function("!window.distilflow.isKeeping()")
    page.wait_for_function("window.distilflowEdits().unanswered === 0")


# ---- typing on while the form is made anew


@pytest.mark.smoke
@pytest.mark.parametrize("late", ["", CHOICE, FORM], ids=["at-once", "late-answer", "late-form"])
def test_what_is_typed_right_after_the_choice_of_a_model_is_in_its_fields(page: Page, site: Site, late: str) -> None:
    if late:
        page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({late})(event)"))
    open_form(page, site, "llm")
    page.evaluate("window.isLate = true")

    type_all(page, "Control+a", "OpenAILLM", "Enter", "Tab", "gpt-4o x", "Tab", "http://localhost/v1", "Shift+Tab")
    acted(page)

    expect(entry(page, "with-llm-model")).to_be_focused()
    expect(entry(page, "with-llm-model")).to_have_value("gpt-4o x")
    assert spec_of(page, "judge")["with"]["llm"] == {"use": "OpenAILLM", "model": "gpt-4o x", "base_url": "http://localhost/v1"}


def test_what_is_pasted_while_the_form_is_made_is_in_its_field(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)"))
    open_form(page, site, "llm")
    page.evaluate("window.isLate = true")

    type_all(page, "Control+a", "OpenAILLM", "Enter", "Tab")
    expect(page.locator("#type-ahead")).to_be_focused()
    page.keyboard.insert_text("gpt-4o")
    page.keyboard.press("Tab")
    acted(page)

    assert spec_of(page, "judge")["with"]["llm"] == {"use": "OpenAILLM", "model": "gpt-4o"}


def test_what_is_composed_while_the_form_is_made_is_in_its_field_once(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)"))
    open_form(page, site, "llm")
    page.evaluate("window.isLate = true")

    type_all(page, "Control+a", "OpenAILLM", "Enter", "Tab")
    expect(page.locator("#type-ahead")).to_be_focused()
    keyboard = page.context.new_cdp_session(page)
    for text in ("k", "か", "かn", "かんj", "かんじ"):
        keyboard.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    keyboard.send("Input.insertText", {"text": "漢字"})
    type_all(page, "-4o", "Tab")
    acted(page)

    assert spec_of(page, "judge")["with"]["llm"] == {"use": "OpenAILLM", "model": "漢字-4o"}


def test_keys_of_the_caret_that_are_typed_ahead_move_it(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)"))
    open_form(page, site, "llm")
    page.evaluate("window.isLate = true")

    type_all(page, "Control+a", "OpenAILLM", "Enter", "Tab", "gpt-4o")
    type_all(page, "Home", "x", "ArrowRight", "Shift+ArrowRight", "y", "End", "z", "ArrowLeft", "w")
    expect(page.locator("#type-ahead")).to_be_focused()
    acted(page)

    expect(entry(page, "with-llm-model")).to_have_value("xgyt-4owz")


def test_arrows_that_are_typed_ahead_choose_in_a_drop_down(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)"))
    open_form(page, site, "llm")
    page.evaluate("window.isLate = true")

    type_all(page, "Control+a", "OpenAILLM", "Enter", "Shift+Tab", "Shift+Tab", "ArrowDown", "Enter")
    expect(page.locator("#type-ahead")).to_be_focused()
    acted(page)

    expect(entry(page, "with-aspect")).to_be_focused()
    assert spec_of(page, "judge")["with"]["aspect"] == "helpfulness"


def test_the_focus_is_where_it_was_after_the_form_is_made_anew(page: Page, site: Site) -> None:
    open_form(page, site, "llm")

    type_all(page, "Control+a", "OpenAILLM", "Enter")
    expect(page.locator("#field-with-llm-model")).to_be_attached()
    acted(page)

    expect(entry(page, "llm")).to_be_focused()
    expect(entry(page, "llm")).to_have_value("OpenAILLM")
    expect(entry(page, "llm")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#step-form").get_by_role("option")).to_have_count(0)


def test_no_shortcut_of_the_canvas_acts_on_what_is_typed_while_the_form_is_made(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)"))
    open_form(page, site, "llm")
    steps = page.evaluate("window.distilflow.graph().steps.map((step) => step.name)")
    page.evaluate("window.isLate = true")

    type_all(page, "Control+a", "OpenAILLM", "Enter", "Tab", "/act?pjk1r", "Delete")
    acted(page)

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(entry(page, "with-llm-model")).to_have_value("/act?pjk1r")
    expect(entry(page, "with-llm-model")).to_be_focused()
    expect(page.locator("#step-head h2")).to_have_text("judge")
    assert page.evaluate("window.distilflow.graph().steps.map((step) => step.name)") == steps
    assert "canvas" not in page.evaluate("window.distilflow.graph()")


def test_enter_on_the_canvas_leads_into_the_form_that_is_still_made(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)"))
    open_example(page, site, "quickstart")
    go_to_step(page, "group")
    page.evaluate("window.isLate = true")

    type_all(page, "/", "TextGeneration", "Enter", "Escape", "Enter", "Ask politely", "Tab")
    acted(page)

    assert spec_of(page, "text_generation")["with"] == {"system_prompt": "Ask politely"}
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_form_that_never_comes_keeps_nobody_in_it(page: Page, site: Site) -> None:
    never = LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)").replace("setTimeout", "void")
    page.add_init_script(never)
    open_form(page, site, "llm")
    page.evaluate("window.isLate = true")
    type_all(page, "Control+a", "OpenAILLM", "Enter", "Tab", "a")
    expect(page.locator("#type-ahead")).to_be_focused()

    page.wait_for_function("!window.distilflow.isKeeping()")
    page.keyboard.press("Tab")

    expect(page.locator(".df-brand")).to_be_focused()  # the first place of the page
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_click_elsewhere_takes_the_focus_along_and_loses_nothing(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", f"(event) => window.isLate && ({FORM})(event)"))
    open_form(page, site, "llm")
    page.evaluate("window.isLate = true")
    type_all(page, "Control+a", "OpenAILLM", "Enter", "Tab", "gpt-4o")

    page.get_by_test_id("palette-search").click()
    page.keyboard.type("keep")
    acted(page)

    expect(page.get_by_test_id("palette-search")).to_be_focused()
    expect(page.get_by_test_id("palette-search")).to_have_value("keep")
    page.wait_for_function("window.distilflow.graph().steps.find((step) => step.name === 'judge').with.llm.model === 'gpt-4o'")


def test_a_step_added_from_the_palette_takes_the_focus(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    type_all(page, "/", "TruncateTextColumn", "Enter")

    expect(page.get_by_test_id("canvas").get_by_test_id("node-truncate_text_column")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_test_id("commands-search")).to_be_focused()


# ---- drop-downs


@pytest.mark.smoke
@pytest.mark.parametrize("is_by_mouse", [False, True], ids=["keyboard", "mouse"])
def test_a_choice_keeps_the_focus_and_the_list_opens_again(page: Page, site: Site, is_by_mouse: bool) -> None:
    open_form(page, site, "with-aspect")
    aspect = entry(page, "with-aspect")
    if is_by_mouse:
        page.get_by_role("option", name="honesty").click()
    else:
        type_all(page, "Control+a", "honesty", "Enter")
    acted(page)

    expect(aspect).to_be_focused()
    expect(aspect).to_have_value("honesty")
    expect(page.get_by_role("option")).to_have_count(0)
    assert spec_of(page, "judge")["with"]["aspect"] == "honesty"
    aspect.click()
    expect(page.get_by_role("option", name="honesty")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="honesty")).to_be_visible()


def test_letters_after_a_choice_stay_in_the_drop_down(page: Page, site: Site) -> None:
    open_form(page, site, "with-aspect")

    type_all(page, "Control+a", "honesty", "Enter", "/act?p")
    acted(page)

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(entry(page, "with-aspect")).to_be_focused()
    assert spec_of(page, "judge")["with"]["aspect"] == "honesty"


def test_tab_takes_what_was_typed_into_a_drop_down(page: Page, site: Site) -> None:
    open_form(page, site, "with-aspect")

    type_all(page, "Control+a", "honest", "Tab")
    acted(page)

    expect(page.locator("#form-llm > button")).to_be_focused()
    assert spec_of(page, "judge")["with"]["aspect"] == "honesty"


@pytest.mark.parametrize(
    ("keys", "aspect"),
    [(("ArrowDown", "ArrowDown"), "truthfulness"), (("Control+a", "t", "ArrowDown"), "truthfulness")],
    ids=["arrows", "typed-then-arrow"],
)
def test_arrows_choose_in_a_drop_down(page: Page, site: Site, keys: tuple[str, ...], aspect: str) -> None:
    open_form(page, site, "with-aspect")

    type_all(page, *keys, "Enter")
    acted(page)

    expect(entry(page, "with-aspect")).to_have_value(aspect)
    assert spec_of(page, "judge")["with"]["aspect"] == aspect


@pytest.mark.smoke
@pytest.mark.parametrize(
    "typed", [(), ("Control+a", "Delete"), ("Control+a", "nothing like it")], ids=["nothing", "empty", "unknown"]
)
def test_tab_leaves_a_drop_down_as_it_was(page: Page, site: Site, typed: tuple[str, ...]) -> None:
    open_form(page, site, "with-aspect")
    before = spec_of(page, "judge")

    type_all(page, *typed, "Tab")
    acted(page)

    expect(page.locator("#form-llm > button")).to_be_focused()
    expect(entry(page, "with-aspect")).to_have_value("overall-rating")
    assert spec_of(page, "judge") == before


def test_of_several_names_the_one_that_was_typed_is_taken(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    go_to_step(page, "judge")
    page.locator("#form-pool > button").click()
    tab_to(page, "pool")

    type_all(page, "Control+a", "async", "Enter")  # "Automatic (async)" comes first in the list
    acted(page)

    assert spec_of(page, "judge")["pool"] == "async"


def test_a_list_that_was_left_stays_closed_and_the_next_form_is_made(page: Page, site: Site) -> None:
    """Gradio opened it again, and threw when another form had fewer choices at that place."""
    open_form(page, site, "llm")
    type_all(page, "RehearsalLLM", "Tab", "Tab")
    acted(page)

    expect(page.locator("#step-form [aria-expanded=true]")).to_have_count(0)
    expect(page.locator("#step-form").get_by_role("option")).to_have_count(0)
    for step in ("load", "format_dpo", "judge"):
        go_to_step(page, step)


# ---- from the form to the canvas, and to other places


@pytest.mark.smoke
def test_escape_leads_from_a_field_to_its_step(page: Page, site: Site) -> None:
    open_form(page, site, "with-aspect")

    page.keyboard.press("Escape")
    expect(entry(page, "with-aspect")).to_be_focused()  # the list was open
    page.keyboard.press("Escape")

    expect(page.get_by_test_id("node-judge")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_test_id("commands")).to_contain_text("Add after judge")


def do(page: Page, command: str) -> None:
    """A command by its name."""
    page.keyboard.press("Control+k")
    page.keyboard.type(command)
    expect(page.get_by_test_id("commands").get_by_role("option", selected=True)).to_contain_text(command)
    page.keyboard.press("Enter")


def tab_until(page: Page, target: Any) -> None:
    for _ in range(80):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("it cannot be reached by keyboard")


def test_a_run_is_started_stopped_resumed_and_its_result_pushed_by_keyboard_alone(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=gallery")
    card = page.get_by_test_id("example-slow")
    expect(card).to_be_visible()
    tab_until(page, card)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("node-answer")).to_be_visible()
    page.keyboard.press("Control+Enter")
    rows = page.get_by_test_id("run-canvas").get_by_test_id("node-answer-rows")
    expect(rows).to_have_text(re.compile("^[1-9]"))
    tab_until(page, page.locator("#run-stop"))
    page.keyboard.press("Enter")
    wait_for_state(page, "stopped")
    do(page, "Resume")
    wait_for_state(page, "finished")

    do(page, "Open the result")
    expect(page.get_by_test_id("rows-table")).to_be_visible()
    do(page, "Push to Hub")
    expect(page.locator("#push-repo input, #push-repo textarea").first).to_be_focused()
    page.keyboard.type("me/data")
    licence = page.locator("#push-license input")
    tab_until(page, licence)
    page.keyboard.type("mit")
    page.keyboard.press("Enter")
    page.wait_for_function("!window.distilflow.isKeeping()")
    expect(licence).to_be_focused()
    expect(page.get_by_test_id("push-checks")).to_contain_text("The card was looked at")
    tab_until(page, page.locator("#push-go"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("push-failed")).to_contain_text("token")

    page.keyboard.press("Escape")
    expect(page.locator("#push-panel")).to_be_hidden()
    expect(page.get_by_test_id("push")).to_be_focused()
