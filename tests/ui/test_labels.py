"""The Labels place in a browser: annotations brought in, answered by keys, learned from, compared and exported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from playwright.sync_api import Browser, Page, expect

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.learning import learn_anew
from flows.labelling.rounds import Gains, open_round
from steps.labels.questions import Question
from tests.app.made import result_of
from tests.flows.labelling.crowds import UNSURE, crowd
from tests.ui.acting import LOOKS, in_every_look
from tests.ui.browsing import serving
from tests.ui.test_accessibility import serious

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-labels")]

HOSTILE = "<img src=x onerror='window.hacked = 1'>"


class Place:
    """The app with a folder of label projects."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.projects = LabelProjects(folder / "labels")

    def open(self, page: Page, name: str, more: str = "") -> None:
        page.goto(f"{self.url}/?place=labels&project={name}{more}")
        expect(page.get_by_test_id("queue-entry").first).to_be_visible()

    def project(self, name: str) -> LabelProject:
        found = LabelProjects(self.projects.folder).get(name)
        found.refresh()
        return found

    def said_by(self, name: str, person: str) -> dict[str, Any]:
        return {one["item"]: one["label"] for one in self.project(name).said.annotations() if one["annotator"] == person}


NAMED = """
const isPage = location.origin !== 'null';
if (isPage && !localStorage.getItem('distilflow-reviewer')) localStorage.setItem('distilflow-reviewer', 'reviewer');
"""


@pytest.fixture(autouse=True)
def named(page: Page) -> None:
    """Whoever answers here gave a name before."""
    page.add_init_script(NAMED)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("labels")
    rows = [{name: row[name] for name in ("item", "annotator", "label", "instruction", "kind")} for row in crowd(30)]
    result_of(folder / "runs", pa.Table.from_pylist(rows))
    with serving(folder / "runs", "--inline") as url:
        yield Place(url, folder)


@pytest.fixture
def answers(place: Place, request: pytest.FixtureRequest) -> str:
    """A project of its own for each test: sixty items, a round of forty at most is open."""
    name = f"answers-{abs(hash(request.node.name)) % 10**8}"
    question = Question(
        title="Is the answer correct?", labels=["correct", "partly", "wrong"], guideline="Count the right parts."
    )
    project = place.projects.create(name, question, crowd(gold=0.45, right=UNSURE))
    learn_anew(project)
    open_round(project, Gains(project))
    return name


def item_shown(page: Page, other_than: str = "") -> str:
    """The item that is open, once who said what of it is there."""
    page.wait_for_function(
        "(before) => ![null, before].includes(new URLSearchParams(location.search).get('item'))", arg=other_than
    )
    expect(page.get_by_test_id("said").first).to_be_visible()
    found: str = page.evaluate("new URLSearchParams(location.search).get('item')")
    return found


@pytest.mark.smoke
def test_items_are_answered_skipped_and_undone_by_keys(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    first = item_shown(page)
    page.keyboard.press("3")
    expect(page.get_by_test_id("round-progress")).to_contain_text("1 of")
    second = item_shown(page, other_than=first)
    assert place.said_by(answers, "reviewer") == {first: "wrong"}

    page.keyboard.press("s")
    item_shown(page, other_than=second)
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(f"item={second}(&|$)"))
    item_shown(page)
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(f"item={first}(&|$)"))
    expect(page.get_by_test_id("round-progress")).to_contain_text("0 of")
    assert place.said_by(answers, "reviewer") == {}


def test_a_comment_outlives_a_reload_and_goes_with_the_answer(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    expect(page.get_by_test_id("said").first).to_be_visible()
    item = page.evaluate("new URLSearchParams(location.search).get('item')")
    page.keyboard.press("c")
    page.keyboard.type("1 of 3 parts is right")
    page.reload()
    expect(page.locator("#label-comment")).to_have_value("1 of 3 parts is right")
    assert place.said_by(answers, "reviewer") == {}  # typing digits answered nothing
    page.get_by_test_id("answer-partly").click()
    expect(page.get_by_test_id("round-progress")).to_contain_text("1 of")

    [mine] = [one for one in place.project(answers).said.annotations_of(item) if one["annotator"] == "reviewer"]
    assert (mine["label"], mine["explanation"]) == ("partly", "1 of 3 parts is right")
    expect(page.locator("#label-comment")).to_have_count(0)


def test_an_answer_that_did_not_get_through_is_sent_again_and_counts_once(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    expect(page.get_by_test_id("said").first).to_be_visible()
    lost: list[str] = []

    def lose(route: Any) -> None:
        if not lost:
            lost.append(route.request.post_data)
            route.fetch()  # the server keeps it, but its answer is lost
            route.abort()
        else:
            route.continue_()

    page.route("**/act", lose)
    page.keyboard.press("1")
    expect(page.get_by_test_id("send-again")).to_be_visible()
    page.get_by_test_id("send-again").click()
    expect(page.get_by_test_id("round-progress")).to_contain_text("1 of")
    lines = (place.project(answers).folder / "annotations.jsonl").read_text().splitlines()
    assert sum(json.loads(lost[0])["mark"] in line for line in lines) == 1


def test_the_address_brings_project_item_and_order_back(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers, "&order=uncertainty")
    entry = page.get_by_test_id("queue-entry").nth(3)
    title = entry.locator(".df-queue-name").inner_text()
    entry.click()
    expect(page.get_by_test_id("column").first).to_be_visible()
    page.reload()
    expect(page.locator("[aria-current=true] .df-queue-name")).to_have_text(title)
    expect(page.get_by_test_id("queue-order")).to_contain_text("by uncertainty")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("[aria-current=true] .df-queue-name")).to_have_text(title)


def learn_by(page: Page, strategy: str) -> None:
    """Choose a strategy, and learn it."""
    page.get_by_test_id("labels-settings").click()
    page.locator("#set-strategy").select_option(strategy)
    page.get_by_test_id("save-settings").click()
    page.get_by_test_id("learn").click()


def test_learning_anew_makes_a_version_that_can_be_compared_and_exported(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    expect(page.get_by_test_id("said").first).to_be_visible()
    item = ""
    for done in range(1, 13):
        item = item_shown(page, other_than=item)
        page.keyboard.press("3")
        expect(page.get_by_test_id("round-progress")).to_contain_text(f"{done} of")
    learn_by(page, "majority")
    expect(page.get_by_test_id("strategy")).to_contain_text("majority v2", timeout=60_000)
    page.get_by_test_id("learn").click()
    expect(page.get_by_test_id("learned-same")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("strategy")).to_contain_text("majority v2")
    learn_by(page, "learned")
    expect(page.get_by_test_id("strategy")).to_contain_text("learned v3", timeout=60_000)
    expect(page.get_by_test_id("learned-same")).to_have_count(0)
    page.get_by_test_id("compare-strategies").click()
    expect(page.get_by_test_id("compared")).to_contain_text("Accuracy")
    expect(page.get_by_test_id("compared")).to_contain_text("label")
    page.keyboard.press("Escape")
    page.get_by_test_id("export-round").click()
    with page.expect_download() as told:
        page.get_by_test_id("round-annotations").click()
    rows = [json.loads(line) for line in Path(told.value.path()).read_text().splitlines()]
    assert [(row["annotator"], row["round"], row["label"]) for row in rows] == [("reviewer", 2, "wrong")] * 12


def test_a_round_that_is_done_leads_to_the_next(page: Page, place: Place) -> None:
    project = place.projects.create(
        "short", Question(labels=["a", "b"]), [{"item": f"q{at}", "text": f"Text {at}"} for at in range(3)]
    )
    open_round(project, Gains(project), 2)
    place.open(page, "short")
    for key in "12":
        expect(page.get_by_text("Nobody answered yet. Yours is the first.")).to_be_visible()
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    expect(page.get_by_text("Round 1 is done")).to_be_visible()
    page.get_by_test_id("next-round").click()
    expect(page.get_by_test_id("round-progress")).to_contain_text("0 of", timeout=60_000)
    expect(page.locator("#labels-title h1")).to_contain_text("Round 2")


def test_a_file_is_imported_with_what_was_understood(page: Page, place: Place, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    lines = [f"{row['item']},{row['annotator']},{row['label']},{HOSTILE}" for row in crowd(20, right=UNSURE)]
    path.write_text("question,worker,answer,text\n" + "\n".join(lines) + "\n")
    page.goto(f"{place.url}/?place=labels")
    page.get_by_test_id("labels-import").click()
    page.locator("#labels-file").set_input_files(path)
    expect(page.get_by_test_id("labels-found")).to_contain_text("100 annotations of 20 items by 5 annotators, 3 labels")
    page.locator("#labels-question").fill("Right?")
    page.locator("#labels-create").click()
    expect(page.get_by_test_id("queue-entry").first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Right?")).to_be_visible()
    expect(page.get_by_test_id("column").first).to_have_text(HOSTILE)
    assert page.evaluate("window.hacked") is None


def test_a_wrong_file_is_told_in_words(page: Page, place: Place) -> None:
    page.goto(f"{place.url}/?place=labels")
    page.get_by_test_id("labels-import").click()
    page.locator("#labels-text").fill("worker,answer\nann,good\n")
    expect(page.get_by_test_id("labels-found")).to_contain_text("No column 'item' was found; there are worker, answer.")


def test_a_runs_labels_are_reviewed_from_data(page: Page, place: Place) -> None:
    page.goto(f"{place.url}/?place=data&run=made-1")
    page.get_by_test_id("review-labels").click()
    expect(page.get_by_test_id("queue-entry").first).to_be_visible(timeout=60_000)
    expect(page.locator("#labels-title h1")).to_contain_text("made")
    page.goto(f"{place.url}/?place=data&run=made-1")
    page.get_by_test_id("review-labels").click()
    expect(page.locator("#labels-title h1")).to_contain_text("made")
    assert [name for name in place.projects.names() if name.startswith("made")] == ["made"]


def test_ratings_lists_and_orders_are_given_by_keys(page: Page, place: Place) -> None:
    items = [{"item": f"q{at}", "text": "Two words of it"} for at in range(2)]
    for kind, labels, keys, expected in (
        ("rating", ["1", "2", "3"], ["2"], 2.0),
        ("multi_label", ["tone", "fact", "form"], ["1", "3", "1", "2", "Enter"], ["form", "fact"]),
        ("ranking", ["a", "b", "c"], ["2", "1", "3", "Enter"], ["b", "a", "c"]),
    ):
        project = place.projects.create(f"by-{kind}", Question(type=kind, labels=labels), items)
        open_round(project, Gains(project))
        place.open(page, f"by-{kind}")
        expect(page.get_by_test_id("column").first).to_be_visible()
        for key in keys:
            page.keyboard.press(key)
        expect(page.get_by_test_id("round-progress")).to_contain_text("1 of")
        assert place.said_by(f"by-{kind}", "reviewer") == {"q0": expected}


def test_a_span_is_selected_and_named(page: Page, place: Place) -> None:
    project = place.projects.create(
        "spans", Question(type="spans", labels=["error"]), [{"item": "q0", "text": "𝒙 is wrong here"}]
    )
    open_round(project, Gains(project))
    place.open(page, "spans")
    expect(page.get_by_test_id("column").first).to_be_visible()
    page.evaluate("""() => {
      const text = document.querySelector("[data-testid=column]").firstChild;
      const range = document.createRange();
      range.setStart(text, 6);
      range.setEnd(text, 11);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    }""")
    page.keyboard.press("1")
    expect(page.get_by_label("Remove error: wrong")).to_be_visible()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_text("Round 1 is done")).to_be_visible()
    assert place.said_by("spans", "reviewer") == {"q0": [{"start": 5, "end": 10, "label": "error"}]}


def test_settings_change_the_guideline_and_what_is_shown(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    expect(page.get_by_test_id("column")).to_have_count(2)
    page.get_by_test_id("labels-settings").click()
    page.locator("#set-guideline").fill("Half right is partly.")
    page.get_by_label("topic", exact=True).uncheck()
    page.locator("#set-topic").select_option("topic")
    page.get_by_test_id("save-settings").click()
    expect(page.get_by_test_id("column")).to_have_count(1)
    page.get_by_test_id("guideline").click()
    expect(page.get_by_text("Half right is partly.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_test_id("queue-order").click()
    page.get_by_test_id("filter-value").select_option("stars")
    expect(page.get_by_test_id("queue-entry")).to_have_count(20)


def test_an_example_is_chosen_by_its_key(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    expect(page.get_by_test_id("said").first).to_be_visible()
    item = page.evaluate("new URLSearchParams(location.search).get('item')")
    page.keyboard.press("o")
    expect(page.get_by_test_id("do-example")).to_contain_text("take out of examples")
    assert list(place.project(answers).said.examples()) == [item]


def test_a_project_that_is_not_there_is_told_in_words(page: Page, place: Place) -> None:
    page.goto(f"{place.url}/?place=labels&project=nothing")
    expect(page.get_by_role("alert")).to_contain_text("There is no label project 'nothing'")


@pytest.mark.smoke
@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.slow)])
@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_nothing_serious_in_labels(page: Page, place: Place, answers: str, theme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.add_init_script(f"localStorage.setItem('distilflow-theme', {theme!r})")
    found = {}
    page.goto(f"{place.url}/?place=labels&project={answers}")
    expect(page.get_by_test_id("said").first).to_be_visible()
    page.keyboard.press("c")
    found["item"] = serious(page)
    page.get_by_test_id("labels-settings").click()
    found["settings"] = serious(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("queue-order").click()
    found["order"] = serious(page)
    page.keyboard.press("Escape")
    page.goto(f"{place.url}/?place=labels")
    expect(page.get_by_test_id("projects-table")).to_be_visible()
    found["list"] = serious(page)
    page.get_by_test_id("labels-import").click()
    found["import"] = serious(page)

    assert {name: one for name, one in found.items() if one} == {}


@in_every_look
def test_everything_can_be_read_and_reached(page: Page, place: Place, answers: str, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{place.url}/?place=labels&project={answers}")
    expect(page.get_by_test_id("said").first).to_be_visible()

    assert page.evaluate(f"({LOOKS})()") == []


def test_keys_that_come_too_fast_answer_no_item_twice(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    expect(page.get_by_test_id("said").first).to_be_visible()
    item = page.evaluate("new URLSearchParams(location.search).get('item')")

    def slowly(route: Any) -> None:
        page.wait_for_timeout(200)
        route.continue_()

    page.route("**/act", slowly)
    for key in "3113":
        page.keyboard.press(key)
    expect(page.get_by_test_id("round-progress")).to_contain_text("1 of")

    assert place.said_by(answers, "reviewer")[item] == "wrong"


def test_what_did_not_get_through_goes_before_what_comes_next(page: Page, place: Place, answers: str) -> None:
    place.open(page, answers)
    expect(page.get_by_test_id("said").first).to_be_visible()
    first = page.evaluate("new URLSearchParams(location.search).get('item')")
    page.route("**/act", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.get_by_test_id("send-again")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_test_id("send-again")).to_be_visible()
    page.wait_for_function("(item) => new URLSearchParams(location.search).get('item') !== item", arg=first)
    expect(page.get_by_test_id("said").first).to_be_visible()
    second = page.evaluate("new URLSearchParams(location.search).get('item')")
    page.unroute("**/act")
    page.keyboard.press("1")
    expect(page.get_by_test_id("round-progress")).to_contain_text("2 of")

    assert place.said_by(answers, "reviewer") == {first: "partly", second: "correct"}


def test_what_did_not_get_through_goes_to_the_project_that_it_was_meant_for(page: Page, place: Place, answers: str) -> None:
    other = f"{answers}-other"
    place.projects.create(other, Question(labels=["correct", "partly", "wrong"]), crowd())
    open_round(place.project(other), Gains(place.project(other)))
    place.open(page, answers)
    first = item_shown(page)
    page.route("**/act", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.get_by_test_id("send-again")).to_be_visible()
    page.locator("[data-key=back]").click()
    page.get_by_test_id(f"project-{other}").click()
    expect(page.get_by_text(f"meant for the project {answers}")).to_be_visible()
    page.unroute("**/act")
    page.get_by_test_id("send-again").click()
    expect(page.get_by_test_id("send-again")).to_be_hidden()

    assert {one["item"] for one in sent_in(place, answers)} == {first}
    assert sent_in(place, other) == []


def sent_in(place: Place, name: str) -> list[dict[str, Any]]:
    """What was answered in the page."""
    return [one for one in place.project(name).said.annotations() if one["source"] == "review"]


def test_two_people_who_gave_no_name_are_two_annotators_until_they_give_theirs(
    chromium: Browser, place: Place, answers: str
) -> None:
    names = []
    for key in "13":
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        place.open(page, answers)
        item = item_shown(page)
        names.append(page.get_by_test_id("who").locator(".df-who-name").inner_text())
        assert re.fullmatch(r"reviewer-[0-9a-f]{4}", names[-1])
        page.keyboard.press(key)
        item_shown(page, other_than=item)
        if key == "3":
            page.reload()
            expect(page.get_by_test_id("who")).to_contain_text(names[-1])
            page.get_by_test_id("who").click()
            page.get_by_test_id("who-field").fill("zoe")
            page.keyboard.press("Enter")
            expect(page.get_by_test_id("who")).to_have_text("zoe")
            before = item_shown(page)
            page.keyboard.press("2")
            item_shown(page, other_than=before)
        context.close()

    assert len(place.said_by(answers, names[0])) == len(place.said_by(answers, names[1])) == 1
    assert list(place.said_by(answers, "zoe").values()) == ["partly"]


def test_a_digit_answers_with_the_label_that_is_this_digit(page: Page, place: Place) -> None:
    rows = [{"item": str(at), "annotator": who, "label": str(at % 4)} for at in range(12) for who in ("ann", "bob", "cy")]
    learn_anew(place.projects.create("digits", Question(labels=["0", "1", "2", "3"]), rows))
    open_round(place.project("digits"), Gains(place.project("digits")))
    place.open(page, "digits")
    first = item_shown(page)

    page.keyboard.press("2")

    item_shown(page, other_than=first)
    assert place.said_by("digits", "reviewer") == {first: "2"}


def test_a_round_with_skipped_items_is_not_done(page: Page, place: Place) -> None:
    rows = [{"item": str(at), "annotator": who, "label": "good"} for at in range(2) for who in ("ann", "bob")]
    learn_anew(place.projects.create("skipping", Question(labels=["good", "bad"]), rows))
    open_round(place.project("skipping"), Gains(place.project("skipping")))
    place.open(page, "skipping")
    skipped = item_shown(page)

    page.keyboard.press("s")
    item_shown(page, other_than=skipped)
    page.keyboard.press("1")
    page.wait_for_function("(item) => new URL(location).searchParams.get('item') === item", arg=skipped)
    page.keyboard.press("s")
    page.wait_for_timeout(500)

    expect(page.get_by_text("Round 2 is done")).to_be_hidden()
    page.keyboard.press("2")
    expect(page.get_by_text("Round 2 is done")).to_be_visible()
    assert place.said_by("skipping", "reviewer")[skipped] == "bad"
