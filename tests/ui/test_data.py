"""The Data place in a browser: rows asked for, edited, plotted, downloaded, and pushed to a Hub."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from flows.distiset.parts import by_hand
from flows.engine.events import StepProgress
from flows.engine.tally import Tally
from flows.runs import RunFolder, RunReport
from tests.fakes.hub import FakeHub
from tests.fakes.serving import running
from tests.ui.acting import in_every_look
from tests.ui.browsing import ROOT, Watched, serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-data")]

LOOKS = (ROOT / "tests" / "ui" / "looks.js").read_text()
ROWS = 130
HOSTILE = "<img src=x onerror='window.hacked = 1'>"


def rows() -> list[dict[str, Any]]:
    """Preference pairs: prompts of rising length, ratings from 1 to 5."""
    found = []
    for n in range(ROWS):
        prompt = f"Question {n}: " + "why is the sky blue? " * (n % 9 + 1)
        turns = [{"role": "user", "content": prompt}]
        found.append(
            {
                "prompt": HOSTILE if n == 7 else prompt,
                "chosen": [*turns, {"role": "assistant", "content": f"Because of air, says answer {n}."}],
                "rejected": [*turns, {"role": "assistant", "content": f"It is not, says answer {n}."}],
                "chosen_rating": 3 + n % 3,
                "rejected_rating": 1 + n % 2,
                "chosen_model": ("gpt-4o-mini", "Qwen3-8B")[n % 2],
                "score": n / 10,
                "topic": ("sky", "sea", "soil")[n % 3],
            }
        )
    return found


def make_run(runs_dir: Path, run_id: str) -> RunFolder:
    """A finished run on disk, as the engine leaves one."""
    run = RunFolder(runs_dir / run_id)
    leaf = run.path / "distiset" / "default"
    leaf.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows()), leaf / "train-00000-of-00001.parquet", row_group_size=40)
    (run.path / "distiset" / "README.md").write_text("---\nconfigs: []\n---\n# preference-data\n\n130 rows.\n")
    (run.path / "distiset" / "pipeline.yaml").write_text("distilflow: 1\nname: preference-data\nsteps: []\n")
    used = Tally(ROWS, 40_000, 9000, 0, 0, 77.5, 1.16, 0)
    report = RunReport(
        run_id=run_id,
        pipeline="preference-data",
        state="finished",
        started_at=1_760_000_000,
        ended_at=1_760_000_242,
        rows={"default": ROWS},
        models={"answer": "gpt-4o-mini"},
        usage=used,
        steps={"answer": StepProgress(state="done", taken=ROWS, made=ROWS, usage=used)},
    )
    run.save_report(report)
    return run


def leave_artifacts(run: RunFolder) -> Path:
    """Have two artifacts lie beside the rows: a picture with a page, and one whose metadata is torn."""
    picture, torn = (run.distiset / "artifacts" / "answer" / name for name in ("Text Clusters", "torn"))
    for folder, said in ((picture, json.dumps({"type": "image", "about": HOSTILE})), (torn, "{")):
        folder.mkdir(parents=True)
        (folder / "metadata.json").write_text(said)
        (folder / f"{'a-long-name-' * 8}.html").write_text(f"<h1>{HOSTILE}</h1>")
    Image.new("RGB", (1200, 800), "#8899cc").save(picture / "figure.png")
    return picture


class Shop:
    """The app beside a Hub that it pushes to."""

    def __init__(self, url: str, runs_dir: Path, hub: FakeHub) -> None:
        self.url = url
        self.runs_dir = runs_dir
        self.hub = hub
        self.owner = next(iter(hub.tokens.values()))
        self._made = 0

    def run(self) -> RunFolder:
        """A new run of its own for each test."""
        self._made += 1
        return make_run(self.runs_dir, f"preference-data-{self._made}")

    def open(self, page: Page, run: RunFolder, **asked: str) -> None:
        query = "".join(f"&{name}={quote(value)}" for name, value in asked.items())
        page.goto(f"{self.url}/?place=data&run={run.run_id}{query}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    hub = FakeHub()
    with running(hub) as hub_url, serving(folder / "runs", "--inline", environment=hub.client_env(hub_url)) as url:
        yield Shop(url, folder / "runs", hub)


def table(page: Page) -> Any:
    return page.get_by_test_id("rows-table")


def first_column(page: Page) -> Any:
    return table(page).get_by_test_id("row").locator("th")


def add_filter(page: Page, column: str, operator: str, value: str | None = None) -> None:
    page.get_by_test_id("add-filter").click()
    asking = page.get_by_role("dialog", name="Add a filter")
    asking.get_by_label("Column").select_option(column)
    asking.get_by_label("Operator").select_option(operator)
    if value is not None:
        asking.get_by_label("Value").fill(value)
    asking.get_by_role("button", name="Add filter").click()


# ---- asking for rows


def test_search_filters_and_sort_stand_in_the_address_and_come_back_with_it(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run())
    expect(page.get_by_test_id("matched")).to_have_text("130 rows")

    page.get_by_test_id("search-rows").fill("ANSWER 1")
    expect(page.get_by_test_id("matched")).to_have_text("41 of 130 rows")
    add_filter(page, "chosen_rating", "≥", "5")
    expect(page.get_by_test_id("filter")).to_have_text("chosen_rating ≥ 5")
    expect(page.get_by_test_id("matched")).to_have_text("13 of 130 rows")
    page.get_by_role("button", name="score").click()
    expect(page.get_by_role("columnheader", name="score")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="score").click()
    expect(page.get_by_role("columnheader", name="score")).to_have_attribute("aria-sort", "descending")
    expect(first_column(page).first).to_have_text("129")

    page.reload()

    expect(page.get_by_test_id("matched")).to_have_text("13 of 130 rows")
    expect(page.get_by_test_id("search-rows")).to_have_value("ANSWER 1")
    expect(first_column(page).first).to_have_text("129")
    page.get_by_role("button", name="Remove the filter chosen_rating ≥ 5").click()
    expect(page.get_by_test_id("matched")).to_have_text("41 of 130 rows")
    page.go_back()
    expect(page.get_by_test_id("matched")).to_have_text("13 of 130 rows")


def test_nothing_that_fits_is_said_and_all_rows_are_one_click_away(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run(), search="no such words")

    expect(page.locator("#data-main")).to_contain_text("No row fits")
    page.get_by_role("button", name="Show all rows").click()

    expect(page.get_by_test_id("matched")).to_have_text("130 rows")


def test_a_question_that_cannot_be_is_told_with_its_way_out(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run(), filters=json.dumps([["chosen_ratin", "≥", "5"]]))

    expect(page.get_by_role("alert")).to_contain_text("Did you mean 'chosen_rating'?")
    page.get_by_role("button", name="Show all rows").click()

    expect(page.get_by_test_id("matched")).to_have_text("130 rows")


def test_columns_tell_what_they_hold_and_a_bar_shows_its_rows(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run())
    head = table(page).locator("thead")
    expect(head).to_contain_text("int · mean 4")
    expect(head).to_contain_text("all distinct")
    expect(head).to_contain_text("text · 3 values")

    head.locator("[data-column=chosen_rating] g.is-open").nth(2).click()

    expect(page.get_by_test_id("filter")).to_have_text("chosen_rating = 5")
    expect(page.get_by_test_id("matched")).to_have_text("43 of 130 rows")
    expect(head.locator("[data-column=chosen_rating] rect.is-on")).to_have_count(1)


def test_columns_are_chosen_and_the_choice_stands_in_the_address(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run())
    page.get_by_test_id("choose-columns").click()
    asking = page.get_by_role("dialog", name="Columns shown")
    asking.get_by_label("chosen_model").uncheck()
    expect(page.locator(".df-pager")).to_contain_text("7 of 8 columns shown")
    page.keyboard.press("Escape")
    expect(asking).to_have_count(0)

    page.reload()

    expect(page.locator(".df-pager")).to_contain_text("7 of 8 columns shown")
    expect(page.get_by_role("columnheader", name="chosen_model")).to_have_count(0)


def test_the_keyboard_alone_asks_and_reads(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run())
    expect(first_column(page).first).to_have_text("1")
    page.keyboard.press("/")
    expect(page.get_by_test_id("search-rows")).to_be_focused()
    page.keyboard.type("soil answer")  # in no single text
    page.keyboard.press("Enter")
    expect(page.locator("#data-main")).to_contain_text("No row fits")
    page.keyboard.press("Control+A")
    page.keyboard.type("answer 12")
    expect(page.get_by_test_id("matched")).to_have_text("11 of 130 rows")
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("add-filter")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Column", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("add-filter")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(".df-sheet")).to_contain_text("1 of 11")
    page.keyboard.press("j")
    expect(page.locator(".df-sheet")).to_contain_text("2 of 11")
    page.keyboard.press("k")
    expect(page.locator(".df-sheet")).to_contain_text("Row 13")
    page.keyboard.press("Escape")
    expect(page.locator(".df-sheet")).to_be_hidden()


# ---- one row


@pytest.mark.smoke
def test_a_row_is_read_across_pages_and_its_link_opens_it(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run(), row="50")
    sheet = page.locator(".df-sheet")
    expect(sheet).to_contain_text("50 of 130")
    expect(sheet.locator(".df-two")).to_contain_text("Because of air, says answer 49.")

    page.keyboard.press("j")

    expect(sheet).to_contain_text("Row 51")
    expect(page.get_by_test_id("pager")).to_have_text("51–100 of 130")
    page.reload()
    expect(sheet).to_contain_text("Row 51")


@pytest.mark.smoke
def test_a_row_is_edited_wrong_values_are_told_and_changes_are_undone_one_by_one(page: Page, shop: Shop) -> None:
    run = shop.run()
    shop.open(page, run, row="3")
    page.get_by_test_id("edit-row").click()
    form = page.get_by_test_id("edit-form")
    form.get_by_label("topic", exact=True).fill("edited topic")
    form.get_by_label("chosen_rating", exact=True).fill("many")
    page.get_by_test_id("save-row").click()
    expect(form.get_by_role("alert").filter(has_text="'many' is no int")).to_be_visible()
    expect(form.get_by_label("chosen_rating", exact=True)).to_be_focused()
    form.get_by_label("chosen_rating", exact=True).fill("1")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".df-sheet")).to_contain_text("edited topic")
    expect(table(page)).to_contain_text("edited topic")
    expect(table(page).locator("td.is-edited")).to_have_count(2)
    page.get_by_test_id("drop-row").click()
    expect(page.locator(".df-sheet")).to_contain_text("Row 4")
    expect(page.get_by_test_id("matched")).to_have_text("129 rows")
    expect(page.get_by_test_id("changes")).to_contain_text("3 changes by hand")

    page.get_by_test_id("changes").click()
    listed = page.get_by_test_id("change")
    expect(listed).to_have_count(3)
    page.get_by_role("button", name="Undo: row 3 dropped").click()
    expect(listed).to_have_count(2)
    page.get_by_role("button", name="Undo: row 3 edited topic").click()
    expect(listed).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("matched")).to_have_text("130 rows")
    expect(table(page).locator("td.is-edited")).to_have_count(1)
    expect(table(page)).not_to_contain_text("edited topic")


def test_a_chat_is_edited_message_by_message_and_a_list_item_by_item(page: Page, shop: Shop) -> None:
    run = shop.run()
    path = run.path / "distiset" / "default" / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist([{**row, "tags": ["one", "two"]} for row in rows()]), path)
    shop.open(page, run, row="3")
    page.get_by_test_id("edit-row").click()
    form = page.get_by_test_id("edit-form")

    form.get_by_label("chosen, message 2, text").fill('Because of "air".\nAnd light.')
    form.get_by_label("chosen, message 1, role").select_option("system")
    form.get_by_role("group", name="chosen").get_by_role("button", name="Add a message").click()
    form.get_by_label("chosen, message 3, text").fill("Thanks.")
    form.get_by_label("tags, item 1", exact=True).fill("first")
    form.get_by_label("Remove tags, item 2").click()
    page.get_by_test_id("save-row").click()

    expect(page.get_by_test_id("changes")).to_contain_text("2 changes by hand")
    after = {change.column: change.after for change in by_hand(run).changes()}
    assert [(turn["role"], turn["content"]) for turn in after["chosen"]][1:] == [
        ("assistant", 'Because of "air".\nAnd light.'),
        ("user", "Thanks."),
    ]
    assert after["chosen"][0]["role"] == "system"
    assert after["tags"] == ["first"]


def test_a_drop_can_be_undone_where_it_was_made_and_a_second_click_drops_nothing_more(page: Page, shop: Shop) -> None:
    run = shop.run()
    shop.open(page, run, row="3")
    expect(page.locator(".df-sheet h2").first).to_have_text("Row 3")

    page.evaluate("""() => {
      const click = () => document.querySelector("[data-testid=drop-row]").click();
      const head = () => document.querySelector(".df-sheet h2").textContent;
      const clickAgain = new MutationObserver(() => head() === "Row 4" && (clickAgain.disconnect(), click()));
      clickAgain.observe(document.querySelector(".df-sheet"), { childList: true, subtree: true });
    }""")  # as soon as the next row has come
    page.get_by_test_id("drop-row").dblclick()
    expect(page.locator(".df-sheet h2").first).to_have_text("Row 4")

    told = page.get_by_test_id("dropped")
    expect(told).to_contain_text("Row 3 dropped.")
    expect(page.get_by_test_id("matched")).to_have_text("129 rows")
    expect(page.get_by_test_id("drop-row")).not_to_have_attribute("aria-disabled", "true")  # a moment later it drops again
    assert len(by_hand(run).changes()) == 1
    told.get_by_role("button", name="Undo").click()
    expect(page.locator(".df-sheet h2").first).to_have_text("Row 3")
    expect(page.get_by_test_id("matched")).to_have_text("130 rows")
    expect(told).to_be_hidden()
    page.get_by_test_id("drop-row").click()
    expect(told).to_contain_text("Row 3 dropped.")
    page.keyboard.press("j")
    expect(page.locator(".df-sheet h2").first).to_have_text("Row 5")
    expect(told).to_be_hidden()


def test_the_last_row_can_be_dropped_and_brought_back(page: Page, shop: Shop) -> None:
    run = shop.run()
    shop.open(page, run, row=str(ROWS), rowpage="3")
    page.get_by_test_id("drop-row").click()

    expect(page.locator(".df-sheet h2").first).to_have_text(f"Row {ROWS - 1}")
    page.get_by_test_id("dropped").get_by_role("button", name="Undo").click()
    expect(page.locator(".df-sheet h2").first).to_have_text(f"Row {ROWS}")


def test_a_new_result_says_which_changes_no_longer_apply(page: Page, shop: Shop) -> None:
    run = shop.run()
    shop.open(page, run, row="3")
    page.get_by_test_id("drop-row").click()
    expect(page.get_by_test_id("changes")).to_contain_text("1 change by hand")
    path = run.path / "distiset" / "default" / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist([{**row, "topic": "another run"} for row in rows()]), path)

    shop.open(page, run)

    expect(page.get_by_test_id("changes")).to_contain_text("1 no longer applies")
    expect(page.get_by_test_id("matched")).to_have_text("130 rows")
    page.get_by_test_id("changes").click()
    expect(page.get_by_test_id("lost-changes")).to_contain_text("not among them")


# ---- other tabs


def test_plots_have_sentences_and_their_bars_work_by_keyboard(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run(), tab="plots")
    plot = page.get_by_test_id("plot-chosen_rating")
    expect(plot.locator("svg")).to_have_attribute("aria-label", re.compile("from 3 to 5, on average 4"))
    plot.locator("g[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    expect(page.get_by_test_id("filter")).to_have_text("chosen_rating = 4")
    expect(page.get_by_test_id("matched")).to_have_text("43 of 130 rows")


def test_usage_tells_requests_tokens_money_and_time(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run(), tab="usage")
    usage = page.get_by_test_id("usage")

    for words in ("$1.16", "40,000", "9,000", "4:02", "gpt-4o-mini", "0.60"):
        expect(usage).to_contain_text(words)


def test_artifacts_show_their_pictures_and_are_downloaded(page: Page, shop: Shop, tmp_path: Path) -> None:
    run = shop.run()
    folder = leave_artifacts(run)
    shop.open(page, run)
    page.get_by_role("tab", name="Artifacts 2").click()
    picture, torn = page.get_by_test_id("artifact").nth(0), page.get_by_test_id("artifact").nth(1)

    expect(picture).to_contain_text(HOSTILE)
    expect(torn).to_contain_text("No metadata: its metadata.json cannot be read")
    image = picture.get_by_role("img", name="Text Clusters: figure.png")
    expect(image).to_have_js_property("naturalWidth", 1200)
    with page.expect_download() as waiting:
        picture.get_by_role("link", name="a-long-name-").click()
    waiting.value.save_as(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == (folder / waiting.value.suggested_filename).read_bytes()


def test_a_result_without_artifacts_has_no_tab_for_them(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run())

    expect(page.get_by_role("tab", name="Plots")).to_be_visible()
    expect(page.get_by_role("tab", name="Artifacts")).to_have_count(0)


def test_the_rows_that_fit_are_downloaded(page: Page, shop: Shop, tmp_path: Path) -> None:
    shop.open(page, shop.run(), search="answer 12")
    expect(page.get_by_test_id("matched")).to_have_text("11 of 130 rows")
    page.locator("#data-download").click()
    with page.expect_download() as waiting:
        page.get_by_test_id("download-some-csv").click()
    waiting.value.save_as(tmp_path / "some.csv")

    found = list(csv.DictReader(io.StringIO((tmp_path / "some.csv").read_text(), newline="")))
    assert [row["score"] for row in found] == ["1.2", *(f"12.{n}" if n else "12.0" for n in range(10))]


@pytest.mark.smoke
def test_hostile_values_are_only_text_wherever_they_are_shown(page: Page, shop: Shop) -> None:
    run = shop.run()
    shop.open(page, run, row="8", search=HOSTILE)
    expect(page.locator(".df-sheet")).to_contain_text(HOSTILE)
    page.get_by_test_id("edit-row").click()
    page.get_by_test_id("edit-form").get_by_label("topic", exact=True).fill(HOSTILE)
    page.get_by_test_id("save-row").click()
    expect(page.get_by_test_id("changes")).to_be_visible()
    page.get_by_test_id("changes").click()
    expect(page.get_by_test_id("change")).to_contain_text(HOSTILE)
    page.keyboard.press("Escape")
    shop.open(page, run, tab="plots")
    expect(page.get_by_test_id("plot-topic")).to_contain_text("onerror")
    page.wait_for_timeout(200)

    assert page.evaluate("window.hacked") is None


def test_a_torn_file_and_a_run_at_work_are_told(page: Page, shop: Shop) -> None:
    run = shop.run()
    (run.path / "distiset" / "default" / "train-00000-of-00001.parquet").write_bytes(b"torn")
    shop.open(page, run)
    expect(page.get_by_role("alert")).to_contain_text("cannot be read")

    going = shop.run()
    going.save_report(going.report().model_copy(update={"state": "running", "ended_at": None}))
    with going.locked():
        shop.open(page, going)
        expect(page.locator("#data-main")).to_contain_text("The run is going on")


# ---- pushing


@pytest.mark.smoke
def test_a_result_that_was_looked_at_is_pushed_and_its_link_shown(page: Page, shop: Shop) -> None:
    run = shop.run()
    shop.open(page, run, row="2")
    page.get_by_test_id("drop-row").click()
    expect(page.get_by_test_id("matched")).to_have_text("129 rows")
    page.get_by_test_id("push").click()
    expect(page.locator("#push-go")).to_have_text("Push 129 rows")
    expect(page.get_by_test_id("card")).to_contain_text("1 row dropped")
    checks = page.get_by_test_id("push-checks")
    expect(checks).to_contain_text("No secret found")
    expect(checks).to_contain_text("Changed by hand: 1 row dropped")
    expect(page.get_by_test_id("push-files")).to_contain_text("changes.jsonl")
    page.locator("#push-repo input, #push-repo textarea").first.fill(f"{shop.owner}/{run.run_id}")
    page.locator("#push-license input").click()
    page.get_by_role("option", name="CC-BY-4.0").click()
    expect(page.locator("#push-go")).to_have_attribute("aria-disabled", "false")
    page.locator("#push-go").click()

    expect(page.get_by_test_id("pushed").get_by_role("link")).to_have_attribute("href", re.compile(run.run_id), timeout=60_000)
    repo = shop.hub.repo("dataset", f"{shop.owner}/{run.run_id}")
    assert repo.is_private
    assert b"license: cc-by-4.0" in repo.read("README.md")
    pushed = pq.read_table(io.BytesIO(repo.read("default/train-00000-of-00001.parquet")))
    assert pushed.num_rows == 129
    assert any(ref.startswith("refs/tags/") for ref in repo.refs)


def test_a_push_waits_until_somebody_has_looked(page: Page, shop: Shop) -> None:
    shop.open(page, shop.run(), tab="log")
    page.get_by_test_id("push").click()
    expect(page.get_by_test_id("push-checks")).to_contain_text("Look at some rows first")
    page.locator("#push-go").click(force=True)  # it says that it cannot act yet, and why
    expect(page.get_by_test_id("push-waits")).to_contain_text("nobody has looked at its rows")

    page.get_by_role("button", name="Show 3 rows").press("Enter")

    expect(page.locator("#push-go")).to_be_focused()  # the button is gone, the focus is not
    expect(page.get_by_test_id("push-checks")).to_contain_text("Rows were looked at")
    expect(page.locator("#push-go")).to_have_attribute("aria-disabled", "false")


@pytest.mark.smoke
def test_a_key_in_a_row_holds_the_push_until_somebody_takes_it_on(page: Page, shop: Shop) -> None:
    run = shop.run()
    key = "sk-proj-" + "abcdefghij" * 3
    path = run.path / "distiset" / "default" / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist([{"text": "plain"}, {"text": f"use {key}"}]), path)
    shop.open(page, run)
    expect(table(page)).to_be_visible()
    page.get_by_test_id("push").click()
    checks = page.get_by_test_id("push-checks")
    expect(checks).to_contain_text("Something looks like a key")
    expect(checks).to_contain_text("Row 2, column text")
    expect(page.locator("#push-go")).to_have_attribute("aria-disabled", "true")
    page.get_by_test_id("push-agree").check()
    expect(page.locator("#push-go")).to_have_attribute("aria-disabled", "false")


# ---- looks


@in_every_look
def test_everything_can_be_read_and_reached(chromium: Any, watched: Watched, shop: Shop, width: int, scheme: str) -> None:
    run = shop.run()
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = watched.watch(context.new_page())
    found = {}
    try:
        shop.open(page, run, filters=json.dumps([["chosen_rating", "≥", "4"]]))
        expect(table(page)).to_be_visible()
        if width > 767:
            expect(table(page).locator("thead")).to_contain_text("text · 3 values")
        found["rows"] = page.evaluate(LOOKS)
        page.get_by_test_id("add-filter").click()
        found["filter"] = page.evaluate(LOOKS)
        page.keyboard.press("Escape")
        table(page).get_by_test_id("row").first.click()
        expect(page.locator(".df-sheet")).to_contain_text("1 of 86")
        found["row"] = page.evaluate(LOOKS)
        page.get_by_test_id("edit-row").click()
        expect(page.get_by_test_id("edit-form")).to_be_visible()
        found["edit"] = page.evaluate(LOOKS)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_test_id("drop-row").click()
        expect(page.locator(".df-sheet")).to_contain_text("1 of 85")
        page.get_by_role("button", name="Close row (Esc)").click()
        page.get_by_test_id("changes").click()
        expect(page.get_by_test_id("change")).to_have_count(1)
        found["changes"] = page.evaluate(LOOKS)
        page.keyboard.press("Escape")
        leave_artifacts(run)
        tabs = {"plots": "plot-topic", "usage": "usage", "card": "card", "quarantine": "quarantine", "artifacts": "artifacts"}
        for tab, shown in tabs.items():
            shop.open(page, run, tab=tab)
            expect(page.get_by_test_id(shown)).to_be_visible()
            found[tab] = page.evaluate(LOOKS)
        page.get_by_test_id("push").click()
        expect(page.get_by_test_id("push-checks")).to_be_visible()
        page.wait_for_timeout(300)
        found["push"] = page.evaluate(LOOKS)
    finally:
        context.close()

    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_a_phone_shows_rows_as_cards_with_the_actions_below(chromium: Any, watched: Watched, shop: Shop) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = watched.watch(context.new_page())
    try:
        shop.open(page, shop.run())
        card = table(page).get_by_test_id("row").first
        expect(card).to_contain_text("Row 1")
        expect(card).to_contain_text("margin 2")
        expect(card).to_contain_text("Because of air")
        box = page.get_by_test_id("push").bounding_box()
        assert box is not None
        assert (box["y"] > 700, box["height"] >= 44) == (True, True)
        card.click()
        expect(page.locator(".df-sheet")).to_contain_text("1 of 130")
    finally:
        context.close()
