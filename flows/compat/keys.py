"""Keys in the files of others: found by what they look like, and by the names they stand under."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from steps.secrets import KEY_LIKE, may_name_key, referred, secrets_here

_ADDRESS = re.compile(r"(?<=://)[^/\s@:]{0,300}:[^/\s@]{0,300}@")
"""User and password in an address."""
_IN_QUERY = re.compile(r"([?&][^=&\s#]{0,40}(?:key|token|secret|password|sig)[^=&\s#]{0,40}=)[^&\s#]+", re.IGNORECASE)
_NO_KEYS = re.compile(r"step_token|special_token|max.*token|[eps]os_token|pad_token", re.IGNORECASE)
"""Parameters that are called as keys are, and hold none."""
_OPEN = re.compile(r"headers|kwargs|storage_options|extra_body", re.IGNORECASE)
"""Mappings with names of the user's choice, of which some may be keys."""
REMOVED = "removed-key"


class Keys:
    """Takes keys out of values. `tell(step, name, fix)` hears of each that was left out."""

    def __init__(self, tell: Callable[[str, str, str], None]) -> None:
        self._tell = tell
        here = map(re.escape, secrets_here())  # read once: a file may have a million values
        self._like = re.compile("|".join((KEY_LIKE, *here)))

    def text(self, text: str) -> str:
        """A text without what looks like a key, and an address without its password."""
        if "://" in text:
            text = _IN_QUERY.sub(rf"\1{REMOVED}", _ADDRESS.sub("", text))
        return self._like.sub(REMOVED, text)

    def names(self, value: Any) -> Any:
        """Names, such as those of columns, without what looks like a key."""
        if isinstance(value, dict):
            return {self.text(str(name)): self.names(one) for name, one in value.items()}
        if isinstance(value, list):
            return list(map(self.names, value))
        return self.text(value) if isinstance(value, str) else value

    def value(self, name: str, value: Any, step: str, *, is_content: bool = False) -> Any:
        """A value without keys in it: they become references to a variable of the environment.

        `is_content`: its inner names are words of the user's data, such as labels, and say nothing of what stands there.
        """
        is_secret = may_name_key(name) and not _NO_KEYS.search(name)
        return self._value(name, value, step, is_secret, is_content and not is_secret and not _OPEN.search(name))

    def _value(self, name: str, value: Any, step: str, is_secret: bool, is_content: bool) -> Any:
        if isinstance(value, dict):
            if list(value) == ["_secret_value"]:  # what distilabel writes of a key in YAML
                return self._value(name, value["_secret_value"], step, True, False)
            found = {}
            for key, one in value.items():
                own = not is_content and may_name_key(key) and not _NO_KEYS.search(key)
                inner = name if is_secret and not own else key
                found[self.text(key)] = self._value(inner, one, step, is_secret or own, is_content)
            return found
        if isinstance(value, list):
            return [self._value(name, one, step, is_secret, is_content) for one in value]
        if not isinstance(value, str) or not value or referred(value):
            return value
        if (is_secret and not any(letter.isspace() for letter in value)) or self._like.search(value):
            variable = re.sub(r"\W", "_", self.text(name), flags=re.ASCII).upper().lstrip("0123456789") or "KEY"
            self._tell(step, self.text(name), f"; set ${variable[:80]}")
            return f"${{{variable[:80]}}}"
        if (bare := self.text(value)) != value:
            self._tell(step, self.text(name), " as it was: it has a key in it")
        return bare
