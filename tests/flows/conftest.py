from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.commands import Commands


@pytest.fixture
def surroundings() -> dict[str, str]:
    """Environment variables for `commands`."""
    return {}


@pytest.fixture
def commands(tmp_path: Path, surroundings: dict[str, str]) -> Iterator[Commands]:
    """`distilflow` in a folder of this test; nothing that it started may outlive the test."""
    found = Commands(tmp_path, **surroundings)
    yield found
    found.wait_until_gone()
