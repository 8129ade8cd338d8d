"""Token buckets whose rate is known: what the user fixed, and what the server says about itself.

Units: a bucket counts requests or tokens; rates are per second, times are seconds on a clock that the caller has.
"""

from __future__ import annotations

import math

from flows.engine.limits import Limit


class Bucket:
    """Fills at `rate` up to `burst`; full at first. Below zero it is in debt, paid back before anything else leaves."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self.level = burst
        self.taken = 0.0
        self._at = -math.inf

    def wait_s(self, now: float, amount: float = 1) -> float:
        """Seconds until `amount` is there. More than the bucket can hold may leave when it is full."""
        self._fill(now)
        missing = min(amount, self.burst) - self.level
        return missing / self.rate if missing > 0 else 0.0

    def take(self, amount: float = 1) -> None:
        """Use `amount`; less than nothing gives back what was estimated too high."""
        self.level -= amount
        self.taken += amount

    def _fill(self, now: float) -> None:
        if now > self._at:
            self.level = min(self.burst, self.level + (now - self._at) * self.rate)
            self._at = now


class ToldBucket(Bucket):
    """Holds what the server says is left. Without bounds until it says something that makes sense."""

    def __init__(self) -> None:
        super().__init__(math.inf, math.inf)

    def hear(self, now: float, sent_at: float, taken_then: float, said: Limit) -> None:
        """What a reply to the request of `sent_at` says; until then `taken_then` had been taken, it included.

        Most servers count when a request arrives, some when its reply leaves. So what left after `sent_at` may be in
        `remaining` or not: the level lies between the two readings, and our own count is kept if it does, too.
        """
        used = said.limit - said.remaining
        if used <= 0 or said.reset_s <= 0:
            return
        if self.rate == math.inf:
            self.level, self._at = -math.inf, now
        self._fill(now)
        self.rate, self.burst = used / said.reset_s, said.limit
        most = said.remaining + self.rate * (now - sent_at)
        least = most - (self.taken - taken_then)
        self.level = min(max(self.level, least), most, self.burst)
