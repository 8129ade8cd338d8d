"""Keys and tokens: `${ENV_NAME}` in files, never the key itself.

A field of type `Secret` shows stars wherever it is printed, and is written to a file only when it is a reference.
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Any

from pydantic import BaseModel, Field, SecretStr

TRANSPORT: dict[str, Any] = {"transport": True}
"""`json_schema_extra` of fields that say how something is reached, not what comes back: they are no part of a step's key."""

LATER: dict[str, Any] = {"is_later": True}
"""The same of fields that came after replies had been paid for: as long as they are left alone they are no part of a key."""

Secret = Annotated[SecretStr, Field(json_schema_extra={"writeOnly": True, **TRANSPORT})]
HubToken = Annotated[
    Secret | None,
    Field(
        description="${NAME} of the variable that holds the Hub's token. Empty for $HF_TOKEN.",
        json_schema_extra={"writeOnly": True, **TRANSPORT},
    ),
]

REFERENCE = r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}"
"""What `${ENV_NAME}` looks like."""


def referred(text: str) -> str | None:
    """The variable that a text refers to when it is nothing but `${ENV_NAME}`."""
    reference = re.fullmatch(REFERENCE, text.strip())
    return reference[1] if reference else None


_MAY_NAME_KEY = re.compile(
    r"key(?!word|board)|token(?!i[sz]e)|secret|password|credential|auth(?!or(?!i[sz]))|cookie", re.IGNORECASE
)


def may_name_key(name: str) -> bool:
    """Whether a parameter, header or variable of this name may hold a key; rather too often than once too seldom."""
    return _MAY_NAME_KEY.search(name) is not None


def reveal(secret: SecretStr | None, default_variable: str) -> str | None:
    """The key itself: the value given in Python, what `${ENV_NAME}` points to, or else the default variable."""
    if secret is None:
        return os.environ.get(default_variable)
    variable = variable_of(secret)
    return os.environ.get(variable) if variable else secret.get_secret_value()


def variable_of(secret: SecretStr) -> str | None:
    """The variable that a reference names; None for a key itself."""
    return referred(secret.get_secret_value())


def without_secrets(model: BaseModel, dumped: dict[str, Any]) -> dict[str, Any]:
    """A dump of `model` that may be written to a file: references stay, keys are left out."""
    safe = dict(dumped)
    for name in dumped.keys() & type(model).model_fields.keys():
        value = getattr(model, name)
        if isinstance(value, SecretStr):
            kept: Any = _written(value)
        elif isinstance(value, list) and any(isinstance(item, SecretStr) for item in value):
            kept = [text for item in value if isinstance(item, SecretStr) and (text := _written(item))]
        else:
            continue
        if kept:
            safe[name] = kept
        else:
            del safe[name]
    return safe


def _written(secret: SecretStr) -> str | None:
    """What a file may hold: a reference, never a key."""
    return secret.get_secret_value().strip() if variable_of(secret) else None


# ---- keys in texts

KEY_LIKE = (
    r"\bsk-[A-Za-z0-9_-]{20,}"
    r"|\bgsk_[A-Za-z0-9]{20,}"
    r"|\bhf_[A-Za-z0-9]{30,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{40,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}"
    r"|\b(?:xai-|fw_|nvapi-|tgp_v1_)[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""What keys and tokens of common services look like; for `re` and for RE2."""
KEY_BEGINNINGS = (
    *("sk-", "gsk_", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "AKIA", "ASIA", "AIza", "ya29."),
    *("xai-", "fw_", "nvapi-", "tgp_v1_", "eyJ", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "-----BEGIN "),
)
"""What each of them begins with: a text is looked through for these many times faster than for `KEY_LIKE`."""

_NAMED_SECRET = re.compile(r"(?:_API_KEY|_TOKEN|_SECRET|_PASSWORD|_ACCESS_KEY)$|^HF_TOKEN$")
_SHORTEST = 16


def secrets_here() -> list[str]:
    """The keys and tokens in this process's environment: what must be in no text that is handed on."""
    found = {value.strip() for name, value in os.environ.items() if _NAMED_SECRET.search(name)}
    return sorted(value for value in found if len(value) >= _SHORTEST)


def has_key(text: str) -> bool:
    """Whether a text holds a key of this machine, or something that looks like one."""
    return re.search(KEY_LIKE, text) is not None or any(secret in text for secret in secrets_here())
