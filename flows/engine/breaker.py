"""Notices that a server which has answered before cannot be reached any more, and when it is back.

While it is gone, requests are held, and one at a time goes out to see: after 1, 2, 4 ... seconds. Any answer to that one ends
the outage, also a refusal. A server that has never answered is not waited for: a wrong address would look the same. Nor is one
that takes requests and does not answer them: it may be the requests, and those are given up one by one.

No clock and no I/O in here: every call brings the time, in seconds.
"""

from __future__ import annotations

import random

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
PATIENCE_S = 600.0
"""How long an outage is waited out."""


class Breaker:
    """Open while the server is gone."""

    def __init__(self) -> None:
        self.has_answered = False
        self.outages = 0
        """How many there have been; the one that goes on included."""
        self._since: float | None = None
        self._pause_s = 0.0
        self._next_at = 0.0
        self._probe: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether requests are held."""
        return self._since is not None

    def lasts_s(self, now: float) -> float:
        """How long the outage has gone on."""
        return now - self._since if self._since is not None else 0.0

    def delay(self, now: float) -> float | None:
        """During an outage: seconds until a request may leave to see; None while one is under way."""
        return None if self._probe is not None else max(0.0, self._next_at - now)

    def sent(self, request: int) -> None:
        """A request leaves; during an outage it is the one that sees."""
        if self.is_open:
            self._probe = request

    def answered(self, request: int) -> bool:
        """An answer, whatever it says. True: that ends an outage. What left before it says nothing about now."""
        self.has_answered = True
        if not self.is_open or request != self._probe:
            return False
        self._since = self._probe = None
        return True

    def unreachable(self, now: float, request: int) -> bool:
        """No connection could be made. True: an outage begins."""
        if not self.has_answered:
            return False
        if self.is_open:
            if request == self._probe:
                self._wait(now, 2 * self._pause_s)
            return False
        self._since = now
        self.outages += 1
        self._wait(now, FIRST_PAUSE_S)
        return True

    def released(self, request: int) -> None:
        """A request is over, whatever became of it."""
        if request == self._probe:
            self._wait(self._next_at, self._pause_s)

    def restart(self, now: float) -> None:
        """Nothing was sent for a while, on purpose: an outage is waited out from now on."""
        if self._since is not None:
            self._since = now

    def _wait(self, now: float, pause_s: float) -> None:
        self._pause_s = min(LONGEST_PAUSE_S, pause_s)
        self._next_at = now + self._pause_s * random.uniform(0.8, 1.0)
        self._probe = None
