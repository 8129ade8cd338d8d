"""Names of the program in words for people."""

from __future__ import annotations

import re

_WORDS = {
    **{
        word: word.upper()
        for word in ("api", "cpu", "csv", "deita", "dpo", "gpu", "id", "json", "kto", "llm", "sft", "sql", "url", "yaml")
    },
    "cpus": "CPUs",
    "gpus": "GPUs",
    "filetype": "file type",
    "num": "number of",
}


def label_of(name: str) -> str:
    """`max_new_tokens` -> "Max new tokens", `base_url` -> "Base URL", `num_examples` -> "Number of examples"."""
    words = " ".join(_WORDS.get(word.lower(), word) for word in re.split(r"[\s_-]+", name) if word)
    return words[:1].upper() + words[1:]


def in_words(code: str) -> str:
    """`missing-column` -> "Missing column", `llm-failed` -> "LLM failed"."""
    return label_of(code)


def cut(text: str, most: int) -> str:
    """A text on one line, of at most so many characters: cut after a word, where one ends in its second half."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    kept = line[:most].rpartition(" ")[0].rstrip(" ,;:.·")
    return f"{kept if len(kept) >= most // 2 else line[: most - 1]}…"
