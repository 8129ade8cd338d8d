"""When a server counts as gone, and when it is asked whether it is back."""

from __future__ import annotations

import pytest

from flows.engine.breaker import LONGEST_PAUSE_S, Breaker


def broken() -> Breaker:
    """A server that has answered, and cannot be reached since second 100."""
    breaker = Breaker()
    breaker.answered(1)
    assert breaker.unreachable(100.0, 2)
    return breaker


def test_a_server_that_never_answered_is_not_waited_for() -> None:
    breaker = Breaker()

    assert not breaker.unreachable(0.0, 1)
    assert not breaker.is_open


def test_one_request_at_a_time_goes_out_to_see_less_and_less_often() -> None:
    breaker, now, pauses = broken(), 100.0, []
    for request in range(10, 20):
        delay = breaker.delay(now)
        assert delay is not None
        pauses.append(delay)
        now += delay
        breaker.sent(request)
        assert breaker.delay(now) is None
        assert not breaker.unreachable(now, request)
        breaker.released(request)

    for at, pause in enumerate(pauses):
        longest = min(LONGEST_PAUSE_S, 2.0**at)
        assert 0.8 * longest <= pause <= longest
    assert breaker.outages == 1
    assert breaker.lasts_s(now) == pytest.approx(sum(pauses))


def test_requests_that_left_before_the_outage_neither_end_nor_prolong_it() -> None:
    breaker = broken()
    before = breaker.delay(100.0)

    assert not breaker.unreachable(100.0, 3)
    assert not breaker.answered(4)

    assert breaker.is_open
    assert breaker.delay(100.0) == before


def test_an_answer_to_the_one_that_sees_ends_it() -> None:
    breaker = broken()
    breaker.sent(5)

    assert breaker.answered(5)
    assert not breaker.is_open


def test_when_the_one_that_sees_is_given_up_another_one_follows() -> None:
    breaker = broken()
    breaker.sent(5)
    breaker.released(5)

    delay = breaker.delay(101.0)
    assert delay is not None
    assert delay <= 1.0
