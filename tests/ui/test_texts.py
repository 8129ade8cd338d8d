"""The pipeline as YAML and as Python, and the panel of the selected step."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows.spec.python import from_python
from tests.ui.acting import LOOKS, field, open_example
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-texts")]


LOOP = """\
    for column in ["score"]:
        KeepColumns(name=f"only_{column}", columns=[column])
"""


def rewrite(page: Page, language: str, old: str, new: str) -> None:
    """Replace a part of the text in the editor, as pasting the whole does."""
    text = saved(page, language)
    assert old in text
    write(page, language, text.replace(old, new))


def write(page: Page, language: str, text: str) -> None:
    page.locator(f"#{language}-code .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def saved(page: Page, language: str) -> str:
    with page.expect_download() as download:
        page.get_by_test_id(f"{language}-download").click()
    path = download.value.path()
    assert download.value.suggested_filename == f"quickstart.{'py' if language == 'python' else 'yaml'}"
    return path.read_text()


def spec_of(page: Page) -> Any:
    return page.evaluate("window.distilflow.graph()")


@pytest.mark.smoke
def test_yaml_is_applied_after_a_look_at_what_it_changes_and_undone_at_once(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("view-yaml").click()
    expect(page.get_by_test_id("yaml")).to_be_visible()
    expect(page.get_by_test_id("yaml-apply")).to_have_attribute("aria-disabled", "true")
    rewrite(page, "yaml", "aspect: overall-rating", "aspect: honesty\n      num_generations: 2")

    panel = page.get_by_test_id("yaml-changes-list")
    expect(page.get_by_role("heading", name="2 changes")).to_be_visible()
    expect(panel).to_contain_text("aspect overall-rating to honesty")
    page.get_by_test_id("yaml-changes").click()
    diff = page.get_by_test_id("yaml-diff")
    expect(diff.locator("tr.is-removed")).to_have_text(re.compile(r"-\s*aspect: overall-rating"))
    expect(diff.locator("tr.is-added")).to_have_count(2)
    expect(diff.locator("tr.is-fold").first).to_contain_text("load … group, 5 steps unchanged")
    assert spec_of(page)["steps"][5]["with"]["aspect"] == "overall-rating"

    page.get_by_test_id("yaml-apply").click()

    expect(page.locator("#yaml-state")).to_contain_text("applied")
    expect(page.locator("#yaml-code .cm-content")).to_be_visible()
    assert spec_of(page)["steps"][5]["with"]["aspect"] == "honesty"
    page.locator("#build-title h1").click()
    page.keyboard.press("Control+z")
    page.wait_for_function("window.distilflow.graph().steps[5].with.aspect === 'overall-rating'")
    expect(page.get_by_role("button", name="Nothing to undo")).to_be_visible()


@pytest.mark.smoke
def test_python_is_written_read_and_applied_like_yaml(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("view-python").click()
    code = saved(page, "python")
    assert from_python(code).names() == [step["name"] for step in spec_of(page)["steps"]]
    links = "    load >> [answer_1, answer_2, answer_3]"
    assert links in code
    loop = code.replace(links, f"{LOOP}{links}")
    write(page, "python", loop)

    expect(page.get_by_role("heading", name="1 change")).to_be_visible()
    expect(page.get_by_test_id("python-changes-list")).to_contain_text("added: KeepColumns")
    expect(page.get_by_test_id("python-changes-list")).to_contain_text("problem made")
    page.get_by_test_id("python-apply").click()

    page.wait_for_function("window.distilflow.graph().steps.some((step) => step.name === 'only_score')")
    expect(page.locator("#python-code")).not_to_contain_text("for column in")
    page.get_by_test_id("view-yaml").click()
    assert "only_score" in saved(page, "yaml")
    assert saved(page, "yaml").startswith("# Preference data")


@pytest.mark.parametrize(
    ("language", "text", "where"),
    [("yaml", "steps:\n  - name: [\n", "line 3"), ("python", "import subprocess\n", "line 1, column 1")],
)
def test_a_text_that_is_no_pipeline_says_where_and_stays_without_being_applied(
    page: Page, site: Site, language: str, text: str, where: str
) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id(f"view-{language}").click()
    before = spec_of(page)
    write(page, language, text)

    expect(page.get_by_role("heading", name="Not a pipeline yet")).to_be_visible()
    expect(page.get_by_test_id(f"{language}-problem")).to_contain_text(where)
    apply = page.get_by_test_id(f"{language}-apply")
    expect(apply).to_have_attribute("aria-disabled", "true")
    apply.click(force=True)
    page.get_by_test_id("view-canvas").click()
    page.get_by_role("button", name=re.compile("^Open the")).click()
    expect(page.locator(f"#{language}-code")).to_contain_text(text.split("\n")[0])
    assert spec_of(page) == before

    page.get_by_test_id(f"{language}-discard").click()
    expect(page.locator(f"#{language}-code")).to_contain_text("quickstart")


@pytest.mark.smoke
def test_a_mistake_is_marked_at_its_line_and_its_list_leads_there(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("view-yaml").click()
    rewrite(page, "yaml", "use: UltraFeedback", "use: UltraFeedbak")
    marks = page.locator("#yaml-code .df-line-marks i")
    expect(marks).to_have_count(1)
    line = page.locator("#yaml-code .cm-line", has_text="UltraFeedbak")
    there, marked = line.bounding_box(), marks.bounding_box()
    assert there
    assert marked
    assert abs(there["y"] - marked["y"]) < 2

    page.keyboard.press("Control+Home")
    page.locator("#yaml-state summary").click()
    page.get_by_test_id("yaml-problem").get_by_role("button", name="Line 32").click()

    expect(page.get_by_test_id("yaml-problem")).to_be_hidden()
    expect(page.locator("#yaml-code .cm-content")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.insert_text("ck")
    expect(marks).to_have_count(0)
    expect(page.locator("#yaml-code .cm-content")).to_contain_text("use: UltraFeedback")


def test_nothing_takes_away_what_an_editor_holds(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("view-yaml").click()
    rewrite(page, "yaml", "overall-rating", "honesty")
    expect(page.get_by_role("heading", name="1 change")).to_be_visible()

    page.get_by_test_id("view-python").click()
    expect(page.get_by_test_id("python-apply")).to_have_attribute("title", "The YAML has changes that are not applied")
    page.get_by_test_id("view-canvas").click()
    page.get_by_test_id("node-keep").click()
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    expect(page.locator("#step-head h2")).to_have_text("keep")

    page.get_by_test_id("view-yaml").click()
    expect(page.get_by_role("heading", name="1 change")).to_be_visible()
    page.get_by_test_id("yaml-apply").click()
    page.wait_for_function("window.distilflow.graph().steps[5].with.aspect === 'honesty'")
    assert spec_of(page)["steps"][7]["name"] == "keep"


def test_the_text_can_be_copied(page: Page, site: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_example(page, site, "quickstart")
    page.get_by_test_id("view-python").click()
    page.get_by_test_id("python-copy").click()

    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('from flows import Pipeline'))")


# ---- the panel


def test_a_form_says_what_its_step_takes_and_makes_and_where_its_method_comes_from(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    head = page.locator("#step-head")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    expect(head).to_contain_text("Makes +ratings +rationales")
    expect(head.get_by_role("link", name=re.compile("Boosting Language Models"))).to_have_attribute(
        "href", "https://arxiv.org/abs/2310.01377"
    )

    page.locator("#build-main").get_by_test_id("node-format_dpo").click()
    expect(head).to_contain_text("Needs instruction generations ratings")
    expect(head).to_contain_text("Can use system_prompt generation_models")
    expect(head.get_by_role("link")).to_have_count(0)


def test_the_palette_says_so_before_a_step_is_added(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    expect(page.get_by_test_id("palette-FormatKTO")).to_have_attribute(
        "title", re.compile("Can use system_prompt.*KTO: Model", re.S)
    )

    page.locator("#build-main").get_by_test_id("node-answer_1").click()
    page.keyboard.press("a")
    page.keyboard.type("formatkto")
    detail = page.locator(".df-commands-detail")
    expect(detail).to_contain_text("Can use")
    expect(detail.get_by_role("link", name=re.compile("KTO: Model Alignment"))).to_be_visible()


def test_the_panel_shows_the_form_the_documentation_and_the_rows_of_a_step(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    expect(field(page, "with-aspect")).to_be_visible()

    page.get_by_test_id("tab-docs").click()
    docs = page.get_by_test_id("docs-UltraFeedback")
    expect(docs.get_by_role("link", name=re.compile("Boosting Language Models"))).to_have_attribute(
        "href", "https://arxiv.org/abs/2310.01377"
    )
    expect(docs).to_contain_text("from steps.tasks import UltraFeedback")
    expect(docs).to_contain_text("max_repairs")
    expect(page.get_by_test_id("docs-ReplayLLM")).to_be_visible()
    expect(page.locator("#step-form")).to_be_hidden()
    assert "tab=docs" in page.url

    page.get_by_test_id("tab-rows").click()
    page.locator("#step-rows").get_by_role("button", name="Run this step on 5 rows").click()
    expect(page.locator("#step-rows .df-row-cards > li")).to_have_count(5)
    expect(page.get_by_test_id("tab-rows")).to_have_text("Rows5")
    expect(page.locator("#step-rows dt").first).to_have_text("ratings")

    page.get_by_test_id("tab-rows").press("ArrowRight")
    expect(page.get_by_test_id("tab-step")).to_be_focused()
    expect(field(page, "with-aspect")).to_be_visible()


def test_a_step_is_renamed_where_its_name_stands(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    expect(page.locator("#step-head h2")).to_have_text("judge")

    page.get_by_test_id("rename-step").click()
    name = page.get_by_test_id("rename-field")
    expect(name).to_be_focused()
    name.fill("group")
    name.press("Enter")
    expect(page.locator("#rename-wrong")).to_contain_text("There is a step group already")
    expect(name).to_have_value("group")
    name.fill("rate it")
    name.press("Enter")
    expect(page.locator("#rename-wrong")).to_contain_text("letters, digits")
    name.fill("rate")
    name.press("Enter")

    expect(page.locator("#step-head h2")).to_have_text("rate")
    page.wait_for_function("window.distilflow.graph().steps[6].after[0] === 'rate'")
    page.get_by_test_id("rename-step").click()
    page.keyboard.type("unwanted")
    page.keyboard.press("Escape")
    expect(page.locator("#step-head h2")).to_have_text("rate")


def test_the_key_of_the_canvas_renames_in_the_panel(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-load").click()
    expect(page.locator("#step-head h2")).to_have_text("load")
    page.keyboard.press("F2")

    expect(page.get_by_test_id("rename-field")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_docs_and_rows_can_be_read(page: Page, site: Site, scheme: str) -> None:
    page.add_init_script(f"localStorage.setItem('distilflow-theme', {scheme!r})")
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    found = {}
    page.get_by_test_id("tab-docs").click()
    expect(page.get_by_test_id("docs-ReplayLLM")).to_be_visible()
    found["docs"] = page.evaluate(LOOKS)
    page.get_by_test_id("tab-rows").click()
    page.locator("#step-rows").get_by_role("button", name="Run this step on 5 rows").click()
    expect(page.locator("#step-rows .df-row-cards > li")).to_have_count(5)
    found["rows"] = page.evaluate(LOOKS)
    page.get_by_test_id("view-yaml").click()
    rewrite(page, "yaml", "aspect: overall-rating", "aspect: nonsense")
    expect(page.get_by_test_id("yaml-changes-list")).to_contain_text("1 problem made")
    page.get_by_test_id("yaml-changes").click()
    expect(page.get_by_test_id("yaml-diff")).to_be_visible()
    found["changes"] = page.evaluate(LOOKS)

    assert {view: wrong for view, wrong in found.items() if wrong} == {}
