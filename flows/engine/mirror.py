"""Guesses the token bucket of a server that says nothing about it, from what it refuses.

- A refusal says that the bucket was empty when the request arrived. Between two such moments the server has accepted exactly
  what flowed in: rate = accepted / time, to one request. No other moment tells as much.
- When the bucket ran over in between, more could have been accepted: then this is a lower bound. Another one, from any moment:
  nothing was stored beyond `burst`, so rate ≥ (accepted since - burst) / time. The highest bound counts, and doubt remains.
- Refusals that belong together (one empty bucket, many requests on their way) are one event, judged when all have come back.
- `doubt` is how far off the rate may be, as a share. A measurement narrows it, time without refusal widens it, and the more
  doubt, the faster the rate grows: a guess that is too low lasts seconds, and one that is right is hardly ever tested.

Requests are told apart by number, in the order in which they left; moments are those at which they left.
"""

from __future__ import annotations

import math
from collections import deque

from flows.engine.buckets import Bucket

FIRST_RATE = 500.0
FIRST_BURST = 4.0
FIRST_GROWTH = 10.0
"""Before the first refusal: requests per second, at once, and growth of the rate per request. 256 are out after 0.18 s."""
LONGEST_TICK_S = 0.002
"""Before the first refusal, a client that was busy catches up on this much at once, not more: opening connections is what
keeps it busy, and the more of them at a time, the longer a refusal waits to be read."""
LEAST_RATE, MOST_RATE = 0.05, 1e5
DOUBLING_S = 0.25
"""How fast the rate grows when nothing is known about it, if refusals come back at once."""
GROWTH = 3.0
DOUBT_GROWTH = 1.0
LEAST_DOUBT = 0.03
MEASURABLE = 8
"""Requests accepted between two refusals from which the time between them is a measurement; else the rate just gives way."""
GIVE_WAY = 0.85
MARK_S, SHORTEST_BOUND_S = 0.05, 0.1
"""Moments are remembered this far apart, and used for a bound when they are this old."""


class Mirror(Bucket):
    """The server's bucket, as far as it is known."""

    def __init__(self) -> None:
        super().__init__(FIRST_RATE, FIRST_BURST)
        self.doubt = 1.0
        self.sent = 0
        self.echo_s = 0.0
        """How long a refusal takes to come back."""
        self._shortest_echo_s = math.inf
        self._refused = 0
        self._is_known = False
        self._empty_at = 0.0  # the last moment at which the bucket is known to have been empty
        self._empty_number = 0
        self._accepted_then = 0
        self._full_s = 0.0  # since then: how long it was full, so that nothing flowed in
        self._marks: deque[tuple[float, int]] = deque(maxlen=100)  # (moment, accepted until then)
        self._event: Event | None = None

    @property
    def has_event(self) -> bool:
        """Something was refused and is not judged yet."""
        return self._event is not None

    def send(self, now: float) -> int:
        """A request leaves; its number."""
        self.level -= 1
        self.sent += 1
        if not self._marks or now - self._marks[-1][0] > MARK_S:
            self._marks.append((now, self.sent - 1 - self._refused))
        return self.sent

    def refuse(self, now: float, number: int, sent_at: float) -> bool:
        """The server was empty when this request came. False: that is old news, nothing has to stop for it."""
        self._fill(now)
        self._refused += 1
        self.level += 1
        echo_s = now - sent_at
        self._shortest_echo_s = min(self._shortest_echo_s, echo_s)
        self.echo_s += (echo_s - self.echo_s) * (0.3 if self.echo_s else 1.0)
        if number < self._empty_number:
            self._accepted_then -= 1
            return False
        if self._event is None:
            self._event = Event(number, sent_at)
        self._event.add(number, sent_at)
        return True

    def judge(self, now: float) -> None:
        """The event is over: learn from it."""
        event, self._event = self._event, None
        if event is None:
            return
        self._fill(now)
        accepted = event.last - self._refused
        if not self._is_known:
            self._begin(event, accepted)
        elif self._full_s > 0 and event.refused > 1 + self.doubt * self.rate * self._since_empty_s(event):
            self.burst = max(1.0, self.burst - event.refused + 1)  # the rate is known too well to be the reason
            self._set_empty(event, accepted)
        else:
            self._learn(event, accepted)
        saved = self.rate * (now - event.last_at) * (1 - self.doubt)  # what is in doubt is not spent at once
        self.level = min(self.burst, saved) - (self.sent - event.last)

    def _fill(self, now: float) -> None:
        passed_s = now - self._at if self.sent else 0.0
        self._at = max(now, self._at)
        if passed_s <= 0:
            return
        self.level += passed_s * self.rate
        if self.level > self.burst:
            self._full_s += min(passed_s, (self.level - self.burst) / self.rate)
            self.level = self.burst
        if self._event is None:
            self._grow(min(passed_s, 0.1))

    def _grow(self, passed_s: float) -> None:
        if not self._is_known:
            self.rate = FIRST_RATE + FIRST_GROWTH * self.sent  # not by time: it would be spent in a rush after a stall
            self.burst = max(FIRST_BURST, self.rate * LONGEST_TICK_S)
            return
        fastest = math.log(2) / max(DOUBLING_S, 2 * self.echo_s)
        self.rate = min(MOST_RATE, self.rate * (1 + passed_s * min(fastest, GROWTH * self.doubt**2)))
        self.doubt = min(1.0, self.doubt * (1 + DOUBT_GROWTH * passed_s))

    def _begin(self, event: Event, accepted: int) -> None:
        """The first refusals: what came before them is the burst, about, and nothing is known about the rate."""
        before = event.first - 1
        self._is_known = True
        self.burst = max(1.0, accepted)
        self.rate = max(before / 2, 4.0)
        self._empty_at, self._empty_number, self._accepted_then, self._full_s = event.first_at, event.last, before, 0.0
        if event.last_at - event.first_at > MARK_S:
            self._learn(event, accepted)
        self._set_empty(event, accepted)

    def _learn(self, event: Event, accepted: int) -> None:
        """Take the rate that was measured, as far as it is better known than the old one."""
        span_s = max(1e-3, self._since_empty_s(event))
        sample = float(max(0, accepted - self._accepted_then))
        found = (sample + 0.5) / span_s
        if sample < MEASURABLE:
            self.rate = min(self.rate, max(found, self.rate * GIVE_WAY))
            return
        jitter_s = self.echo_s - self._shortest_echo_s
        bound, bound_sample = self._bound(event, accepted, 2 * jitter_s)
        if bound > found:
            found, sample = bound, bound_sample
        error = (1 + max(self.rate, event.density) * jitter_s) / (sample + 0.5)
        lower = max(0.0, 1 - found / self.rate)  # by which share of the old rate
        overflow = self.doubt * lower * max(0.0, 1 - self.burst / (self.rate * span_s))
        doubt = min(1.0, max(self.doubt, lower - error))  # a surprise: less was known than it seemed
        self.rate += (min(found, 2 * self.rate) - self.rate) * doubt**2 / (doubt**2 + error**2)
        self.doubt = max(LEAST_DOUBT, doubt * error / math.hypot(doubt, error), overflow / 2)
        self.rate = max(LEAST_RATE, self.rate * (1 - min(0.1, self.doubt / 2)))
        self._set_empty(event, accepted)

    def _bound(self, event: Event, accepted: int, slack_s: float) -> tuple[float, float]:
        """The highest lower bound of the rate that a full bucket at one of the marks would give, and its size as a sample."""
        best, sample = 0.0, 0.0
        for then, before in self._marks:
            span_s = event.last_at - then
            if before > self._accepted_then and span_s > SHORTEST_BOUND_S:
                bound = (accepted - before - self.burst - 1) / (span_s + slack_s)
                if best < bound:
                    best, sample = min(self.rate, bound), (accepted - before) / (self.burst + 2)
        return best, sample

    def _since_empty_s(self, event: Event) -> float:
        return event.last_at - self._empty_at - self._full_s

    def _set_empty(self, event: Event, accepted: int) -> None:
        self._empty_at, self._empty_number, self._accepted_then, self._full_s = event.last_at, event.last, accepted, 0.0


class Event:
    """Refusals that belong together: first and last request by number."""

    def __init__(self, number: int, at: float) -> None:
        self.first = self.last = number
        self.first_at = self.last_at = at
        self.refused = 0

    def add(self, number: int, at: float) -> None:
        """One more."""
        self.refused += 1
        if number < self.first:
            self.first, self.first_at = number, at
        elif number > self.last:
            self.last, self.last_at = number, at

    @property
    def density(self) -> float:
        """Requests per second that left meanwhile."""
        return (self.last - self.first) / max(0.01, self.last_at - self.first_at)
