"""The canvas in a real browser: a pipeline is built, changed and taken back, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows.spec import read_spec
from tests.ui.acting import import_text, open_example, wait_for_state
from tests.ui.browsing import ROOT, Watched, serving
from tests.ui.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-canvas")]


def graph(page: Page) -> dict[str, list[str]]:
    """What each step comes after, as the page has it."""
    spec: dict[str, Any] = page.evaluate("window.distilflow.graph()")
    return {step["name"]: step.get("after", []) for step in spec["steps"]}


def start_empty(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=build")
    expect(page.get_by_text("Here you build a pipeline")).to_be_visible()
    expect(page.get_by_test_id("palette-TextGeneration")).to_be_visible()


def test_a_pipeline_is_built_by_mouse_from_nothing(page: Page, site: Site) -> None:
    start_empty(page, site)
    page.get_by_test_id("palette-LoadDataFromFileSystem").dblclick()
    expect(page.get_by_test_id("node-load_data_from_file_system")).to_be_visible()
    page.get_by_test_id("palette-TextGeneration").dblclick()
    expect(page.get_by_test_id("node-text_generation")).to_be_visible()
    page.get_by_test_id("node-load_data_from_file_system").click()
    expect(page.locator("#step-head h2")).to_have_text("load_data_from_file_system")
    page.get_by_test_id("palette-TextGeneration").dblclick()
    expect(page.get_by_test_id("node-text_generation_2")).to_be_visible()
    page.get_by_test_id("palette-GroupColumns").dblclick()
    expect(page.get_by_test_id("node-group_columns")).to_be_visible()

    assert graph(page) == {
        "load_data_from_file_system": [],
        "text_generation": ["load_data_from_file_system"],
        "text_generation_2": ["load_data_from_file_system"],
        "group_columns": ["text_generation_2"],
    }


def test_every_link_is_drawn_with_what_was_made(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")

    expect(page.locator(".react-flow__edge-path")).to_have_count(10)  # the last one leads to the result
    expect(page.get_by_test_id("edge-group-judge")).to_contain_text("+generations")


@pytest.mark.smoke
def test_steps_are_connected_by_dragging_and_taken_apart_again(page: Page, site: Site) -> None:
    test_a_pipeline_is_built_by_mouse_from_nothing(page, site)

    page.get_by_test_id("node-text_generation").locator(".react-flow__handle-right").drag_to(
        page.get_by_test_id("node-group_columns").locator(".react-flow__handle-left")
    )
    expect(page.get_by_role("button", name="Undo: connect text_generation to group_columns")).to_be_visible()
    assert graph(page)["group_columns"] == ["text_generation_2", "text_generation"]

    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Redo: connect text_generation to group_columns")).to_be_visible()
    assert graph(page)["group_columns"] == ["text_generation_2"]


def test_a_step_is_moved_and_stays_there_after_a_reload(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    node = page.get_by_test_id("node-judge")
    node.click()
    expect(page.locator("#step-head h2")).to_have_text("judge")
    before = node.bounding_box()
    assert before is not None
    page.mouse.move(before["x"] + 100, before["y"] + 20)
    page.mouse.down()
    page.mouse.move(before["x"] + 150, before["y"] + 90, steps=8)
    page.mouse.up()
    expect(page.get_by_role("button", name="Undo: move judge")).to_be_visible()
    moved = page.evaluate("window.distilflow.graph().canvas.positions.judge")

    page.reload()
    expect(page.get_by_test_id("node-judge")).to_be_visible()
    assert page.evaluate("window.distilflow.graph().canvas.positions.judge") == moved
    page.get_by_test_id("tidy").click()
    expect(page.get_by_role("button", name="Undo: tidy")).to_be_visible()
    assert "canvas" not in page.evaluate("window.distilflow.graph()")


def test_a_step_is_dragged_from_the_palette_to_its_place(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")

    page.get_by_test_id("palette-KeepColumns").drag_to(page.get_by_test_id("canvas"), target_position={"x": 300, "y": 620})

    expect(page.get_by_test_id("node-keep_columns")).to_be_visible()
    assert graph(page)["keep_columns"] == []


def test_everything_is_done_by_keyboard_alone(page: Page, site: Site) -> None:
    start_empty(page, site)
    for name, made in [
        ("loaddatafromfile", "load_data_from_file_system"),
        ("textgen", "text_generation"),
        ("keepcol", "keep_columns"),
    ]:
        page.keyboard.press("Escape")
        page.locator("body").press("/")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.get_by_test_id(f"node-{made}")).to_be_visible()
        page.keyboard.press("Escape")
    assert graph(page)["keep_columns"] == ["text_generation"]

    page.keyboard.press("ArrowLeft")
    expect(page.locator("#step-head h2")).to_have_text("text_generation")
    page.keyboard.press("Control+d")
    expect(page.get_by_test_id("node-text_generation_2")).to_be_visible()
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("node-text_generation_2")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("node-text_generation_2")).to_be_visible()


@pytest.mark.smoke
def test_the_foot_of_a_card_says_what_is_wrong_as_soon_as_it_is(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    foot = page.get_by_test_id("node-judge-state")
    expect(foot).to_contain_text("recorded replies")

    page.get_by_test_id("node-group").click()
    page.keyboard.press("Delete")
    expect(foot).to_contain_text("Unreachable step")

    page.keyboard.press("Control+z")
    expect(foot).to_contain_text("recorded replies")


@pytest.mark.smoke
def test_the_canvas_the_yaml_and_python_agree(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("node-keep").click()
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("node-keep")).to_have_count(0)

    drawn, _ = read_spec(page.evaluate("JSON.stringify(window.distilflow.graph())"))
    page.get_by_test_id("view-yaml").click()
    written, problems = read_spec("\n".join(page.locator("#yaml-code .cm-line").all_inner_texts()))

    assert not problems
    assert written == drawn
    assert "keep" not in drawn.names()


@pytest.mark.smoke
def test_what_a_search_finds_begins_with_names_and_knows_columns(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    search = page.get_by_test_id("palette-search")
    found = page.locator(".df-palette-item")

    search.fill("ultra")
    expect(found.first).to_have_attribute("data-step", "UltraFeedback")
    search.fill("ratings")
    expect(found.first).to_have_attribute("data-step", "UltraFeedback")
    search.fill("few-shot")
    expect(page.locator(".df-palette-item[data-step=PrepareExamples]")).to_be_visible()
    search.fill("zebra crossing")
    expect(page.get_by_text("Nothing has these words")).to_be_visible()


@pytest.mark.smoke
def test_two_steps_become_one_group_and_come_apart_again(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("node-answer_1").click()
    page.keyboard.down("Shift")
    page.wait_for_timeout(100)  # the canvas hears of the key in its next frame
    page.get_by_test_id("node-answer_2").click()
    page.keyboard.up("Shift")
    expect(page.locator(".react-flow__node.selected")).to_have_count(2)
    page.keyboard.press("Control+g")

    expect(page.get_by_test_id("node-group_2")).to_contain_text("Group of 2 steps")
    expect(page.get_by_test_id("node-answer_1")).to_have_count(0)
    page.get_by_test_id("node-group_2").dblclick()
    expect(page.get_by_test_id("node-answer_1")).to_be_visible()


def command(page: Page, *keys: str) -> None:
    """Keys pressed on the canvas, with nothing else in the way."""
    page.locator("body").press("Escape")
    for key in keys:
        page.locator("body").press(key)


def test_a_step_is_added_between_two_others_from_the_commands(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("node-judge").click()
    expect(page.locator("#step-head h2")).to_have_text("judge")

    command(page, "a")
    dialog = page.get_by_test_id("commands")
    expect(dialog).to_contain_text("Add after judge")
    page.keyboard.type("keepcol")
    expect(dialog.get_by_role("option").first).to_contain_text("Columns fit")
    page.keyboard.press("Enter")

    expect(page.get_by_test_id("node-keep_columns")).to_be_visible()
    assert (graph(page)["keep_columns"], graph(page)["format_dpo"]) == (["judge"], ["keep_columns"])
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("node-keep_columns")).to_have_count(0)
    assert graph(page)["format_dpo"] == ["judge"]


def test_what_can_follow_says_which_columns_are_missing(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("node-load").click()
    expect(page.locator("#step-head h2")).to_have_text("load")

    command(page, "a")
    page.keyboard.type("UltraFeedback")

    option = page.get_by_test_id("commands").get_by_role("option").first
    expect(option).to_contain_text("Map 1 column")
    expect(page.locator(".df-commands-detail .df-chip.miss")).to_have_text("generations")


def test_steps_are_connected_and_renamed_by_keyboard(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("node-load").click()
    expect(page.locator("#step-head h2")).to_have_text("load")

    command(page, "c")
    expect(page.get_by_test_id("commands")).to_contain_text("Connect load to")
    page.keyboard.type("judge")
    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Undo: connect load to judge")).to_be_visible()
    assert graph(page)["judge"] == ["group", "load"]


def test_everything_is_found_by_one_search(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.keyboard.press("Control+k")
    found = page.get_by_test_id("commands").get_by_role("option")

    page.keyboard.type("ratings")
    expect(found.first).to_contain_text("made by judge")
    page.keyboard.press("Control+a")
    page.keyboard.type("format_dpo")
    page.keyboard.press("Enter")
    expect(page.locator("#step-head h2")).to_have_text("format_dpo")
    page.keyboard.press("Control+k")
    page.keyboard.type("show the yaml")
    page.keyboard.press("Enter")
    expect(page.locator("#yaml-code")).to_be_visible()


def test_the_columns_of_a_link_open_as_a_list(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    link = page.get_by_test_id("edge-judge-format_dpo")

    link.get_by_role("button", name=re.compile("^Show all .* columns from judge")).click()

    columns = link.get_by_role("group", name="Columns from judge")
    expect(columns).to_contain_text("+rationales")
    expect(columns).to_contain_text("generation_models")
    page.keyboard.press("Escape")
    expect(columns).to_have_count(0)


def test_one_step_is_tried_where_it_stands(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("node-answer_2").click()
    expect(page.locator("#step-head h2")).to_have_text("answer_2")

    page.get_by_test_id("preview-step").click()

    expect(page.get_by_test_id("node-answer_2-rows")).to_have_text("5 rows")
    expect(page.get_by_test_id("preview-rows").get_by_test_id("row")).to_have_count(5)
    expect(page.get_by_test_id("node-load-rows")).to_have_text("5 rows")
    expect(page.get_by_test_id("node-judge-rows")).to_have_count(0)
    page.get_by_test_id("node-answer_1").click()
    expect(page.get_by_test_id("preview-rows")).to_contain_text("Only answer_2 and the steps before it were tried")


def test_what_a_run_would_take_is_told_before_it(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")

    expect(page.get_by_test_id("estimate")).to_contain_text("66 rows")
    expect(page.get_by_test_id("estimate")).to_contain_text("264 requests")
    page.get_by_role("button", name="How this is estimated").click()
    expect(page.get_by_role("dialog").get_by_role("row", name=re.compile("^judge"))).to_contain_text("66")


@pytest.fixture
def reusing(tmp_path: Path) -> Iterator[str]:
    """The app where new runs take over what earlier ones finished."""
    with serving(tmp_path / "runs", "--inline", "--reuse", "--examples", str(ROOT / "examples")) as url:
        yield url


def test_what_earlier_runs_have_done_is_told_before_the_next(page: Page, reusing: str) -> None:
    page.goto(f"{reusing}/?place=build&pipeline=quickstart")
    expect(page.get_by_test_id("estimate")).to_contain_text("66 rows")
    expect(page.get_by_test_id("taken-over")).to_be_hidden()
    page.get_by_test_id("run").click()
    wait_for_state(page, "finished")

    page.get_by_test_id("place-build").first.click()
    expect(page.get_by_test_id("taken-over")).to_have_text("All 8 steps done already")
    page.locator("#build-main").get_by_test_id("node-judge").click()
    page.locator("#field-with-aspect input").click()
    page.get_by_role("option", name="honesty").click()

    expect(page.get_by_test_id("taken-over")).to_have_text("5 of 8 steps done already")
    expect(page.locator("#build-main").get_by_test_id("node-judge")).to_contain_text("Out of date")


def test_a_run_is_watched_on_the_same_canvas(page: Page, site: Site) -> None:
    open_example(page, site, "slow")
    page.get_by_test_id("run").click()
    canvas = page.get_by_test_id("run-canvas")

    rows = canvas.get_by_test_id("node-answer-rows")
    expect(rows).to_have_text(re.compile(r"^[1-9]"))
    expect(canvas.locator(".is-flowing")).not_to_have_count(0)
    canvas.get_by_test_id("node-load").click()
    expect(page.locator("#run-body .df-drawer-head b").first).to_have_text("load")
    page.get_by_test_id("stop").click()

    wait_for_state(page, "stopped")
    expect(canvas.get_by_test_id("node-answer")).to_have_attribute("aria-label", re.compile("answer"))
    expect(canvas.get_by_test_id("node-answer-state")).to_contain_text("Stopped")
    page.get_by_test_id("resume").click()
    wait_for_state(page, "finished")
    expect(canvas.get_by_test_id("node-answer-rows")).to_have_text("66 rows")
    expect(canvas.get_by_test_id("node-distiset-rows")).to_have_text(re.compile("^6[0-9] rows$"))


COVERED = """(canvas) => {
  const box = (element) => element.getBoundingClientRect();
  const meets = (one, other, start, end) => one[start] < other[end] && other[start] < one[end];
  const touch = (one, other) => meets(one, other, "left", "right") && meets(one, other, "top", "bottom");
  const floating = [...document.querySelectorAll(`[data-testid=${canvas}] .react-flow__panel`)];
  const cards = [...document.querySelectorAll(`[data-testid=${canvas}] .react-flow__node`)];
  const frame = box(document.querySelector(`[data-testid=${canvas}]`));
  const names = (is) => cards.filter((card) => is(box(card))).map((card) => card.dataset.id);
  return {
    cards: cards.length,
    covered: names((card) => floating.some((one) => touch(card, box(one)))),
    outside: names((card) => card.top < frame.top || card.bottom > frame.bottom),
  };
}"""


@pytest.mark.parametrize("name", ["quickstart", "fan", "tall"])
def test_nothing_floats_over_a_card_in_a_short_window(page: Page, site: Site, name: str) -> None:
    branches = {"fan": 9, "tall": 3}.get(name, 0)
    if branches:
        cut = "  - {name: cut_AT, use: KeepColumns, after: load, with: {columns: [a]}}\n"
        steps = "".join(cut.replace("AT", str(at)) for at in range(branches))
        more = "  - {name: all, use: CombineOutputs, after: [cut_0, cut_1]}\n" if name == "tall" else ""
        load = "  - {name: load, use: LoadDataFromDicts, with: {data: [{a: text}]}}\n"
        site.pipelines_dir.mkdir(exist_ok=True)
        (site.pipelines_dir / f"{name}.yaml").write_text(f"distilflow: 1\nname: {name}\nsteps:\n{load}{steps}{more}")
    page.set_viewport_size({"width": 1280, "height": 640})
    page.goto(f"{site.url}/?place=build&pipeline={name}")
    expect(page.locator("#build-title h1")).to_have_text(name)
    expect(page.locator(".df-canvas .react-flow__node").first).to_be_visible()
    page.wait_for_timeout(500)

    for canvas in ("canvas", "run-canvas"):
        if canvas == "run-canvas":
            page.get_by_test_id("run").click()
            page.wait_for_url(re.compile("run="))
            expect(page.get_by_test_id("run-canvas").locator(".react-flow__node").first).to_be_visible()
            page.wait_for_timeout(500)
        seen = page.evaluate(COVERED, canvas)
        assert (seen["cards"] > 4, seen["covered"], seen["outside"]) == (True, [], [])


def test_a_change_that_got_lost_is_told_also_when_the_page_has_come_back(page: Page, site: Site, watched: Watched) -> None:
    open_example(page, site, "quickstart")
    page.get_by_test_id("node-judge").click()
    expect(page.locator("#step-head h2")).to_have_text("judge")
    page.route("**/queue/join*", lambda route: route.abort())

    page.keyboard.press("Delete")
    expect(page.locator("#build-notice")).to_contain_text("The server did not get")
    page.unroute("**/queue/join*")
    page.reload()  # as Gradio does by itself once the server answers again

    expect(page.locator("#build-notice")).to_contain_text("The server did not get")
    expect(page.get_by_test_id("node-judge")).to_be_visible()


@pytest.mark.smoke
def test_who_of_several_next_steps_gets_a_batch_is_chosen_and_shown(page: Page, site: Site) -> None:
    import_text(page, site, (ROOT / "examples" / "routing.yaml").read_text())
    page.get_by_test_id("view-canvas").click()
    page.get_by_test_id("node-load").click()
    expect(page.locator(".df-router")).to_have_text("2 of 3")
    router = page.locator("#field-router-use input")

    router.click()
    page.get_by_role("option", name="Every next step", exact=True).click()
    expect(page.locator(".df-router")).to_have_count(0)
    expect(page.locator("#step-form[aria-busy=false]")).to_contain_text("3 steps come next")

    router.click()
    page.get_by_role("option", name="sample_n_steps", exact=True).click()
    expect(page.locator(".df-router")).to_have_text("1 of 3")
    page.locator("#field-router-with-n input").fill("2")
    page.keyboard.press("Tab")
    expect(page.locator(".df-router")).to_have_text("2 of 3")
    assert page.evaluate("window.distilflow.graph().routing") == {"load": {"use": "sample_n_steps", "with": {"n": 2}}}
