"""A pipeline is opened, changed, checked and imported in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.acting import (
    LOOKS,
    UNMAPPED,
    field,
    import_text,
    open_example,
    type_into_yaml,
)
from tests.ui.browsing import Watched
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-build")]


def test_an_example_is_opened_changed_previewed_and_undone(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-load").click()
    rows = field(page, "with-num-examples")
    rows.fill("3")
    rows.press("Tab")
    expect(page.get_by_role("button", name=re.compile("^Undo: Number of examples of load"))).to_be_visible()

    page.locator("#build-preview").click()
    page.locator("#build-main").get_by_test_id("node-judge").click()
    expect(page.locator("#build-drawer").get_by_test_id("row")).to_have_count(3)
    expect(page.locator("#build-drawer")).to_contain_text("rationales")

    page.get_by_test_id("view-yaml").click()
    expect(page.locator("#yaml-code")).to_contain_text("num_examples: 3")
    page.locator("#build-title").click()
    page.keyboard.press("Control+z")
    expect(page.locator("#yaml-code")).not_to_contain_text("num_examples")


def test_changes_of_the_yaml_are_not_lost_by_looking_elsewhere(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    type_into_yaml(page, "# mine")

    page.get_by_test_id("view-outline").click()
    page.locator("#build-main").get_by_test_id("node-judge").click()
    expect(field(page, "with-aspect")).to_be_visible()

    expect(page.locator("#build-run")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Open the YAML").click()
    expect(page.locator("#yaml-code")).to_contain_text("# mine")


def test_the_draft_survives_a_reload(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    page.locator("#field-with-aspect input").click()
    page.get_by_role("option", name="honesty").click()
    expect(page.get_by_role("button", name=re.compile("^Undo: Aspect"))).to_be_visible()

    page.goto(site.url)

    expect(page.locator("#build-main").get_by_test_id("node-judge")).to_contain_text("honesty")


@pytest.mark.smoke
def test_yaml_is_checked_while_it_is_typed_and_problems_stop_the_run(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("view-yaml").click()
    page.locator("#yaml-code .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("name: mine\nsteps:\n  - name: load\n    use: LoadDataFromDict\n")
    expect(page.get_by_test_id("yaml-problem")).to_contain_text("LoadDataFromDicts")

    page.locator("#yaml-apply").click()
    page.get_by_test_id("view-outline").click()

    expect(page.locator("#build-outline .df-callout").first).to_contain_text("LoadDataFromDict")
    expect(page.locator("#build-run")).to_have_attribute("aria-disabled", "true")
    page.locator("#build-run").click(force=True)
    expect(page.locator("#build-title h1")).to_have_text("mine")


def test_another_model_shows_its_own_fields_and_never_asks_for_the_key(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    page.locator("#field-llm input").click()
    page.get_by_role("option", name="OpenAILLM", exact=True).click()

    expect(page.get_by_test_id("secret-with-llm-api-key")).to_contain_text("$OPENAI_API_KEY")
    expect(page.locator("#step-form input[type=password]")).to_have_count(0)
    field(page, "with-llm-model").fill("gpt-4o")
    field(page, "with-llm-model").press("Enter")
    expect(page.locator("#step-head")).to_contain_text("OPENAI_API_KEY")
    page.get_by_test_id("view-yaml").click()
    expect(page.locator("#yaml-code")).to_contain_text("model: gpt-4o")


def test_a_file_and_pasted_text_can_be_imported(page: Page, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("name: own\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{a: 1}]}}\n")
    page.goto(f"{site.url}/?place=gallery")
    page.locator("#gallery-import").click()
    page.locator("#import-file").set_input_files(path)
    expect(page.locator("#import-text")).to_have_value(re.compile("name: own"))
    page.locator("#import-open").click()

    expect(page.locator("#build-title h1")).to_have_text("own")


def test_a_new_pipeline_is_started_where_there_is_none(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=build")
    page.get_by_role("button", name="Blank canvas").click()

    expect(page.locator("#build-title h1")).to_have_text("untitled")
    expect(page.locator("#build-run")).to_have_attribute("aria-disabled", "true")
    page.get_by_test_id("palette-LoadDataFromDicts").dblclick()
    expect(page.get_by_test_id("node-load_data_from_dicts")).to_be_visible()


@pytest.mark.smoke
def test_pasted_rows_are_read_and_a_mistake_in_them_is_told_at_the_field_and_kept(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=build")
    page.get_by_role("button", name="Blank canvas").click()
    expect(page.locator("#build-title h1")).to_have_text("untitled")
    page.get_by_test_id("palette-LoadDataFromDicts").dblclick()
    expect(page.get_by_test_id("node-load_data_from_dicts")).to_be_visible()
    page.get_by_test_id("palette-TextGeneration").dblclick()
    expect(page.locator("#build-main").get_by_test_id("node-text_generation")).to_be_visible()
    node = page.locator("#build-main").get_by_test_id("node-load_data_from_dicts")
    node.click()
    rows = field(page, "with-data")
    assert '{"instruction":' in (rows.get_attribute("placeholder") or "")
    wrong = '{"instruction": "Why?"}\n{"instruction": "How?}'
    rows.fill(wrong)
    rows.blur()

    told = page.get_by_test_id("wrong-with-data")
    expect(told).to_contain_text("Data, line 2")
    expect(told).to_contain_text("Close it with a double quote")
    expect(rows).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#build-run")).to_have_attribute("aria-disabled", "true")
    page.locator("#build-main").get_by_test_id("node-text_generation").click()
    expect(told).to_be_hidden()
    node.click()
    expect(field(page, "with-data")).to_have_value(wrong)  # what was typed is there again
    expect(told).to_contain_text("Data, line 2")

    field(page, "with-data").fill("instruction,topic\nWhy?,light\nHow?,sound\n")
    field(page, "with-data").blur()

    expect(told).to_be_hidden()
    expect(page.locator("#build-run")).not_to_have_attribute("aria-disabled", "true")
    assert page.evaluate("window.distilflow.graph().steps[0].with.data") == [
        {"instruction": "Why?", "topic": "light"},
        {"instruction": "How?", "topic": "sound"},
    ]
    field(page, "with-data").fill("[{'instruction': 'Why?'}]")
    field(page, "with-data").blur()
    told.get_by_role("button", name="Take the last value back").click()
    expect(told).to_be_hidden()
    expect(field(page, "with-data")).to_have_value(re.compile('{"instruction": "Why.", "topic": "light"}'))


@pytest.mark.smoke
def test_a_missing_column_is_mapped_from_its_callout_and_that_can_be_undone(page: Page, site: Site) -> None:
    import_text(page, site, UNMAPPED)
    outline = page.locator("#build-outline")
    expect(outline.get_by_test_id("problem-missing-column")).to_have_count(3)
    expect(outline).not_to_contain_text("input_mappings")

    outline.get_by_role("button", name="Use question for instruction").first.click()

    expect(outline.locator("[data-item=answer]").get_by_test_id("problem-missing-column")).to_have_count(0)
    expect(page.locator("#step-head h2")).to_have_text("answer")
    page.get_by_role("button", name="Undo: question as instruction of answer (Ctrl Z)").click()
    expect(outline.locator("[data-item=answer]").get_by_test_id("problem-missing-column")).to_have_count(1)


def test_no_column_is_mapped_while_the_yaml_has_changes_that_are_not_applied(page: Page, site: Site) -> None:
    import_text(page, site, UNMAPPED)
    use = page.locator("#build-main").get_by_role("button", name="Use question for instruction").first
    expect(use).to_be_enabled()
    type_into_yaml(page, "# mine")
    page.get_by_test_id("view-outline").click()

    expect(use).to_be_disabled()
    use.click(force=True)

    page.get_by_test_id("view-yaml").click()
    expect(page.locator("#yaml-code")).to_contain_text("# mine")
    page.locator("#yaml-discard").click()
    page.get_by_test_id("view-outline").click()
    expect(use).to_be_enabled()


def test_a_column_of_a_source_is_renamed_in_its_form(page: Page, site: Site) -> None:
    import_text(page, site, UNMAPPED)
    expect(page.locator("#step-head h2")).to_have_text("load")
    expect(page.locator("#step-form")).to_have_attribute("aria-busy", "false")
    page.get_by_role("button", name="Column mapping").click()
    name = page.get_by_label("Name for question")
    name.fill("instruction")
    name.press("Enter")

    expect(page.locator("#build-main").get_by_test_id("problem-missing-column")).to_have_count(1)
    expect(page.locator("#build-main").get_by_test_id("node-load")).to_contain_text("+instruction")
    expect(page.locator("#step-form")).to_contain_text("Name for <b>id</b>")


def test_all_problems_of_the_yaml_can_be_listed(page: Page, site: Site) -> None:
    import_text(page, site, UNMAPPED)
    page.get_by_test_id("view-yaml").click()
    expect(page.locator("#yaml-state")).to_contain_text("3 problems")
    problems = page.get_by_test_id("yaml-problem")
    expect(problems).to_be_hidden()

    page.locator("#yaml-state summary").click()

    expect(problems.locator("li")).to_have_count(3)
    expect(problems.locator("li").last).to_be_visible()
    expect(problems.locator("li").first).to_contain_text("output_mappings")
    gutter, editor = page.locator("#yaml-code .cm-gutters").bounding_box(), page.locator("#yaml-code").bounding_box()
    assert gutter is not None
    assert editor is not None
    assert gutter["y"] + gutter["height"] >= editor["y"] + editor["height"] - 1


def unreadable(page: Page) -> list[str]:
    return [wrong for wrong in page.evaluate(LOOKS) if wrong.startswith("contrast")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_buttons_that_cannot_act_can_be_read_with_the_mouse_and_the_focus_on_them(
    chromium: Any, watched: Watched, site: Site, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 844}, color_scheme=scheme)
    context.set_default_timeout(20_000)
    page = watched.watch(context.new_page())
    try:
        import_text(page, site, UNMAPPED)
        page.get_by_test_id("view-yaml").click()
        page.locator("#yaml-code .cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.insert_text("\ndescription: changed\n")
        page.locator("#yaml-apply:not([aria-disabled])").click()
        expect(page.locator("#yaml-apply")).to_have_attribute("aria-disabled", "true")
        found = {"right after the click": unreadable(page)}
        for button in ("yaml-apply", "yaml-discard", "build-run", "build-rehearse"):
            expect(page.locator(f"#{button}")).to_have_attribute("aria-disabled", "true")
            page.locator(f"#{button}").hover()
            found[f"mouse on {button}"] = unreadable(page)
            page.locator(f"#{button}").focus()
            found[f"focus on {button}"] = unreadable(page)
            page.mouse.down()
            found[f"{button} pressed"] = unreadable(page)
            page.mouse.up()
    finally:
        context.close()

    assert {moment: wrong for moment, wrong in found.items() if wrong} == {}


def test_a_phone_shows_the_outline_in_place_of_the_editor(page: Page, site: Site) -> None:
    import_text(page, site, UNMAPPED)
    page.get_by_test_id("view-yaml").click()
    expect(page.locator("#yaml-apply")).to_be_visible()

    page.set_viewport_size({"width": 420, "height": 844})

    expect(page.locator("#yaml-apply")).to_be_hidden()
    expect(page.locator("#yaml-discard")).to_be_hidden()
    expect(page.locator("#build-main").get_by_test_id("node-load")).to_be_visible()
    expect(page.get_by_text("Read only")).to_be_visible()
