"""The canvas in a real browser: a pipeline is built, changed and taken back, by mouse and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows.spec import read_spec
from tests.ui.conftest import Site
from tests.ui.test_app import open_example

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


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


def test_what_a_search_finds_begins_with_names_and_knows_columns(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    search = page.get_by_test_id("palette-search")
    found = page.locator(".df-palette-item")

    search.fill("ultra")
    expect(found.first).to_have_attribute("data-step", "UltraFeedback")
    search.fill("ratings")
    expect(found.first).to_have_attribute("data-step", "UltraFeedback")
    search.fill("nothing like it")
    expect(page.get_by_text("Nothing has this name")).to_be_visible()


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
