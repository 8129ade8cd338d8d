"""Tokens of a text as a model on the Hub counts them."""

from __future__ import annotations

from typing import Any

from steps.errors import RunError
from steps.extras import extra


def load_tokenizer(name: str) -> Any:
    """The tokenizer of this model.

    Raises:
        RunError: `transformers` is missing, or the Hub has no such tokenizer.
    """
    library = extra("transformers", "transformers", "counting tokens")
    try:
        return library.AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise RunError(f"tokenizer {name!r} cannot be loaded: {error}", "check its name") from error


def token_spans(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """Where each token begins and ends in the text."""
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans: list[tuple[int, int]] = found["offset_mapping"]
    return spans
