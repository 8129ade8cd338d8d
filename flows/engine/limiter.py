"""Decides when the next request to a server may leave: soon enough to use all it allows, seldom enough to be hardly refused.

Three things hold a request back:
- the window: how many are under way at once, each until its reply is durable on disk (`window.py`);
- buckets: one that mirrors the server's own, guessed from what it refuses (`mirror.py`); what the server says about itself in
  headers; and fixed requests and tokens per minute (`buckets.py`);
- a pause after a refusal, as long as the server asks for and means it (`pause.py`).

No clock and no I/O in here: every call brings the time, in seconds.
"""

from __future__ import annotations

import math

from flows.engine.buckets import Bucket, ToldBucket
from flows.engine.limits import Limits
from flows.engine.mirror import Mirror
from flows.engine.silence import Silence
from flows.engine.window import Window

FIXED_BURST_S = 1.0
"""With a fixed limit per minute, this much of it may leave at once."""
LONGEST_DELAY_S = 1.0
"""Limits can turn out higher than they looked: ask again after this long at the latest, unless the server itself said when."""


class Ticket:
    """A request that left."""

    __slots__ = ("is_held", "number", "sent_at", "tokens", "tokens_taken")

    def __init__(self, number: int, sent_at: float, tokens: float, tokens_taken: float) -> None:
        self.number = number
        self.sent_at = sent_at
        self.tokens = tokens
        self.tokens_taken = tokens_taken
        self.is_held = True


class Limiter:
    """All requests to one server with one key pass here. Not for several threads."""

    def __init__(
        self,
        max_concurrency: int,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self.held = 0
        self._window = Window(max_concurrency)
        self._silence = Silence()
        self._mirror = Mirror()
        self._told_requests = ToldBucket()
        self._told_tokens = ToldBucket()
        self._of_requests: list[Bucket] = [self._told_requests]
        self._of_tokens: list[Bucket] = [self._told_tokens]
        self.allow(max_concurrency, requests_per_minute, tokens_per_minute)

    def allow(self, max_concurrency: int, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        """What one more user of this limiter asks for: the largest window of all holds, and the least of the fixed limits."""
        self._window.widen(max_concurrency)
        _fix(self._of_requests, requests_per_minute)
        _fix(self._of_tokens, tokens_per_minute)

    @property
    def window(self) -> int:
        """How many requests may be under way at once, now."""
        return self._window.size

    def is_silent(self, now: float) -> bool:
        """Whether nothing leaves for now because of a refusal."""
        return now < self._silence.until

    def delay(self, now: float, tokens: float = 0) -> float | None:
        """When the next request may leave. 0: now, call `sent`. Else: ask again after so many seconds, or after a refusal.

        None: ask again after the next `released` or `refused`. `tokens` is what the request will use, prompt and
        reply, as far as one can tell.
        """
        if self.held >= self._window.size:
            return None
        if self.is_silent(now):
            return self._silence.until - now
        if self._mirror.has_event:
            self._mirror.judge(now)
        self._silence.look(now)
        wait_s = self._mirror.wait_s(now)
        for bucket in self._of_requests:
            if bucket.rate < math.inf:
                wait_s = max(wait_s, bucket.wait_s(now))
        if tokens:
            for bucket in self._of_tokens:
                if bucket.rate < math.inf:
                    wait_s = max(wait_s, bucket.wait_s(now, tokens))
        return min(wait_s, LONGEST_DELAY_S)

    def sent(self, now: float, tokens: float = 0) -> Ticket:
        """A request leaves. Its slot is held until `released` or `refused` is called with the ticket."""
        self.held += 1
        number = self._mirror.send(now)
        self._silence.sent(now, number, self._mirror.echo_s)
        for bucket in self._of_requests:
            bucket.take()
        if tokens:
            for bucket in self._of_tokens:
                bucket.take(tokens)
        return Ticket(number, now, tokens, self._told_tokens.taken)

    def replied(self, now: float, ticket: Ticket, limits: Limits | None = None, tokens_used: float | None = None) -> None:
        """The answer is here. Call `released` when it is durable."""
        self._window.replied(now, now - ticket.sent_at, self.held)
        if tokens_used is not None and tokens_used != ticket.tokens:
            for bucket in self._of_tokens:
                bucket.take(tokens_used - ticket.tokens)
        if limits is not None:
            self._hear(now, ticket, limits)

    def refused(self, now: float, ticket: Ticket, retry_after_s: float | None = None, limits: Limits | None = None) -> float:
        """The server takes no more for now: 429, 503 or 529.

        Returns the seconds that this request should wait before it asks for its turn again.
        """
        self.released(ticket)
        if ticket.tokens:
            for bucket in self._of_tokens:
                bucket.take(-ticket.tokens)
        if limits is not None:
            self._hear(now, ticket, limits)
        is_news = self._mirror.refuse(now, ticket.number, ticket.sent_at)
        return self._silence.refused(now, ticket.number, retry_after_s, self._mirror.echo_s, is_news=is_news)

    def released(self, ticket: Ticket) -> None:
        """The slot is free again, with or without an answer; calling it twice does no harm.

        A failure says nothing about limits: the server has counted the request, for all we know.
        """
        self.held -= ticket.is_held
        ticket.is_held = False

    def _hear(self, now: float, ticket: Ticket, limits: Limits) -> None:
        if limits.requests is not None:
            self._told_requests.hear(now, ticket.sent_at, ticket.number, limits.requests)
        if limits.tokens is not None:
            self._told_tokens.hear(now, ticket.sent_at, ticket.tokens_taken, limits.tokens)


def _fix(buckets: list[Bucket], per_minute: float | None) -> None:
    """Put a fixed limit behind what the server says, in place of a larger one."""
    rate = (per_minute or math.inf) / 60
    if rate < min((bucket.rate for bucket in buckets[1:]), default=math.inf):
        buckets[1:] = [Bucket(rate, max(1.0, rate * FIXED_BURST_S))]
