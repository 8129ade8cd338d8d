from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from flows.journals import previews_of
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.ui.browsing import ROOT, Watched, browser, serving

SLOW = """\
distilflow: 1
name: slow
description: A slow model answers each instruction; a rehearsal rates the answers.
steps:
  - name: load
    use: LoadDataFromFileSystem
    with: {data_files: examples/data/instructions.jsonl}
  - name: answer
    use: TextGeneration
    after: load
    with:
      llm: {use: OpenAILLM, model: fake-model, base_url: "URL/v1", max_concurrency: 2, max_retries: 0}
  - name: format
    use: FormatTextGenerationSFT
    after: answer
"""
LONG = SLOW.replace("name: slow", "name: long").replace("examples/data/instructions.jsonl", "ROWS")
HOSTILE = """\
distilflow: 1
name: hostile
description: "<img src=x onerror='window.hacked = 1'>"
steps:
  - name: load
    use: LoadDataFromDicts
    with:
      data:
        - instruction: "<script>window.hacked = 1</script>"
          "<img src=x onerror=alert(1)>": "<img src=x onerror='window.hacked = 1'>"
        - {instruction: "![x](http://example.com/x.png)", html: "<iframe src='http://example.com'></iframe>"}
  - name: answer
    use: TextGeneration
    after: load
  - name: format
    use: FormatTextGenerationSFT
    after: answer
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests are slow, but for those marked `smoke`: one or two for each thing that the page must do."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("smoke") is None:
            item.add_marker(pytest.mark.slow)


LANDLORD = Rule("landlord", Fault.CONTEXT_LENGTH)
"""Why one of the example's first four rows ends in quarantine."""


class Site:
    """The app, as tests use it."""

    def __init__(self, url: str, runs_dir: Path, fake: FakeOpenAI, fake_url: str = "") -> None:
        self.url = url
        self.fake_url = fake_url
        self.runs_dir = runs_dir
        self.pipelines_dir = runs_dir.parent / "pipelines"
        self.fake = fake

    @contextlib.contextmanager
    def faults(self, *rules: Rule) -> Iterator[None]:
        """The model has these faults, no others, and answers at once."""
        before = self.fake.behaviour
        self.fake.behaviour = Behaviour(rules=rules)
        try:
            yield
        finally:
            self.fake.behaviour = before


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app on a free port with a few examples; runs go without Prefect. `long` goes on until it is stopped."""
    folder = tmp_path_factory.mktemp("site")
    examples = folder / "examples"
    examples.mkdir()
    (examples / "quickstart.yaml").write_text((ROOT / "examples" / "quickstart.yaml").read_text())
    (examples / "hostile.yaml").write_text(HOSTILE)
    (folder / "rows.jsonl").write_text("".join(f'{{"instruction": "Question {at}"}}\n' for at in range(5000)))
    fake = FakeOpenAI(Behaviour(latency_s=0.4, rules=[LANDLORD]))
    with running(fake) as url:
        (examples / "slow.yaml").write_text(SLOW.replace("URL", url))
        (examples / "long.yaml").write_text(LONG.replace("URL", url).replace("ROWS", str(folder / "rows.jsonl")))
        with serving(folder / "runs", "--inline", "--examples", str(examples)) as address:
            yield Site(address, folder / "runs", fake, url)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Fails the test when a page threw, or asked another machine."""
    found = Watched()
    yield found
    assert found.wrong == []


@pytest.fixture(autouse=True)
def nothing_is_saved(site: Site) -> None:
    """Each test finds the examples as they are, and no replies that previews of another test paid for."""
    shutil.rmtree(site.pipelines_dir, ignore_errors=True)
    shutil.rmtree(previews_of(site.runs_dir), ignore_errors=True)


@pytest.fixture
def page(chromium: Any, watched: Watched) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    yield watched.watch(context.new_page())
    context.close()
