from __future__ import annotations

import re
import sys

import pytest

from steps.errors import RunError
from steps.filters.filter_language import FilterLanguage

GERMAN = "Der Hund bellt den ganzen Tag vor dem Haus, weil niemand mit ihm spazieren geht."
ENGLISH = "The dog barks all day in front of the house because nobody takes it for a walk."
JAPANESE = "犬は一日中家の前で吠えています。"


@pytest.mark.parametrize(("text", "language"), [(GERMAN, "de"), (ENGLISH, "en"), (JAPANESE, "ja")])
def test_a_language_is_told(text: str, language: str) -> None:
    [row] = FilterLanguage(languages=["en", "de"]).process([{"text": text}])

    assert row["language"] == language
    assert 0.9 < row["language_confidence"] <= 1
    assert row["keep_row_after_language_filtering"] is (language in ("en", "de"))


@pytest.mark.parametrize("text", ["", "ok", "12345", "🦆"])
def test_of_a_text_that_says_little_it_is_not_sure(text: str) -> None:
    [row] = FilterLanguage(min_confidence=0.9).process([{"text": text}])

    assert row["keep_row_after_language_filtering"] is False


def test_another_column_can_be_looked_at_and_rows_dropped() -> None:
    step = FilterLanguage(column="reply", drop=True)

    made = step.process([{"reply": GERMAN}, {"reply": ENGLISH}])

    assert [row["reply"] for row in made] == [ENGLISH]


def test_a_language_that_it_does_not_know_is_told() -> None:
    with pytest.raises(RunError, match="there is no language 'ger'") as refused:
        FilterLanguage(languages=["en", "ger"]).load()

    assert " de " in refused.value.fix


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)

    with pytest.raises(RunError, match=re.escape("needs `py3langid`")):
        FilterLanguage().load()
