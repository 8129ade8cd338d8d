from __future__ import annotations

import pytest

from app.handlers.wording import cut, label_of


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("max_new_tokens", "Max new tokens"),
        ("base_url", "Base URL"),
        ("filetype", "File type"),
        ("num_examples", "Number of examples"),
        ("sft", "SFT"),
        ("prometheus-offline", "Prometheus offline"),
        ("DPO_small", "DPO small"),
        ("", ""),
    ],
)
def test_names_become_labels(name: str, label: str) -> None:
    assert label_of(name) == label


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("short enough", 12, "short enough"),
        ("Judges answers, with a model", 16, "Judges answers…"),
        ("two\n  lines", 20, "two lines"),
        ("a-file-name-without-any-space.jsonl", 10, "a-file-na…"),
        ("a verylongwordthatgoeson", 12, "a verylongw…"),
    ],
)
def test_texts_are_cut_after_a_word_where_there_is_one(text: str, most: int, short: str) -> None:
    assert cut(text, most) == short
    assert len(short) <= most
