"""How the fake OpenAI server answers: its speed, its replies and the faults it plays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Messages = list[dict[str, Any]]
Reply = Callable[[Messages, int, str], str]
"""Makes one choice's text from (messages, number of the choice from 0, model); a prompt of plain text is one message."""


class Fault(StrEnum):
    """One way a provider goes wrong; the value names it on the command line."""

    SERVER_ERROR = "server-error"  # 500
    OVERLOADED = "overloaded"  # 503 with Retry-After, unless that is empty
    RATE_LIMITED = "rate-limited"  # 429 with Retry-After
    UNAUTHORIZED = "unauthorized"  # 401
    CONTEXT_LENGTH = "context-length"  # 400, code context_length_exceeded
    CONTENT_FILTER = "content-filter"  # 400, code content_filter
    GARBAGE = "garbage"  # 200 with a body that is not JSON
    EMPTY = "empty"  # 200 with no body
    DISCONNECT = "disconnect"  # closes the connection without an answer
    HANG = "hang"  # never answers
    SLOW_BODY = "slow-body"  # headers at once, the right body after Behaviour.slow_body_s


@dataclass(frozen=True)
class Rule:
    """Play `fault` for prompts that match.

    The prompt is the text of the last user message.
    """

    when: str | Callable[[str], bool]
    """Text the prompt contains, or a predicate on the prompt; "" matches every prompt."""
    fault: Fault
    times: int | None = None
    """Only for the first so many requests of *each* prompt (1: the retry succeeds); None: always."""
    retry_after: str = "1"
    """The Retry-After header of `RATE_LIMITED` and `OVERLOADED`, word for word: seconds, a fraction or a date."""

    def applies(self, prompt: str, attempt: int) -> bool:
        """Tell whether request number `attempt` (from 1) of this prompt meets the fault."""
        if self.times is not None and attempt > self.times:
            return False
        return self.when in prompt if isinstance(self.when, str) else self.when(prompt)


@dataclass(frozen=True)
class Behaviour:
    """Settings of the server; replace `FakeOpenAI.behaviour` to change them while it runs."""

    latency_s: float | Callable[[str], float] = 0.0
    """Seconds before each answer, or a function of the prompt."""
    reply: str | Reply | None = None
    """The answer, or what makes it; None echoes the prompt, as JSON where JSON was asked for."""
    rules: Sequence[Rule] = ()
    """The first rule that applies is played."""
    models: Sequence[str] = ("fake-model",)
    """What `/v1/models` lists; completions accept any model name."""
    refused_keys: Collection[str] = ()
    """Requests with these keys get 401."""
    requests_per_s: float | None = None
    """Rate beyond which requests with one key get 429; None never limits."""
    burst: int = 1
    """Requests that may come at once before the rate counts."""
    completes_text: bool = True
    """Whether there is `/v1/completions`, as at vLLM, TGI and llama.cpp; read when the app is built."""
    refused_formats: Sequence[str] = ()
    """Types of `response_format` that get 400, such as json_schema."""
    retry_after: str | None = None
    """The Retry-After header of a refusal by rate, word for word; None: the exact time, in both forms that OpenAI sends."""
    tells_limits: bool = True
    """With a rate: every answer carries x-ratelimit-* headers."""
    slow_body_s: float = 1.0
    """How long `Fault.SLOW_BODY` withholds the second half of the body."""

    counts_tokens: bool = True
    """Whether answers say how many tokens they used, as all but some small servers do."""
    cached_tokens: int = 0
    """Of each prompt, how many tokens it says it had cached; never more than the prompt has."""
    reasoning_tokens: int = 0
    """Tokens of each reply that nobody sees; they are counted with the reply."""

    def latency_of(self, prompt: str) -> float:
        """Seconds to wait before answering this prompt."""
        return self.latency_s(prompt) if callable(self.latency_s) else self.latency_s

    def rule_for(self, prompt: str, attempt: int) -> Rule | None:
        """Return the rule to play for request number `attempt` of this prompt, if any."""
        return next((rule for rule in self.rules if rule.applies(prompt, attempt)), None)
