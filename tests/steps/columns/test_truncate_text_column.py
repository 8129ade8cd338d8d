from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from steps.columns.truncate_text_column import TruncateTextColumn
from steps.errors import RowError, RunError


def words(text: str, **options: Any) -> dict[str, list[tuple[int, int]]]:
    """A tokenizer that takes each word for a token."""
    return {"offset_mapping": [match.span() for match in re.finditer(r"\S+", text)]}


def bytes_of_emoji(text: str, **options: Any) -> dict[str, list[tuple[int, int]]]:
    """A tokenizer that needs two tokens for each character."""
    return {"offset_mapping": [(at, at + 1) for at in range(len(text)) for _ in range(2)]}


def use_tokenizer(monkeypatch: pytest.MonkeyPatch, tokenizer: Any) -> None:
    library = SimpleNamespace(AutoTokenizer=SimpleNamespace(from_pretrained=lambda name: tokenizer))
    monkeypatch.setitem(sys.modules, "transformers", library)


@pytest.mark.parametrize(("text", "kept"), [("hello", "hel"), ("hi", "hi"), ("", ""), (None, None)])
def test_texts_are_cut_by_characters(text: str | None, kept: str | None) -> None:
    assert TruncateTextColumn(max_length=3).process([{"text": text}]) == [{"text": kept}]


@pytest.mark.parametrize(("text", "kept"), [("one two  three", "one two"), ("one", "one"), ("one two ", "one two ")])
def test_texts_are_cut_by_tokens(text: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tokenizer(monkeypatch, words)

    assert TruncateTextColumn(max_length=2, tokenizer="acme/words").process([{"text": text}]) == [{"text": kept}]


def test_a_character_of_several_tokens_is_kept_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tokenizer(monkeypatch, bytes_of_emoji)

    assert TruncateTextColumn(max_length=3, tokenizer="acme/bytes").process([{"text": "🦆🦢"}]) == [{"text": "🦆"}]


def test_a_column_of_something_else_is_refused() -> None:
    with pytest.raises(RowError, match="'n' holds a int, not text"):
        TruncateTextColumn(column="n").process([{"n": 5}])


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)

    with pytest.raises(RunError, match=re.escape("pip install 'distilflow[transformers]'")):
        TruncateTextColumn(tokenizer="gpt2").load()
