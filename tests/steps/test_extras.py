from __future__ import annotations

import pytest

from steps.errors import RunError
from steps.extras import extra, without_extra


def test_a_package_that_is_there_is_imported() -> None:
    assert extra("json.decoder", "samplers", "a test").JSONDecoder
    assert without_extra("json", "samplers", "a test") == ()


def test_a_package_that_is_missing_is_named_with_what_to_do() -> None:
    with pytest.raises(RunError, match="a test needs `no_such_package`") as caught:
        extra("no_such_package.inside", "samplers", "a test")

    assert caught.value.fix == "pip install 'distilflow[samplers]'"
    assert without_extra("no_such_package", "samplers", "a test") == (
        ("a test needs `no_such_package`, which is not installed", caught.value.fix),
    )
