"""Values of a row as a prompt shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


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
    return "\n\n".join(f"<{name}>\n{as_text(value)}\n</{name}>" for name, value in values.items())
