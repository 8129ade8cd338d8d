"""What the fake OpenAI server counted; a test reads it as an object, another process as JSON."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

CONNECTION_CLOSED = 0  # by_status key: the server closed the connection without an answer
CLIENT_GAVE_UP = 499  # by_status key: the client left first (nginx's number for it)


@dataclass
class Stats:
    """Counters of the chat completion requests; `/v1/models` and `/_stats` are not counted."""

    requests: int = 0
    by_prompt: Counter[str] = field(default_factory=Counter)
    by_key: Counter[str] = field(default_factory=Counter)
    """By the key of the Authorization header; "" without one."""
    by_status: Counter[int] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    """Tokens of all answers, whether they arrived or not."""
    in_flight: int = 0
    peak_in_flight: int = 0
    first_at: float | None = None
    last_at: float | None = None
    first_reply_at: float | None = None
    last_reply_at: float | None = None
    last_request: dict[str, Any] | None = None

    def enter(self, prompt: str, body: dict[str, Any], key: str) -> int:
        """Count an arriving request and return how often this prompt has been asked, this time included."""
        self.last_at = time.time()
        if self.first_at is None:
            self.first_at = self.last_at
        self.requests += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self.last_request = body
        self.by_key[key] += 1
        self.by_prompt[prompt] += 1
        return self.by_prompt[prompt]

    def leave(self, status: int) -> None:
        """Count how a request ended: its HTTP status, `CONNECTION_CLOSED` or `CLIENT_GAVE_UP`."""
        self.in_flight -= 1
        self.by_status[status] += 1
        if status == 200:
            self.last_reply_at = time.time()
            if self.first_reply_at is None:
                self.first_reply_at = self.last_reply_at

    def as_dict(self) -> dict[str, Any]:
        """Return the counters in the shape of `GET /_stats` (JSON: statuses are text keys)."""
        return {
            "requests": self.requests,
            "by_prompt": dict(self.by_prompt),
            "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "first_reply_at": self.first_reply_at,
            "last_reply_at": self.last_reply_at,
            "last_request": self.last_request,
        }
