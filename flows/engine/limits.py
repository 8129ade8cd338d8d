"""What a server says about its limits: the `x-ratelimit-*` headers of OpenAI and its kin, those of Anthropic and of Mistral."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST_RESET_S = 600.0
"""A limit that is whole again later than this is no pace to keep: a day's limit, or nonsense. 429s tell when it is met."""
MINUTE_S = 60.0
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


@dataclass(frozen=True, slots=True)
class Limit:
    """One allowance of a key: `remaining` of `limit` may be used now, all of it again `reset_s` seconds later."""

    limit: float
    remaining: float
    reset_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reply said. `None`: nothing, or nothing that makes sense."""

    requests: Limit | None = None
    tokens: Limit | None = None


def read_limits(headers: Mapping[str, str], now: datetime | None = None) -> Limits | None:
    """The limits in these headers (any case, if the mapping ignores case; else lower case).

    A time of day is compared with `now`, by default this machine's clock.
    """
    requests = _read(headers, "x-ratelimit-{}-requests", now) or _read(headers, "anthropic-ratelimit-requests-{}", now)
    tokens = _read(headers, "x-ratelimit-{}-tokens", now) or _read(headers, "anthropic-ratelimit-tokens-{}", now)
    requests = requests or _of_a_minute(headers, "x-ratelimit-{}-req-minute")
    tokens = tokens or _of_a_minute(headers, "x-ratelimit-{}-tokens-minute")
    return Limits(requests, tokens) if requests or tokens else None


def _of_a_minute(headers: Mapping[str, str], name: str) -> Limit | None:
    """What Mistral says: how much of this minute's allowance is left, and not when it is whole again."""
    limit, remaining = _number(headers.get(name.format("limit"), "")), _number(headers.get(name.format("remaining"), ""))
    if not limit or remaining is None or remaining >= limit:
        return None
    return Limit(limit, remaining, MINUTE_S * (limit - remaining) / limit)


def _read(headers: Mapping[str, str], name: str, now: datetime | None) -> Limit | None:
    allowed = headers.get(name.format("limit"))
    if allowed is None:  # most servers send none of this
        return None
    limit = _number(allowed)
    remaining = _number(headers.get(name.format("remaining"), ""))
    reset_s = seconds(headers.get(name.format("reset"), ""), now)
    if not limit or remaining is None or reset_s is None or reset_s > LONGEST_RESET_S:
        return None
    return Limit(limit, min(remaining, limit), reset_s)


def seconds(text: str, now: datetime | None = None) -> float | None:
    """Seconds in `1s`, `6m0s`, `120ms`, `2.5` or until `2026-01-27T12:00:00Z`; None for anything else."""
    text = text.strip()
    if (value := _number(text)) is not None:
        return value
    if _DURATION.fullmatch(text):
        total_s = sum(float(value) * _UNITS_S[unit] for value, unit in _PART.findall(text))
        return total_s if math.isfinite(total_s) else None
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
