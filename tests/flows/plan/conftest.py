from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.describing import allow


@pytest.fixture(scope="module")
def own() -> Iterator[dict[str, str]]:
    """How pipelines name the steps of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLOW_STEP_MODULES", "")
        yield allow()
