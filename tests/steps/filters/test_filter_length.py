from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from steps.errors import MissingValue, RowError
from steps.filters.filter_length import FilterLength

KEPT = "keep_row_after_length_filtering"


def pairs_of_signs(text: str, **options: Any) -> dict[str, list[tuple[int, int]]]:
    """A tokenizer that takes every two characters for a token."""
    return {"offset_mapping": [match.span() for match in re.finditer(r"(?s)..?", text)]}


def judged(text: Any, **params: Any) -> tuple[int, bool]:
    [row] = FilterLength(**params).process([{"text": text}])
    return row["text_length"], row[KEPT]


@pytest.mark.parametrize(
    ("text", "params", "said"),
    [
        ("abc", {}, (3, True)),
        ("", {}, (0, False)),
        ("abc", {"min_length": 3, "max_length": 3}, (3, True)),
        ("abcd", {"max_length": 3}, (4, False)),
        (" one  two\n", {"unit": "words", "max_length": 2}, (2, True)),
        ("🦆", {"max_length": 1}, (1, True)),
    ],
)
def test_both_limits_are_still_kept(text: str, params: dict[str, Any], said: tuple[int, bool]) -> None:
    assert judged(text, **params) == said


def test_tokens_are_those_of_the_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(AutoTokenizer=SimpleNamespace(from_pretrained=lambda name: pairs_of_signs))
    monkeypatch.setitem(sys.modules, "transformers", library)

    assert judged("abcde", unit="tokens", tokenizer="acme/pairs", max_length=3) == (3, True)


@pytest.mark.parametrize(
    ("params", "what"),
    [({"min_length": 5, "max_length": 4}, "longer than 5 and shorter than 4"), ({"unit": "tokens"}, "no `tokenizer`")],
)
def test_limits_that_nothing_meets_are_told_before_the_run(params: dict[str, Any], what: str) -> None:
    [(said, _)] = [complaint for complaint in FilterLength(**params).check() if isinstance(complaint, tuple)]

    assert what in said


@pytest.mark.parametrize(("value", "kind"), [(None, MissingValue), (float("nan"), MissingValue), (["x"], RowError)])
def test_what_is_no_text_is_refused(value: Any, kind: type[RowError]) -> None:
    with pytest.raises(kind, match="'text'"):
        judged(value)
