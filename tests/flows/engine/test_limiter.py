"""When requests may leave: single behaviours, and whole runs in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.limiter_simulation import CASES, percentile
from benchmarks.virtual_time import World, limited, simulate
from flows.engine.limiter import Limiter, Ticket
from flows.engine.limits import Limit, Limits


def send_all(limiter: Limiter, now: float, most: int = 1000, tokens: float = 0) -> list[Ticket]:
    """Everything that may leave now."""
    tickets: list[Ticket] = []
    while len(tickets) < most and limiter.delay(now, tokens) == 0:
        tickets.append(limiter.sent(now, tokens))
    return tickets


def answer(limiter: Limiter, now: float, ticket: Ticket, limits: Limits | None = None) -> None:
    limiter.replied(now, ticket, limits)
    limiter.released(ticket)


def answer_all(limiter: Limiter, now: float) -> list[Ticket]:
    """Everything that may leave now, answered at once."""
    tickets = send_all(limiter, now)
    for ticket in tickets:
        answer(limiter, now, ticket)
    return tickets


def test_the_full_window_is_under_way_within_a_fifth_of_a_second() -> None:
    limiter = Limiter(256)
    sent = sum(len(send_all(limiter, millisecond / 1000)) for millisecond in range(200))

    assert sent == 256
    assert limiter.delay(0.2) is None


def test_a_slot_is_held_until_the_reply_is_durable() -> None:
    limiter = Limiter(1)
    [ticket] = send_all(limiter, 0.0)

    limiter.replied(1.0, ticket)
    assert limiter.delay(1.0) is None

    limiter.released(ticket)
    limiter.released(ticket)
    assert (limiter.held, limiter.delay(1.0)) == (0, 0)


def test_a_failure_frees_the_slot_and_slows_nothing_down() -> None:
    limiter = Limiter(2)
    for ticket in send_all(limiter, 0.0):
        limiter.released(ticket)

    assert len(send_all(limiter, 0.1)) == 2


def test_the_refused_request_waits_as_long_as_the_server_says() -> None:
    limiter = Limiter(8)
    tickets = send_all(limiter, 0.0)

    assert limiter.refused(0.01, tickets[-1], 7.0) == 7.0


def test_after_a_refusal_one_request_goes_first_and_alone() -> None:
    limiter = Limiter(8)
    tickets = send_all(limiter, 0.0)
    limiter.refused(0.01, tickets[-1], 4.0)
    for ticket in tickets[:-1]:
        answer(limiter, 0.2, ticket)

    assert limiter.delay(0.2) == pytest.approx(0.81)
    opens = next(at / 100 for at in range(100, 200) if limiter.delay(at / 100) == 0)
    assert len(send_all(limiter, opens)) == 1
    assert limiter.delay(opens) == pytest.approx(0.02)


def test_a_server_that_means_its_retry_after_is_waited_for() -> None:
    limiter = Limiter(8)
    tickets = send_all(limiter, 0.0)
    limiter.refused(0.01, tickets[-1], 40.0)
    limiter.delay(20.0)
    [scout] = send_all(limiter, 20.25)

    limiter.refused(20.26, scout, 20.0)

    assert limiter.delay(20.26) == pytest.approx(20.0)


@pytest.mark.parametrize("retry_after_s", [None, 0.0, 1.0, 20.0])
def test_a_server_that_refuses_everything_is_asked_now_and_then(retry_after_s: float | None) -> None:
    limiter, sent_at, now = Limiter(64), [], 0.0
    while now < 120:
        delay = limiter.delay(now)
        if delay == 0:
            sent_at.append(now)
            limiter.refused(now + 0.01, limiter.sent(now), retry_after_s)
        now += max(0.01, delay or 0.0)

    assert 5 <= len(sent_at) < 60
    assert sent_at[-1] > 95


def test_a_server_that_refused_everything_is_used_in_full_soon_after() -> None:
    world = World(rows=600, rates=((0.0, 1e-9), (20.0, 60)), burst=0, retry_after_s=1.0)
    ideal_s = 20 + 600 / 60

    assert simulate(replace(world, burst=60), seed=0).span_s < ideal_s + 4 + 4  # the longest pause, and learning


def test_a_limit_per_minute_that_the_user_set_is_never_passed() -> None:
    limiter = Limiter(1000, requests_per_minute=600)
    times = [at / 100 for at in range(12000) for _ in answer_all(limiter, at / 100)]

    assert len(times) == pytest.approx(1200, abs=15)
    assert max(sum(start <= time < start + 60 for time in times) for start in range(60)) <= 611


def test_of_several_fixed_limits_the_least_holds() -> None:
    limiter = Limiter(1, requests_per_minute=1200)
    limiter.allow(1000, 600, None)
    limiter.allow(10, 6000, None)

    assert limiter.window == 1000
    assert len(answer_all(limiter, 0.0)) == 4  # as many as leave at once before anything is known of the server
    times = [at / 100 for at in range(6000) for _ in answer_all(limiter, at / 100)]
    assert len(times) == pytest.approx(600, abs=15)


def test_tokens_are_counted_as_estimated_and_put_right_when_the_reply_comes() -> None:
    limiter = Limiter(1000, tokens_per_minute=60_000)
    assert len(send_all(limiter, 0.0, tokens=500)) == 2

    dear, cheap = Limiter(1000, tokens_per_minute=60_000), Limiter(1000, tokens_per_minute=60_000)
    for other, used in ((dear, 3000), (cheap, 100)):
        [ticket] = send_all(other, 0.0, tokens=1000)
        other.replied(0.1, ticket, tokens_used=used)
        other.released(ticket)

    assert len(send_all(dear, 1.0, tokens=1000)) == 0
    assert len(send_all(cheap, 0.2, tokens=1000)) == 1


def test_a_request_larger_than_the_token_limit_leaves_all_the_same() -> None:
    limiter = Limiter(8, tokens_per_minute=60)

    assert len(send_all(limiter, 0.0, tokens=500)) == 1
    assert limiter.delay(0.1, tokens=500) == pytest.approx(1.0)


def test_what_the_server_says_is_left_is_not_exceeded() -> None:
    limiter = Limiter(64)
    [ticket, *_] = send_all(limiter, 0.0, most=1)
    answer(limiter, 0.1, ticket, Limits(requests=Limit(limit=10, remaining=3, reset_s=7.0)))

    sent = sum(len(send_all(limiter, 0.1 + millisecond / 1000)) for millisecond in range(500))

    assert sent == 3
    assert limiter.delay(1.2) == 0  # one a second flows in


def test_what_the_server_says_about_tokens_counts_too() -> None:
    limiter = Limiter(64)
    [ticket] = send_all(limiter, 0.0, most=1, tokens=100)
    answer(limiter, 0.1, ticket, Limits(tokens=Limit(limit=1000, remaining=200, reset_s=8.0)))

    sent = sum(len(send_all(limiter, 0.1 + millisecond / 1000, tokens=100)) for millisecond in range(200))

    assert sent == 2


@pytest.mark.parametrize(
    "said", [Limit(60, 60, 0.0), Limit(60, 60, 5.0), Limit(60, 0, 0.0)], ids=["full", "full-soon", "no-time"]
)
def test_words_without_a_rate_hold_nobody_up(said: Limit) -> None:
    limiter = Limiter(64)
    [ticket] = send_all(limiter, 0.0, most=1)
    answer(limiter, 0.1, ticket, Limits(said, said))

    assert limiter.delay(0.2, tokens=10) == 0


def test_the_window_shrinks_where_requests_only_queue_and_loses_nothing() -> None:
    outcome = simulate(World(rows=6000, workers=32, has_formula=False), seed=1)

    assert outcome.last_window < 160
    assert outcome.ratio < 1.03


def test_a_run_that_takes_turns_with_another_gets_its_share() -> None:
    world = limited(60, 300, clients=2)
    ratios = [simulate(world, seed).ratio for seed in range(20)]

    assert max(ratios) < 1.5


@pytest.mark.parametrize("name", CASES)
def test_runs_come_close_to_what_the_server_allows(name: str) -> None:
    case = CASES[name]
    outcomes = [simulate(case.world, seed) for seed in range(max(2, min(10, 6000 // case.world.rows)))]

    ratios = [outcome.ratio for outcome in outcomes]
    assert percentile(ratios, 50) <= case.p95
    assert max(ratios) <= case.worst
    assert max(outcome.refusals for outcome in outcomes) <= case.refusals
