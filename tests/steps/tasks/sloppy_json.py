"""Writes JSON as models do: each slip can be made or not, and the value is the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

PYTHON = {"true": "True", "false": "False", "null": "None"}


@dataclass(frozen=True)
class Slips:
    """The mistakes that are made while a value is written, and what stands around it."""

    single_quotes: bool = False
    python_literals: bool = False
    raw_line_breaks: bool = False
    bare_keys: bool = False
    trailing_commas: bool = False
    comments: bool = False
    no_closers: bool = False
    is_fenced: bool = False
    remark_before: str = ""
    remark_after: str = ""
    thought: str = ""

    def write(self, value: dict[str, Any]) -> str:
        text = self._value(value)
        if self.no_closers:
            text = text.rstrip("}] ,\n")
        if self.is_fenced:
            text = f"```json\n{text}\n```"
        return f"{self.thought}{self.remark_before}{text}{self.remark_after}"

    def _value(self, value: Any) -> str:
        if isinstance(value, dict):
            return self._parts("{", [f"{self._key(key)}: {self._value(item)}" for key, item in value.items()], "}")
        if isinstance(value, list):
            return self._parts("[", [self._value(item) for item in value], "]")
        if isinstance(value, str):
            return self._text(value)
        literal = json.dumps(value)
        return PYTHON.get(literal, literal) if self.python_literals else literal

    def _parts(self, opener: str, parts: list[str], closer: str) -> str:
        comma = ", // the next one\n" if self.comments else ", "
        last = comma if self.trailing_commas and parts else ""
        return f"{opener}{comma.join(parts)}{last}{closer}"

    def _key(self, key: str) -> str:
        return key if self.bare_keys else self._text(key)

    def _text(self, text: str) -> str:
        written = json.dumps(text, ensure_ascii=False)
        if self.raw_line_breaks:
            written = written.replace("\\n", "\n")
        if self.single_quotes:
            written = "'" + written[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
        return written
