"""Requests per second, the way OpenAI limits and reports them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class TokenBucket:
    """Hold up to `burst` permits, refilled at `rate` per second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._permits = float(burst)
        self._filled_at = clock()

    def take(self) -> float:
        """Take a permit and return 0, or take none and return the seconds until the next one."""
        now = self._clock()
        self._permits = min(self.burst, self._permits + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._permits < 1:
            return (1 - self._permits) / self.rate
        self._permits -= 1
        return 0.0

    def headers(self) -> dict[str, str]:
        """Return the x-ratelimit-* headers that go with every answer."""
        return {
            "x-ratelimit-limit-requests": str(self.burst),
            "x-ratelimit-remaining-requests": str(int(self._permits)),
            "x-ratelimit-reset-requests": f"{(self.burst - self._permits) / self.rate:.3f}s",
        }


def retry_headers(wait_s: float) -> dict[str, str]:
    """Return both headers OpenAI sends: whole seconds, as HTTP demands, and exact milliseconds."""
    return {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": str(math.ceil(wait_s * 1000))}
