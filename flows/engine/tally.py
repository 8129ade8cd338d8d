"""What requests used: tokens, money and time, added up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from steps.llms.base import Usage


@dataclass(slots=True)
class Tally:
    """The requests that were answered, and what they used; also those whose reply was of no use, if tokens were counted.

    Other failed attempts count nothing: providers do not charge for them.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    seconds: float = 0.0
    """From request to reply, summed over requests; many are under way at a time."""
    known_cost: float = 0.0
    """USD, of the requests whose price is known."""
    unpriced: int = 0
    """Requests whose price nobody knows."""

    @staticmethod
    def of(usage: Usage, cost: float | None, seconds: float) -> Tally:
        """One request. `cost` is None when nobody knows it."""
        tokens = (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.reasoning_tokens)
        return Tally(1, *tokens, seconds, cost or 0.0, int(cost is None))

    def riding(self) -> Tally:
        """The same as the part of a request that another row counts."""
        return replace(self, requests=0, seconds=0.0, unpriced=0)

    @property
    def usage(self) -> Usage:
        return Usage(self.input_tokens, self.output_tokens, self.cached_input_tokens, self.reasoning_tokens)

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    @property
    def cost(self) -> float | None:
        """USD; None when the price of some requests is not known."""
        return None if self.unpriced else self.known_cost

    def add(self, other: Tally) -> None:
        self.requests += other.requests
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cached_input_tokens += other.cached_input_tokens
        self.reasoning_tokens += other.reasoning_tokens
        self.seconds += other.seconds
        self.known_cost += other.known_cost
        self.unpriced += other.unpriced

    def in_words(self) -> str:
        """Requests, tokens and money in one line; empty when there were none."""
        if not self.requests:
            return ""
        requests = "1 request" if self.requests == 1 else f"{self.requests:,} requests"
        cached = f" ({self.cached_input_tokens:,} cached)" if self.cached_input_tokens else ""
        tokens = f"{self.input_tokens:,} tokens in{cached}, {self.output_tokens:,} out"
        return ", ".join(filter(None, (requests, tokens, self.in_money())))

    def in_money(self) -> str:
        """What they cost in words; empty when there were none, or all were free."""
        if not self.unpriced:
            return money(self.known_cost) if self.known_cost else ""
        if not self.known_cost:
            return "unknown price"
        return f"{money(self.known_cost)} and {self.unpriced:,} of unknown price"


def money(amount: float) -> str:
    """US dollars with the digits that matter: $1,234.50, $0.498, $0.000021."""
    if amount >= 1:
        return f"${amount:,.2f}"
    return f"${float(f'{amount:.3g}'):.10f}".rstrip("0").ljust(5, "0") if amount else "$0"
