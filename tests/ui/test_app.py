"""The app in a real browser: build, run, watch, stop, look, download; by mouse and by keyboard."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.openai_server import Fault, Rule
from tests.ui.browsing import Watched
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
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


# ---- build


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


def type_into_yaml(page: Page, text: str) -> None:
    page.get_by_test_id("view-yaml").click()
    page.locator("#yaml-code .cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)
    expect(page.locator("#yaml-state")).to_contain_text("not applied yet")


def test_changes_of_the_yaml_are_not_lost_by_looking_elsewhere(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    type_into_yaml(page, "# mine")

    page.get_by_test_id("view-outline").click()
    page.locator("#build-main").get_by_test_id("node-judge").click()
    expect(field(page, "with-aspect")).to_be_visible()

    expect(page.locator("#build-run")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Open the YAML").click()
    expect(page.locator("#yaml-code")).to_contain_text("# mine")


def test_many_tabs_of_one_browser_are_served(page: Page, site: Site) -> None:
    tabs = [page, *(page.context.new_page() for _ in range(7))]  # a browser has six connections for all of them

    for tab in tabs:
        tab.goto(f"{site.url}/?place=gallery")
        expect(tab.get_by_test_id("example-quickstart")).to_be_visible()


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
    assert len(set(site.runs_dir.glob("quickstart-*")) - before) == 2


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


def test_a_form_that_comes_late_takes_nothing_away(page: Page, site: Site) -> None:
    page.add_init_script(LATE_EVENTS.replace("IS_LATE", "(event) => event.event_data?.form"))
    open_example(page, site, "quickstart")
    field(page, "with-num-examples").fill("4")
    page.wait_for_timeout(2 * LATE_MS)

    run = start(page)

    wait_for_state(page, "finished")
    assert "num_examples: 4" in (site.runs_dir / run / "pipeline.yaml").read_text()


def test_the_draft_survives_a_reload(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    page.locator("#field-with-aspect input").click()
    page.get_by_role("option", name="honesty").click()
    expect(page.get_by_role("button", name=re.compile("^Undo: Aspect"))).to_be_visible()

    page.goto(site.url)

    expect(page.locator("#build-main").get_by_test_id("node-judge")).to_contain_text("honesty")


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
    page.get_by_role("option", name="OpenAILLM").click()

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


def import_text(page: Page, site: Site, text: str) -> None:
    page.goto(f"{site.url}/?place=build")
    page.get_by_role("button", name="Import YAML").click()
    page.locator("#import-text").fill(text)
    page.locator("#import-open").click()
    expect(page.get_by_test_id("canvas")).to_be_visible()
    page.get_by_test_id("view-outline").click()


UNMAPPED = """\
name: unmapped
steps:
  - {name: load, use: LoadDataFromDicts, with: {data: [{question: "Why?", "<b>id</b>": 1}]}}
  - {name: answer, use: TextGeneration, after: load}
  - {name: judge, use: UltraFeedback, after: answer}
"""


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


# ---- run


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


def test_rows_in_quarantine_are_tried_again_alone(page: Page, site: Site) -> None:
    open_example(page, site, "slow")
    page.locator("#build-main").get_by_test_id("node-load").click()
    field(page, "with-num-examples").fill("4")
    run = start(page)
    wait_for_state(page, "finished")
    page.goto(f"{site.url}/?place=data&run={run}&tab=quarantine")
    rules = site.fake.behaviour
    site.fake.behaviour = type(rules)(rules=[])
    try:
        page.get_by_role("button", name="Retry 1 row").click()
        page.wait_for_url(re.compile("place=run"))
        expect(page.get_by_test_id("fact-rows")).to_contain_text("4", timeout=60_000)
    finally:
        site.fake.behaviour = rules


def test_rows_of_one_reason_are_tried_again_and_the_others_stay(page: Page, site: Site) -> None:
    open_example(page, site, "slow")
    page.locator("#build-main").get_by_test_id("node-load").click()
    field(page, "with-num-examples").fill("4")
    rules = site.fake.behaviour
    site.fake.behaviour = type(rules)(rules=[*rules.rules, Rule("metal bench", Fault.CONTENT_FILTER)])
    try:
        run = start(page)
        wait_for_state(page, "finished")
        page.goto(f"{site.url}/?place=data&run={run}&tab=quarantine")
        expect(page.get_by_role("button", name="Retry all 2")).to_be_visible()
        page.get_by_test_id("quarantine").get_by_role("button", name=re.compile("Context too long")).click()
        site.fake.behaviour = type(rules)(rules=[])
        page.get_by_test_id("quarantine-detail").get_by_role("button", name="Retry 1 row").click()
        page.wait_for_url(re.compile("place=run"))
        expect(page.get_by_test_id("fact-rows")).to_contain_text("3", timeout=60_000)
    finally:
        site.fake.behaviour = rules
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
    rules = site.fake.behaviour
    site.fake.behaviour = type(rules)(rules=[])
    try:
        drawer.get_by_role("button", name="Retry 1 row").click()
        expect(page.get_by_test_id("fact-rows")).to_contain_text("4", timeout=60_000)
    finally:
        site.fake.behaviour = rules
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

    expect(keep).to_contain_text("66 / 66")
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
    rules = site.fake.behaviour
    site.fake.behaviour = type(rules)(rules=[Rule("", Fault.UNAUTHORIZED)])
    try:
        open_example(page, site, "slow")
        start(page)
        wait_for_state(page, "failed")
        expect(page.get_by_test_id("run-failed")).to_contain_text(re.compile("401|key"))
    finally:
        site.fake.behaviour = rules
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


# ---- data


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


# ---- all of it


def test_the_page_comes_up_every_time(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    for _ in range(12):
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1280, 390])
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
