"""Names of the program in words for people."""

from __future__ import annotations

_WORDS = {"llm": "LLM", "url": "URL", "api": "API", "id": "ID", "json": "JSON", "dpo": "DPO"}


def label_of(name: str) -> str:
    """`max_new_tokens` -> "Max new tokens", `base_url` -> "Base URL"."""
    words = [_WORDS.get(word, word) for word in name.split("_") if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def in_words(code: str) -> str:
    """`missing-column` -> "Missing column"."""
    return code.replace("-", " ").capitalize()
