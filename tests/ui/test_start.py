"""How a pipeline begins and where it is kept, in a real browser: names, autosave, imports, the gallery, drafts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.hub import FakeHub
from tests.fakes.openai_server import Behaviour, Fault, Rule
from tests.fakes.serving import running
from tests.flows.compat.distilabel_files import STEPS, load, pipeline, preference, step, text
from tests.ui.acting import field, in_every_look, open_example
from tests.ui.browsing import Watched, serving
from tests.ui.conftest import Site
from tests.ui.test_accessibility import serious

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-start")]

DRAFT = """\
```yaml
name: returns
description: Answers to questions about returns.
steps:
- {name: load, use: LoadDataFromDicts, with: {data: [{COLUMN: How do I return shoes?}]}}
- {name: answer, use: TextGeneration, after: load}
- {name: chat, use: FormatTextGenerationSFT, after: answer}
```
"""
GOOD, LACKING = DRAFT.replace("COLUMN", "instruction"), DRAFT.replace("COLUMN", "question")
THEIRS = pipeline(
    [load(), step("odd", f"{STEPS}.tasks.odd", "NotThereYet", strength=3), step("b", "os", "system")],
    {"load": ["odd"], "odd": ["b"]},
)


def saved(site: Site, name: str) -> str:
    return (site.pipelines_dir / f"{name}.yaml").read_text()


def names(site: Site) -> list[str]:
    return sorted(path.stem for path in site.pipelines_dir.glob("*.yaml"))


def set_rows(page: Page, rows: str) -> None:
    page.locator("#build-main").get_by_test_id("node-load").click()
    box = field(page, "with-num-examples")
    box.fill(rows)
    box.press("Tab")


def menu(page: Page, item: str = "") -> Any:
    page.get_by_test_id("pipelines").click()
    found = page.get_by_role("dialog", name="Pipelines")
    expect(found.locator("[aria-busy]")).to_have_count(0)
    if item:
        found.get_by_test_id(item).click()
    return found


def title(page: Page) -> Any:
    return page.locator("#build-title h1")


# ---- names and saving


@pytest.mark.smoke
def test_a_change_is_saved_and_its_address_opens_it_in_another_browser(
    page: Page, site: Site, chromium: Any, watched: Watched
) -> None:
    open_example(page, site, "quickstart")
    assert names(site) == []
    set_rows(page, "7")

    expect(page.get_by_test_id("saved")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))
    assert "num_examples: 7" in saved(site, "quickstart")
    assert "pipeline=quickstart" in page.url
    other = chromium.new_context(viewport={"width": 1440, "height": 900})
    try:
        again = watched.watch(other.new_page())
        again.goto(f"{site.url}/?pipeline=quickstart")
        expect(title(again)).to_have_text("quickstart")
        expect(field(again, "with-num-examples")).to_have_value("7")
    finally:
        other.close()


@pytest.mark.smoke
def test_a_pipeline_is_renamed_with_its_file_and_its_address(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    title(page).dblclick()
    page.locator("#rename-pipeline").fill("no/such name")
    page.keyboard.press("Enter")
    expect(page.locator("#rename-pipeline")).to_be_focused()
    page.locator("#rename-pipeline").fill("mine")
    page.keyboard.press("Enter")

    expect(title(page)).to_have_text("mine")
    page.wait_for_url(re.compile("pipeline=mine"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("pipelines")).to_be_focused()
    assert names(site) == ["mine"]
    page.locator("#build-main").click(position={"x": 600, "y": 600})
    page.keyboard.press("Control+z")
    expect(title(page)).to_have_text("quickstart")
    assert names(site) == ["quickstart"]


def test_pipelines_are_listed_found_copied_deleted_and_brought_back(page: Page, site: Site) -> None:
    site.pipelines_dir.mkdir()
    for at in range(9):
        (site.pipelines_dir / f"old-{at}.yaml").write_text(f"name: old-{at}\nsteps: []\n")
        os.utime(site.pipelines_dir / f"old-{at}.yaml", (at, at))
    page.goto(f"{site.url}/?pipeline=old-3")
    expect(title(page)).to_have_text("old-3")

    found = menu(page)
    expect(found.locator(".df-menu-list [role=listitem]").first).to_contain_text("old-8")
    page.keyboard.type("old-5")
    expect(found.get_by_role("listitem")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text("old-5")

    menu(page, "pipeline-duplicate")
    expect(title(page)).to_have_text("old-5_copy")
    menu(page, "pipeline-delete")
    expect(title(page)).to_have_text("No pipeline yet")
    assert "old-5_copy" not in names(site)
    page.get_by_test_id("deleted").get_by_role("button", name="Undo").click()
    expect(title(page)).to_have_text("old-5_copy")
    assert "old-5_copy" in names(site)
    for _ in range(3):
        page.go_back()
    expect(title(page)).to_have_text("old-5")


def test_the_yaml_can_be_downloaded(page: Page, site: Site) -> None:
    open_example(page, site, "quickstart")
    with page.expect_download() as download:
        menu(page, "pipeline-download")

    assert download.value.suggested_filename == "quickstart.yaml"
    assert Path(download.value.path()).read_text().startswith("# Preference data")


@pytest.mark.parametrize("keeps", [False, True])
def test_an_edit_of_the_file_is_noticed_and_nothing_is_overwritten_unasked(page: Page, site: Site, keeps: bool) -> None:
    open_example(page, site, "quickstart")
    set_rows(page, "7")
    expect(page.get_by_test_id("saved")).to_contain_text("Saved")
    theirs = saved(site, "quickstart").replace("num_examples: 7", "num_examples: 8")
    (site.pipelines_dir / "quickstart.yaml").write_text(theirs)

    expect(page.get_by_text("Changed on disk")).to_be_visible()
    set_rows(page, "9")
    expect(field(page, "with-num-examples")).to_have_value("9")
    assert saved(site, "quickstart") == theirs
    page.get_by_test_id("keep-mine" if keeps else "load-theirs").click()

    expect(page.get_by_test_id("saved")).to_contain_text("Saved")
    expect(field(page, "with-num-examples")).to_have_value("9" if keeps else "8")
    assert f"num_examples: {9 if keeps else 8}" in saved(site, "quickstart")


def test_the_second_of_two_tabs_is_told(page: Page, site: Site, watched: Watched) -> None:
    open_example(page, site, "quickstart")
    set_rows(page, "7")
    expect(page.get_by_test_id("saved")).to_contain_text("Saved")
    second = watched.watch(page.context.new_page())
    second.goto(f"{site.url}/?pipeline=quickstart")
    expect(field(second, "with-num-examples")).to_have_value("7")

    set_rows(page, "8")
    expect(page.get_by_test_id("saved")).to_contain_text("Saved")
    set_rows(second, "9")

    expect(second.get_by_text("Changed on disk")).to_be_visible()
    assert "num_examples: 8" in saved(site, "quickstart")
    second.get_by_test_id("load-theirs").click()
    expect(field(second, "with-num-examples")).to_have_value("8")


def test_an_address_of_nothing_says_what_there_is(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?pipeline=quickstrat")

    expect(page.locator("#build-notice")).to_contain_text("There is no pipeline 'quickstrat'")
    expect(page.locator("#build-notice")).to_contain_text("quickstart")
    page.goto(f"{site.url}/?pipeline=..%2F..%2Fetc%2Fpasswd")
    expect(page.locator("#build-notice")).to_contain_text("cannot be a pipeline's name")


# ---- bringing one in


def test_an_import_shows_what_was_understood_before_it_opens(page: Page, site: Site, tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text(text(THEIRS))
    page.goto(f"{site.url}/?place=gallery")
    page.locator("#gallery-import").click()
    page.locator("#import-file").set_input_files(tmp_path / "theirs.yaml")

    expect(page.get_by_test_id("import-understood")).to_have_text("3 steps, 2 unknown classes: NotThereYet, system")
    assert names(site) == []
    page.locator("#import-open").click()

    expect(title(page)).to_have_text("theirs")
    expect(page.get_by_test_id("node-odd")).to_contain_text("Unknown step")
    assert "strength: 3" in saved(site, "theirs")
    assert "use: os:system" in saved(site, "theirs")


def test_a_text_that_is_no_pipeline_is_told_and_stays(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=build")
    page.locator("#build-import").click()
    page.locator("#import-text").fill("steps: [oops")
    page.locator("#import-open").click()

    expect(page.locator("#import-found")).to_contain_text("This is not YAML")
    expect(page.locator("#import-text")).to_have_value("steps: [oops")
    assert names(site) == []


def test_a_file_can_be_dropped_on_the_page(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=gallery")
    expect(page.get_by_test_id("example-quickstart")).to_be_visible()
    page.evaluate(
        """(content) => {
            const data = new DataTransfer();
            data.items.add(new File([content], "theirs.json"));
            for (const kind of ["dragover", "drop"]) {
                const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
                document.querySelector(".df-cards").dispatchEvent(event);
            }
        }""",
        json.dumps(preference()),
    )

    expect(page.get_by_test_id("import-understood")).to_have_text("6 steps")
    page.locator("#import-open").click()
    expect(page.get_by_test_id("node-pairs")).to_be_visible()


@pytest.fixture(scope="module")
def hub_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app beside a Hub of our own, with a data set of ours on it."""
    folder = tmp_path_factory.mktemp("hub")
    hub = FakeHub()
    rows = "".join(json.dumps({"prompt": f"<b>q{at}</b>", "n": at}) + "\n" for at in range(9))
    with running(hub) as url:
        environment = {**hub.client_env(url), "HF_HOME": str(folder / "home")}
        push(environment, {"pipeline.yaml": text(preference()), "train.jsonl": rows})
        with serving(folder / "runs", "--inline", environment=environment) as address:
            yield Site(address, folder / "runs", None)  # type: ignore[arg-type] # it asks no model


def push(environment: dict[str, str], files: dict[str, str]) -> None:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=environment["HF_ENDPOINT"], token=environment["HF_TOKEN"])
    api.create_repo("my-org/data", repo_type="dataset")
    for path, content in files.items():
        api.upload_file(path_or_fileobj=content.encode(), path_in_repo=path, repo_id="my-org/data", repo_type="dataset")


def test_the_pipeline_of_a_data_set_is_imported_from_the_hub(page: Page, hub_site: Site) -> None:
    page.goto(f"{hub_site.url}/?place=gallery")
    page.locator("#gallery-import").click()
    page.locator("#import-repo").fill("https://evil.example/datasets/my-org/data")
    page.locator("#import-fetch").click()
    expect(page.locator("#import-found")).to_contain_text("not a page of the Hub")
    page.locator("#import-repo").fill("my-org/data")
    page.keyboard.press("Enter")

    expect(page.get_by_test_id("import-understood")).to_have_text("6 steps", timeout=30_000)
    page.locator("#import-open").click()
    expect(title(page)).to_have_text("theirs")


def test_a_pipeline_starts_from_the_rows_of_a_data_set(page: Page, hub_site: Site) -> None:
    page.goto(f"{hub_site.url}/?place=gallery")
    page.locator("#gallery-hub").click()
    page.locator("#hub-repo").fill("my-org/nobody")
    page.keyboard.press("Enter")
    expect(page.locator("#hub-found")).to_contain_text("There is no data set 'my-org/nobody'", timeout=30_000)
    expect(page.locator("#hub-open")).to_be_disabled()
    page.locator("#hub-repo").fill("my-org/data")
    page.keyboard.press("Enter")

    expect(page.locator("#hub-found")).to_contain_text("<b>q4</b>", timeout=30_000)
    page.locator("#hub-open").click()
    expect(title(page)).to_have_text("data")
    expect(field(page, "with-repo-id")).to_have_value("my-org/data")


# ---- gallery and drafts


def test_cards_are_filtered_by_what_they_are_for(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?place=gallery")
    cards = page.locator(".df-cards > li")
    expect(cards).to_have_count(4)

    page.get_by_role("button", name="Runs as it is").first.click()

    expect(cards).to_have_count(2)
    expect(page.get_by_role("button", name="Runs as it is").first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="All", exact=True).click()
    expect(cards).to_have_count(4)


def draft_with(page: Page, site: Site, description: str = "Answers to questions about returns") -> None:
    page.goto(f"{site.url}/?place=gallery")
    page.locator("#draft-model").click()
    page.locator("#drafter-model").fill("fake-model")
    page.locator("#drafter-base_url").fill(f"{site.fake_url}/v1")
    page.locator("#draft-use").click()
    expect(page.locator("#draft-cost")).to_have_text("Checked before you see it · free")
    page.locator("#describe").fill(description)
    page.locator("#draft-go").click()


@pytest.fixture
def replies(site: Site) -> Iterator[Any]:
    """Sets what the model replies, for one test."""
    before = site.fake.behaviour

    def use(reply: Any, **more: Any) -> None:
        site.fake.behaviour = Behaviour(reply=reply, **more)

    yield use
    site.fake.behaviour = before


@pytest.mark.smoke
def test_a_description_becomes_a_pipeline_that_is_shown_before_it_opens(page: Page, site: Site, replies: Any) -> None:
    replies(lambda chat, at, model: GOOD if "problem" in chat[-1]["content"] else LACKING)
    draft_with(page, site)

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Checked: no problems")
    expect(page.get_by_test_id("draft-used")).to_contain_text("2 requests")
    expect(page.get_by_test_id("draft-used")).to_contain_text("tokens in")
    expect(page.get_by_test_id("draft-yaml")).to_contain_text("model: fake-model")
    assert names(site) == []
    page.locator("#draft-open").click()

    expect(title(page)).to_have_text("returns")
    expect(page.get_by_test_id("node-answer")).to_contain_text("fake-model")
    assert names(site) == ["returns"]


def test_what_is_left_of_problems_is_shown_and_a_draft_can_be_discarded(page: Page, site: Site, replies: Any) -> None:
    replies(LACKING.replace("How do I return shoes?", "<img src=x onerror='window.hacked = 1'>"))
    draft_with(page, site)

    expect(page.get_by_test_id("draft-problems").locator("li").first).to_contain_text("answer")
    expect(page.get_by_test_id("draft-used")).to_contain_text("4 requests")
    page.get_by_role("button", name="Discard").click()

    assert names(site) == []
    assert page.evaluate("window.hacked") is None
    expect(page.locator("#describe")).to_have_value("Answers to questions about returns")


@pytest.mark.parametrize(
    ("reply", "rules", "words"),
    [("I am sorry.", [], "After 4 questions .* the model gave no pipeline"), (GOOD, [Rule("", Fault.UNAUTHORIZED)], "401")],
    ids=["garbage", "refused"],
)
def test_a_model_that_does_not_help_is_told_and_the_description_stays(
    page: Page, site: Site, replies: Any, reply: str, rules: list[Rule], words: str
) -> None:
    replies(reply, rules=rules)
    draft_with(page, site)

    expect(page.locator("#draft-said")).to_contain_text(re.compile(f"{words}|key"))
    expect(page.locator("#draft-go")).not_to_have_attribute("aria-disabled", "true")
    expect(page.locator("#describe")).to_have_value("Answers to questions about returns")


def test_sample_rows_become_the_source_of_a_draft(page: Page, site: Site, replies: Any) -> None:
    replies(GOOD.replace(", with: {data: [{instruction: How do I return shoes?}]}", ""))
    page.goto(f"{site.url}/?place=gallery")
    page.locator("#draft-sample").click()
    page.locator("#sample-text").fill('{"instruction": "Where is my parcel?"}')
    page.locator("#sample-use").click()
    expect(page.locator("#draft-sample")).to_have_text("Sample rows")
    page.locator("#draft-model").click()
    page.locator("#drafter-model").fill("fake-model")
    page.locator("#drafter-base_url").fill(f"{site.fake_url}/v1")
    page.locator("#draft-use").click()
    page.locator("#describe").fill("Answers")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_test_id("draft-yaml")).to_contain_text("Where is my parcel?")


# ---- a public server


@pytest.fixture(scope="module")
def public_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("public")
    with serving(folder / "runs", "--inline", "--public") as address:
        yield Site(address, folder / "runs", None)  # type: ignore[arg-type] # it asks no model


def test_a_public_server_keeps_nothing_and_the_browser_keeps_several_by_name(page: Page, public_site: Site) -> None:
    site = public_site
    open_example(page, site, "sft")
    set_rows(page, "7")
    expect(page.get_by_test_id("saved")).to_contain_text("Saved")
    menu(page, "pipeline-duplicate")
    expect(title(page)).to_have_text("sft_copy")
    set_rows(page, "8")
    expect(page.get_by_role("button", name=re.compile("^Undo"))).not_to_have_count(0)

    page.goto(f"{site.url}/?pipeline=sft")
    expect(field(page, "with-num-examples")).to_have_value("7")
    page.goto(f"{site.url}/?pipeline=sft_copy")
    expect(field(page, "with-num-examples")).to_have_value("8")
    menu(page, "pipeline-rename")
    page.locator("#rename-pipeline").fill("mine")
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text("mine")
    found = menu(page)
    expect(found.get_by_test_id("pipeline-mine")).to_be_visible()
    expect(found.get_by_test_id("pipeline-sft_copy")).to_have_count(0)
    page.keyboard.press("Escape")
    menu(page, "pipeline-delete")
    expect(title(page)).to_have_text("No pipeline yet")
    page.get_by_test_id("deleted").get_by_role("button", name="Undo").click()
    expect(title(page)).to_have_text("mine")
    expect(field(page, "with-num-examples")).to_have_value("8")
    page.reload()
    expect(title(page)).to_have_text("mine")
    assert not site.pipelines_dir.exists()
    assert page.request.get(f"{site.url}/api/pipelines").status == 404


@pytest.mark.smoke
def test_two_tabs_of_a_public_server_overwrite_nothing(page: Page, public_site: Site, watched: Watched) -> None:
    site = public_site
    open_example(page, site, "sft")
    set_rows(page, "7")
    expect(page.get_by_test_id("saved")).to_contain_text("Saved")
    second = watched.watch(page.context.new_page())
    second.goto(f"{site.url}/?pipeline=sft")
    expect(field(second, "with-num-examples")).to_have_value("7")

    set_rows(page, "8")

    expect(second.get_by_text("Changed in another tab")).to_be_visible()
    second.get_by_test_id("load-theirs").click()
    expect(field(second, "with-num-examples")).to_have_value("8")


def test_a_public_server_offers_no_address_to_send_its_key_to(page: Page, public_site: Site) -> None:
    page.goto(f"{public_site.url}/?place=gallery")
    page.locator("#draft-model").click()

    expect(page.locator("#drafter-model")).to_be_visible()
    expect(page.locator("#drafter-base_url")).to_have_count(0)


# ---- looks


@in_every_look
def test_menu_and_dialogs_can_be_read_and_reached(
    chromium: Any, watched: Watched, site: Site, replies: Any, scheme: str, width: int
) -> None:
    replies(LACKING)
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = watched.watch(context.new_page())
    found: dict[str, list[str]] = {}
    try:
        open_example(page, site, "quickstart")
        menu(page)
        found["menu"] = serious(page)
        page.keyboard.press("Escape")
        page.goto(f"{site.url}/?place=gallery")
        for opener in ("draft-model", "draft-sample", "gallery-hub"):
            page.locator(f"#{opener}").click()
            expect(page.get_by_role("dialog")).to_be_visible()
            found[opener] = serious(page)
            page.keyboard.press("Escape")
        page.locator("#gallery-import").click()
        page.locator("#import-text").fill(text(THEIRS))
        expect(page.get_by_test_id("import-understood")).to_be_visible()
        found["import"] = serious(page)
        page.keyboard.press("Escape")
        draft_with(page, site)
        expect(page.get_by_test_id("draft-problems")).to_be_visible()
        found["draft"] = serious(page)
    finally:
        context.close()

    assert {moment: wrong for moment, wrong in found.items() if wrong} == {}
