"""For tests of your own pipelines: `pytest_plugins = ["flows.pytest_plugin"]` in conftest.py gives `distilflow_cassette`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from steps.cassettes import cassette

FOLDER = "cassettes"
FLAG = "--record-cassettes"


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "Send the requests of tests with distilflow_cassette to the models, and record the answers."
    parser.getgroup("distilflow").addoption(FLAG, action="store_true", help=help_text)


@pytest.fixture
def distilflow_cassette(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Answers the requests of a test to model servers from `cassettes/<file>/<test>.jsonl`, beside the test.

    With `--record-cassettes` they are sent, and the file is written.
    """
    name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    path = request.path.parent / FOLDER / request.path.stem / f"{name}.jsonl"
    is_recording = request.config.getoption(FLAG)
    if not is_recording and not path.is_file():
        pytest.fail(f"there is no cassette {path}\n  Fix: record it: pytest {request.node.nodeid} {FLAG}", pytrace=False)
    with cassette(path, "record" if is_recording else "replay") as found:
        yield found
