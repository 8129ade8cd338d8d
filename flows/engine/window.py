"""How many requests may be under way at once: as many as the user allows, fewer where more only wait in the server's queue.

A queue shows in the *fastest* reply of a round: when even that one takes twice as long as the fastest ever, all had to wait (a
few slow replies, or many, say nothing). Whether fewer requests would do is then tried, not assumed, since longer answers look
the same: with a fifth less under way, a server that queues answers as many per second, any other a fifth less.
"""

from __future__ import annotations

import math

SHARE = 0.8
"""A trial goes to this share of the window, or back by as much."""
QUEUED = 2.0
FLUID = 1.5
"""Fastest reply of a round, against the fastest ever: above QUEUED all have waited, below FLUID there is no queue."""
KEPT = 0.97
"""A smaller window stays if it answers this share of what the larger one did."""
SMALLEST = 8
FORGET = 0.002
"""How much of the best ever is forgotten in a round: prompts and servers change."""


class Window:
    """Rounds of about as many replies as there are requests under way, compared with each other."""

    def __init__(self, most: int) -> None:
        self.size = most
        self._most = most
        self._fastest_ever_s = math.inf
        self._most_per_s = 0.0  # replies per second, in the best round
        self._before_trial: int | None = None
        self._rounds_to_wait = 1
        self._patience = 4
        self._started_at = -math.inf
        self._replies = 0
        self._idle = 0  # replies while fewer than allowed were under way
        self._fastest_s = math.inf

    def widen(self, most: int) -> None:
        """Allow up to `most`, if that is more than before."""
        if most > self._most:
            self.size = most if self.size == self._most else self.size
            self._most = most

    def replied(self, now: float, latency_s: float, held: int) -> None:
        """A reply came back; `held` requests were under way."""
        if self._replies == 0:
            self._started_at = now
        self._replies += 1
        if latency_s < self._fastest_s:
            self._fastest_s = latency_s
        if held < self.size - 1:
            self._idle += 1
        if self._replies > max(self.size, 16):
            self._end_round(now)

    def _end_round(self, now: float) -> None:
        fastest_s, replies, was_idle = self._fastest_s, self._replies, self._idle * 4 > self._replies
        per_s = replies / max(1e-6, now - self._started_at)
        self._replies = self._idle = 0
        self._fastest_s = math.inf
        self._fastest_ever_s = min(fastest_s, self._fastest_ever_s * (1 + FORGET))
        self._most_per_s *= 1 - FORGET
        if was_idle:  # something else was the limit: the round says nothing about the window
            return
        self._rounds_to_wait -= 1
        if self._rounds_to_wait > 0:
            return
        if self._before_trial is not None:
            self._end_trial(per_s, self._before_trial)
        self._most_per_s = max(self._most_per_s, per_s)
        queue = fastest_s / self._fastest_ever_s
        if queue < FLUID:
            self._resize(min(self._most, math.ceil(self.size / SHARE)))
        elif queue > QUEUED and self._rounds_to_wait <= 0 and self.size > SMALLEST:
            self._before_trial = self.size
            self._resize(max(SMALLEST, int(self.size * SHARE)))

    def _end_trial(self, per_s: float, size_before: int) -> None:
        self._before_trial = None
        if per_s < KEPT * self._most_per_s:
            self._resize(size_before)
            self._rounds_to_wait = self._patience
            self._patience *= 2

    def _resize(self, size: int) -> None:
        self.size = size
        self._rounds_to_wait = 2  # what is under way belongs to the old size
