"""Errors that a person can act on. Each says where, what, what was seen and what to do.

DistilflowError
├── SpecError           the pipeline file cannot be read as a pipeline
├── PlanError           the pipeline was read, but has problems (all of them, at once)
├── RowError            one row cannot be processed; its neighbours go on
│   ├── MissingKey      the row lacks a column that the step needs
│   ├── MissingValue    the row has the column, but nothing in it
│   ├── BadReply        the model answered, but not in the form that was asked for
│   ├── TooFewAnswers   of several models that are asked about a row, too few answered
│   └── LLMError        the request for this row failed
│       ├── RateLimited · ServerFailed · NetworkFailed (Unreachable)     worth another attempt
│       ├── EmptyReply                                      worth one more attempt, which is paid for again
│       ├── ContextTooLong · ContentFiltered · OutOfMemory · TookModelDown · BadRequest (SchemaRefused)   never going to succeed
│       └── AuthFailed · ModelNotFound · ModelUnfit · EndpointDown       stop the run: no row can succeed
└── RunError            the run cannot go on
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from steps.llms.base import Usage


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a pipeline.

    `where` is "step 'judge'" or "pipeline"; `what` holds what was expected and what was seen; `fix` says what to do.
    """

    code: str
    where: str
    what: str
    fix: str = ""
    step: str | None = None

    def __str__(self) -> str:
        text = f"[{self.code}] {self.where}: {self.what}"
        return f"{text}\n  Fix: {self.fix}" if self.fix else text


Complaint = str | tuple[str, str]
"""A sentence that says what is wrong, alone or with what to do about it."""


class DistilflowError(Exception):
    """Something a person can act on; printed without a traceback."""

    code: str = "error"
    go_on: str = ""
    """How to go on with the run that this error ended, once it is mended; empty when it ended none."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        if not (self.fix or self.go_on):
            return text
        then = f"{self.go_on}: what is finished is kept" if self.go_on else ""
        return f"{text}\n  Fix: {'; then '.join(filter(None, (self.fix, then)))}"

    def _render_traceback_(self) -> list[str]:
        """What notebooks show of it, instead of how it came about."""
        return str(self).splitlines()

    def __reduce__(self) -> tuple[type[DistilflowError], tuple[str, str]]:
        return type(self), (self.message, self.fix)


class SpecError(DistilflowError):
    """The file is not a pipeline: not YAML, too large, wrong version, wrong shape."""

    code = "bad-spec"


class PlanError(DistilflowError):
    """The pipeline has problems; `problems` lists all of them."""

    code = "bad-plan"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the pipeline")
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)

    def __reduce__(self) -> tuple[type[PlanError], tuple[list[Problem]]]:  # type: ignore[override]
        return type(self), (self.problems,)


class RunError(DistilflowError):
    """The run cannot go on; what is finished is kept, and `resume` continues it."""

    code = "run-failed"


class RowError(DistilflowError):
    """This row cannot be processed; the others go on and this one goes to the quarantine."""

    code = "row-failed"
    attempts: int = 1
    """How often a model was asked before the row was given up."""


class MissingKey(RowError):
    """The row lacks a column that the step needs."""

    code = "missing-key"


class MissingValue(RowError):
    """The row has the column that the step needs, but nothing in it that could be used."""

    code = "missing-value"


class BadReply(RowError):
    """The model's reply is not in the form that was asked for; `reply` holds its text."""

    code = "bad-reply"

    def __init__(self, message: str, fix: str = "", reply: str = "") -> None:
        super().__init__(message, fix)
        self.reply = reply

    def __reduce__(self) -> tuple[type[BadReply], tuple[str, str, str]]:  # type: ignore[override]
        return type(self), (self.message, self.fix, self.reply)


class TooFewAnswers(RowError):
    """Of the models that are asked about a row, fewer answered than are needed."""

    code = "too-few-answers"


class LLMError(RowError):
    """A request to a model failed.

    `is_retryable`: another attempt may succeed. `is_fatal`: no row can succeed, so the run stops.
    `retry_after_s`: how long the server asked to wait, in seconds, if it did.
    """

    code = "llm-failed"
    is_retryable: ClassVar[bool] = False
    is_fatal: ClassVar[bool] = False

    def __init__(self, message: str, fix: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, fix)
        self.retry_after_s = retry_after_s
        self.headers: Mapping[str, str] = {}
        """Headers of a refusal: what the server says of its limits."""
        self.usage: Usage | None = None
        """Tokens of a reply that was paid for though it is of no use; None where nothing was paid."""
        self.seconds = 0.0
        """From the last attempt to its end."""

    def __reduce__(self) -> tuple[type[LLMError], tuple[str, str, float | None]]:  # type: ignore[override]
        return type(self), (self.message, self.fix, self.retry_after_s)


class RateLimited(LLMError):
    """The server refuses for now: 429, or 503 and 529, which say that it is overloaded."""

    code = "rate-limited"
    is_retryable = True


class ServerFailed(LLMError):
    """The server answered with an error of its own (5xx) or with something that is no reply."""

    code = "server-failed"
    is_retryable = True


class EmptyReply(LLMError):
    """The model answered with no text at all. It is asked once more, since each such reply is paid for."""

    code = "empty-reply"


class NetworkFailed(LLMError):
    """No answer: the connection was cut, or it took too long."""

    code = "network-failed"
    is_retryable = True


class Unreachable(NetworkFailed):
    """No connection at all: refused, no such host, no route."""

    code = "unreachable"


class ContextTooLong(LLMError):
    """Prompt and answer do not fit into the model's context."""

    code = "context-too-long"


class ContentFiltered(LLMError):
    """The provider's content filter refused this prompt or its answer."""

    code = "content-filtered"


class OutOfMemory(LLMError):
    """A model on this machine has no memory left for this row."""

    code = "out-of-memory"


class TookModelDown(LLMError):
    """Every process with a model on this machine that got this row died."""

    code = "model-died"


class BadRequest(LLMError):
    """The server does not accept this request."""

    code = "bad-request"


class SchemaRefused(BadRequest):
    """The server cannot hold replies to a JSON schema, or not to this one."""


class AuthFailed(LLMError):
    """The key is missing, wrong, or may not use this model."""

    code = "auth-failed"
    is_fatal = True


class ModelNotFound(LLMError):
    """The server does not know this model or this path."""

    code = "model-not-found"
    is_fatal = True


class ModelUnfit(LLMError):
    """The model answers, but not with what every row needs."""

    code = "model-unfit"
    is_fatal = True


class EndpointDown(LLMError):
    """The server cannot be reached, or has not given one answer for so long that no row can succeed."""

    code = "endpoint-down"
    is_fatal = True


MAY_PASS = frozenset(
    kind.code for kind in (BadReply, TooFewAnswers, EmptyReply, RateLimited, ServerFailed, NetworkFailed, Unreachable)
)
"""Codes of errors that the same row may not meet again: a model is asked anew, or a server answers again."""
