"""A server that limits requests and clients that use a `Limiter`, in virtual time: seconds of run in milliseconds of CPU."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from flows.engine.limiter import Limiter, Ticket
from flows.engine.limits import Limits, read_limits

OPENING_TURNS = 4
"""Turns of the event loop that a new connection takes, on each side."""

Latency = Callable[[random.Random, float, int], float]
"""Seconds a reply takes; gets a source of randomness, the time, and how many requests the server works on."""


def around(mean_s: float) -> Latency:
    """Replies that take about as long as each other."""
    return lambda rng, now, running: mean_s * rng.uniform(0.9, 1.1)


def batching(rng: random.Random, now: float, running: int) -> float:
    """A GPU: replies take longer the more are worked on, and more come out per second all the same."""
    return 0.2 * (1 + running / 64) * rng.uniform(0.9, 1.1)


def mixed(rng: random.Random, now: float, running: int) -> float:
    """Short answers at first, long ones later: slower replies, and no queue."""
    return (0.2 if now < 4 else 2.0) * rng.uniform(0.9, 1.1)


def heavy_tail(rng: random.Random, now: float, running: int) -> float:
    """One reply in 50 takes a hundred times as long as the others."""
    return 5.0 if rng.random() < 0.02 else 0.05


@dataclass(frozen=True)
class World:
    """A server, the network and the clients. `rates`: (from second, requests per second)."""

    rows: int
    rates: tuple[tuple[float, float], ...] = ((0.0, math.inf),)
    burst: float = 60
    retry_after_s: float | None = 1.0
    is_exact: bool = False
    """`Retry-After` is the time until there is room."""
    refill_s: float | None = None
    """The bucket does not fill little by little, but all at once after this time."""
    latency: Latency = field(default_factory=lambda: around(0.2))
    mean_latency_s: float = 0.2
    longest_latency_s: float = 0.2
    network_s: float = 0.002
    max_concurrency: int = 256
    clients: int = 1
    stagger_s: float = 0.01
    """A client starts about this much after the one before."""
    stall_s: float = 0.0
    opening_s: float = 0.0
    """What a new connection costs, the client as well as the server: neither does anything else meanwhile."""
    errors: float = 0.0
    headers: str = ""
    """When they are taken: at `arrival` or at `reply`; empty for never."""
    workers: int | None = None
    """This many requests are worked on at once, the others queue."""
    at_once: int | None = None
    """More requests than this at once are refused."""
    commit_s: float = 0.01
    longest_s: float = 3000.0
    has_formula: bool = True
    """The ideal can be calculated; else it is what a run without limiter takes."""
    has_limiter: bool = True
    """Without: as many requests at once as are allowed, always."""

    def ideal_s(self) -> float:
        """The shortest time in which all rows can be answered, and a round trip."""
        rows = self.rows * self.clients / (1 - self.errors)
        hops_s = 2.2 * self.network_s + 0.002
        held_s = self.mean_latency_s + hops_s + 0.8 * self.commit_s
        round_s = self.longest_latency_s + hops_s
        lanes = min(self.max_concurrency * self.clients, self.workers or math.inf, self.at_once or math.inf)
        by_lanes = rows * held_s / lanes if self.workers is None else rows * self.mean_latency_s / lanes
        by_rate, left = 0.0, rows - self.burst
        if self.refill_s is not None:
            by_rate, left = self.refill_s * (math.ceil(rows / self.burst) - 1), 0.0
        for at, (since, rate) in enumerate(self.rates):
            until = self.rates[at + 1][0] if at + 1 < len(self.rates) else math.inf
            if left <= 0:
                break
            took = min(until - since, left / rate if rate < math.inf else 0.0)
            left = left - rate * took if rate < math.inf else 0.0
            by_rate = since + took
        return max(by_rate, by_lanes) + round_s


def limited(rps: float, rows: int, *, burst: float | None = None, **more: Any) -> World:
    """A server with a token bucket, which holds as much as flows in during a second if nothing else is said."""
    return World(rows=rows, rates=((0.0, rps),), burst=rps if burst is None else burst, **more)


@dataclass(frozen=True)
class Outcome:
    """What one run took."""

    span_s: float
    ideal_s: float
    refusals: int
    sends: int
    most_in_flight: int
    last_window: int

    @property
    def ratio(self) -> float:
        """1: as fast as can be."""
        return self.span_s / self.ideal_s


class Server:
    """A token bucket, and whatever is behind it."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        self._level = world.burst
        self._at = 0.0
        self._free_at = [0.0] * (world.workers or 0)
        self._busy_until = 0.0
        self.running = 0

    def take_in(self, clock: Clock, then: Callable[[], None], turns: int = OPENING_TURNS) -> None:
        """A connection reaches it; `then`, when it has read the request."""
        self._busy_until = max(clock.now, self._busy_until) + self._world.opening_s / OPENING_TURNS
        clock.at(self._busy_until, then if turns == 1 else partial(self.take_in, clock, then, turns - 1))

    def admits(self, now: float) -> bool:
        self._refill(now)
        if self._level < 1 or (self._world.at_once is not None and self.running >= self._world.at_once):
            return False
        self._level -= 1
        self.running += 1
        return True

    def ready_at(self, now: float) -> float:
        latency = self._world.latency(self._rng, now, self.running)
        if self._world.workers is None:
            return now + latency
        ready = max(now, self._free_at[0]) + latency
        heapq.heapreplace(self._free_at, ready)
        return ready

    def retry_after_s(self, now: float) -> float | None:
        """What a refusal names."""
        if not self._world.is_exact:
            return self._world.retry_after_s
        if self._world.refill_s is not None:
            return self._world.refill_s - now % self._world.refill_s
        return max(0.0, 1 - self._level) / self._rate(now)

    def limits(self, now: float) -> dict[str, str]:
        self._refill(now)
        burst = self._world.burst
        return {
            "x-ratelimit-limit-requests": f"{burst:.0f}",
            "x-ratelimit-remaining-requests": f"{math.floor(self._level)}",
            "x-ratelimit-reset-requests": f"{(burst - self._level) / self._rate(now):.3f}s",
        }

    def _rate(self, now: float) -> float:
        return next(rate for since, rate in reversed(self._world.rates) if now >= since)

    def _refill(self, now: float) -> None:
        rate = self._rate(now)
        if self._world.refill_s is not None:
            if now // self._world.refill_s > self._at // self._world.refill_s:
                self._level = self._world.burst
            self._at = now
            return
        self._level = self._world.burst if rate == math.inf else min(self._world.burst, self._level + (now - self._at) * rate)
        self._at = now


class Clock:
    """Runs what is due, in order of time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (when, self._count, call))

    def run(self, until: float) -> None:
        while self._due and self.now <= until:
            self.now, _, call = heapq.heappop(self._due)
            call()


class Client:
    """A process that has rows to send: drives its limiter as the gate does, with one timer."""

    def __init__(self, world: World, clock: Clock, server: Server, rng: random.Random) -> None:
        self._world = world
        self._clock = clock
        self._server = server
        self._rng = rng
        self.limiter = (Limiter if world.has_limiter else OpenGate)(world.max_concurrency)
        self._waiting = world.rows
        self._timer_at = math.inf
        self._busy_until = 0.0
        self._connections = 0
        self.done = 0
        self.done_at = 0.0
        self.refusals = 0
        self.sends = 0
        self.in_flight = 0
        self.most_in_flight = 0

    def pump(self) -> None:
        while self._waiting:
            now = self._clock.now
            delay = self.limiter.delay(now)
            if delay is None:
                return
            if delay > 0:
                self._wake_at(now + delay)
                return
            self._waiting -= 1
            self.sends += 1
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            ticket = self.limiter.sent(now)
            if self._world.opening_s and self.in_flight > self._connections:
                self._connections += 1
                self._open(ticket)
            else:
                self._clock.at(max(now, self._busy_until) + self._hop_s(), partial(self._arrive, ticket))

    def _open(self, ticket: Ticket, turns: int = OPENING_TURNS) -> None:
        """Open a connection, in as many turns of the event loop: those that are opened at the same time are ready together."""
        self._busy_until = max(self._clock.now, self._busy_until) + self._world.opening_s / OPENING_TURNS
        if turns > 1:
            self._clock.at(self._busy_until, partial(self._open, ticket, turns - 1))
        else:
            arrive = partial(self._server.take_in, self._clock, partial(self._arrive, ticket))
            self._clock.at(self._busy_until + self._hop_s(), arrive)

    def _wake_at(self, when: float) -> None:
        if when >= self._timer_at:
            return
        self._timer_at = when
        self._later(when + self._rng.uniform(0, 0.001), lambda: self._wake(when))

    def _wake(self, when: float) -> None:
        if when == self._timer_at:  # else it was replaced by an earlier one
            self._timer_at = math.inf
            self.pump()

    def _later(self, when: float, call: Callable[[], None]) -> None:
        """The client notices something, unless its loop is stalled; then afterwards."""

        def notice() -> None:
            now = self._clock.now
            if now < self._busy_until:
                self._clock.at(self._busy_until, call)
                return
            if self._world.stall_s and self._rng.random() < 0.002:
                self._busy_until = now + self._rng.uniform(0, self._world.stall_s)
                self._clock.at(self._busy_until, notice)
                return
            call()

        self._clock.at(when, notice)

    def _hop_s(self) -> float:
        return self._world.network_s * self._rng.uniform(0.9, 1.2) + 0.001 * self._rng.uniform(0, 2)

    def _arrive(self, ticket: Ticket) -> None:
        now = self._clock.now
        if not self._server.admits(now):
            limits = read_limits(self._server.limits(now)) if self._world.headers else None
            retry_after_s = self._server.retry_after_s(now)
            self._later(now + self._hop_s(), lambda: self._refused(ticket, retry_after_s, limits))
            return
        limits = read_limits(self._server.limits(now)) if self._world.headers == "arrival" else None
        ready = self._server.ready_at(now)
        has_failed = self._world.errors > 0 and self._rng.random() < self._world.errors

        def reply() -> None:
            self._server.running -= 1
            said = read_limits(self._server.limits(self._clock.now)) if self._world.headers == "reply" else limits
            self._later(
                self._clock.now + self._hop_s(), lambda: self._failed(ticket) if has_failed else self._replied(ticket, said)
            )

        self._clock.at(ready, reply)

    def _replied(self, ticket: Ticket, limits: Limits | None) -> None:
        self.in_flight -= 1
        self.limiter.replied(self._clock.now, ticket, limits)
        self._later(self._clock.now + self._world.commit_s * self._rng.uniform(0.1, 1.5), lambda: self._durable(ticket))
        self.pump()

    def _durable(self, ticket: Ticket) -> None:
        self.limiter.released(ticket)
        self.done += 1
        self.done_at = self._clock.now
        self.pump()

    def _refused(self, ticket: Ticket, retry_after_s: float | None, limits: Limits | None) -> None:
        self.refusals += 1
        self.in_flight -= 1
        wait = self.limiter.refused(self._clock.now, ticket, retry_after_s, limits)
        self._later(self._clock.now + wait, self._again)
        self.pump()

    def _failed(self, ticket: Ticket) -> None:
        self.in_flight -= 1
        self.limiter.released(ticket)
        self._later(self._clock.now + 0.25 * self._rng.uniform(0.5, 1), self._again)
        self.pump()

    def _again(self) -> None:
        self._waiting += 1
        self.pump()


class OpenGate(Limiter):
    """Only counts what is under way."""

    def delay(self, now: float, tokens: float = 0) -> float | None:
        """As `Limiter`."""
        return None if self.held >= self.window else 0.0


def simulate(world: World, seed: int) -> Outcome:
    """One run of all clients."""
    rng = random.Random(seed)
    clock = Clock()
    server = Server(world, random.Random(-1 - seed))  # of its own: the same replies with and without limiter
    clients = [Client(world, clock, server, rng) for _ in range(world.clients)]
    for at, client in enumerate(clients):
        clock.at(at * world.stagger_s * rng.uniform(0.5, 1), client.pump)
    clock.run(until=world.longest_s)
    is_done = all(client.done == world.rows for client in clients)
    return Outcome(
        span_s=max(client.done_at for client in clients) if is_done else math.inf,
        ideal_s=world.ideal_s()
        if world.has_formula
        else simulate(replace(world, has_limiter=False, has_formula=True), seed).span_s,
        refusals=sum(client.refusals for client in clients),
        sends=sum(client.sends for client in clients),
        most_in_flight=max(client.most_in_flight for client in clients),
        last_window=max(client.limiter.window for client in clients),
    )
