"""How providers word errors, for what servers say by themselves; what each of them says in which case is in `data/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Any
Basis = Literal["stated", "seen", "assumed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One answer that is no reply."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    finish_reason: str = ""
    """Of a reply without a text, where the server says so in one."""
    basis: Basis = "assumed"
    """stated: in the provider's documentation or source. seen: a reply that somebody published. assumed: neither was found, so
    it is what its other replies make likely."""
    source: str = ""
    """Where it is stated, or was seen."""

    @property
    def wait_s(self) -> float:
        """How long it asks to wait."""
        if milliseconds := self.headers.get("retry-after-ms"):
            return float(milliseconds) / 1000
        delays = [one["retryDelay"] for one in self.body[0]["error"]["details"][1:]] if isinstance(self.body, list) else []
        return float(delays[0].removesuffix("s")) if delays else float(self.headers.get("retry-after", 0))


def openai_error(message: str, kind: str, code: str | int | None = None, param: str | None = None) -> Json:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def google_error(status: int, message: str, name: str, *details: Json) -> Json:
    return [{"error": {"code": status, "message": message, "status": name, "details": list(details)}}]


def anthropic_error(kind: str, message: str) -> Json:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011"}
