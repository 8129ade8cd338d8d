"""Keys for the fake providers of batches."""

from __future__ import annotations

import pytest

from tests.fakes.providers import BAD_KEY
from tests.fakes.providers.batches import KEY


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)
    monkeypatch.setenv("BAD_KEY", BAD_KEY)
