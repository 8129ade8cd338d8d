"""Values of a row as a prompt shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steps.json_texts import text_or_json


def sections(values: Mapping[str, Any]) -> str:
    """Each value between tags of its name.

    Example:
        >>> print(sections({"query": "2+2?", "calls": [{"name": "add"}]}))
        <query>
        2+2?
        </query>
        <BLANKLINE>
        <calls>
        [{"name": "add"}]
        </calls>
    """
    return "\n\n".join(f"<{name}>\n{text_or_json(value)}\n</{name}>" for name, value in values.items())
