"""Reading what servers say about their limits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flows.engine.limits import Limit, Limits, read_limits, seconds

NOW = datetime(2026, 1, 27, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("1m2.5s", 62.5),
        ("1h2m3s", 3723.0),
        ("1d", 86400.0),
        ("2", 2.0),
        (" 0.5 ", 0.5),
        ("2026-01-27T12:00:30Z", 30.0),
        ("2026-01-27T13:00:30+01:00", 30.0),
        ("2026-01-27T11:59:00Z", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1s and more", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("9" * 400 + "s", None),
    ],
)
def test_times_are_read_in_the_forms_that_servers_use(text: str, expected: float | None) -> None:
    assert seconds(text, NOW) == (pytest.approx(expected) if expected is not None else None)


def test_openai_names_requests_and_tokens() -> None:
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert read_limits(headers) == Limits(Limit(60, 59, 1), Limit(150000, 149984, 360))


def test_anthropic_names_a_time_of_day() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "40",
        "anthropic-ratelimit-requests-reset": "2026-01-27T12:00:12Z",
    }
    assert read_limits(headers, NOW) == Limits(Limit(50, 40, 12), None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit-requests": "60"},
        {"x-ratelimit-limit-requests": "sixty", "x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1s"},
        {"x-ratelimit-limit-requests": "0", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"},
        {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "1s"},
        {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "later"},
    ],
)
def test_what_makes_no_sense_is_ignored(headers: dict[str, str]) -> None:
    assert read_limits(headers) is None


@pytest.mark.parametrize(
    ("left", "seen"),
    [("45", Limit(60, 45, 15.0)), ("0", Limit(60, 0, 60.0)), ("60", None), ("many", None)],
)
def test_mistral_says_what_is_left_of_a_minute(left: str, seen: Limit | None) -> None:
    headers = {"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": left}

    found = read_limits(headers)

    assert (found.requests if found else None) == seen
