"""Message batches of Anthropic: one body instead of a file, no tags, results at an address of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from steps.llms.batch_apis.api import PAGES, BatchAPI
from steps.llms.batch_apis.server import TRANSFER_S, Body
from steps.llms.batch_apis.told import BatchState, Result, State
from steps.llms.http import Answer, Grown

SKEW_S = 900.0
"""How far its clock and ours may be apart, and how long it may take to make a batch."""
_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that goes with an error, where only its kind is told."""


class AnthropicBatches(BatchAPI):
    """The Message Batches API."""

    has_tags = False
    _batches = "messages/batches"
    _states: Mapping[str, State] = {"in_progress": "running", "canceling": "running", "ended": "ended"}

    def opening(self) -> bytes:
        return b'{"requests":['

    def closing(self) -> bytes:
        return b"]}"

    def separator(self) -> bytes:
        return b","

    def line(self, custom_id: str, body: Body) -> Body:
        return {"custom_id": custom_id, "params": body}

    async def upload(self, file: Path) -> str:
        """Nothing goes ahead: the batch is made of the file itself."""
        return ""

    async def discard(self, uploaded: str) -> None:
        """Nothing went ahead."""

    async def create(self, uploaded: str, file: Path, tag: str) -> str:
        with file.open("rb") as content:
            answer = await self._send("POST", self._batches, data=content, timeout_s=TRANSFER_S)
        return self._id_of(self._made(answer, self._batches))

    async def find(self, tag: str, uploaded: str, total: int, since: float) -> list[str]:
        """It knows no tags: those of the same time and size. Whose they are is seen in their results."""
        found = []
        async for one in self._listed():
            counts = one.get("request_counts")
            if not isinstance(counts, dict) or sum(count for count in counts.values() if isinstance(count, int)) != total:
                continue
            if abs(_unix(str(one.get("created_at"))) - since) < SKEW_S:
                found.append(self._id_of(one))
        return found

    def _state(self, said: Body) -> BatchState:
        counts = said.get("request_counts") or {}
        url = said.get("results_url")
        failed = sum(counts.get(name) or 0 for name in ("errored", "expired", "canceled"))
        return BatchState(
            self._id_of(said),
            self._state_of(said.get("processing_status"), has_outcome=bool(url or counts)),
            counts.get("succeeded") or 0,
            failed,
            (str(url),) if url else (),
            is_cancelled=bool(said.get("cancel_initiated_at")),
        )

    async def download(self, part: str, into: Path, grown: Grown) -> None:
        """`part` is an address that the server named; the key goes to the server that was asked, whatever that says."""
        path = urlsplit(part).path.partition("/messages/batches/")[2]
        answer = await self._send("GET", f"{self._batches}/{path}", into=into, grown=grown, timeout_s=TRANSFER_S)
        self._check_download(path, answer)

    def result(self, line: bytes, wanted: Callable[[str], int]) -> Result | None:
        try:
            said: Any = orjson.loads(line)
            custom_id, found = said["custom_id"], said["result"]
            kind = found["type"]
        except (ValueError, KeyError, TypeError):
            return None
        if not isinstance(custom_id, str) or not isinstance(found, dict):
            return None
        if kind == "succeeded":
            return self._read(custom_id, Answer(200, {}, orjson.dumps(found.get("message"))), wanted(custom_id))
        if kind == "errored":
            error = found["error"] if isinstance(found.get("error"), dict) else {}
            inner: dict[str, Any] = error["error"] if isinstance(error.get("error"), dict) else error
            status = _STATUS.get(str(inner.get("type")), 500)
            return self._read(custom_id, Answer(status, {}, orjson.dumps({"error": inner})), wanted(custom_id))
        return self._gone(custom_id, str(kind), "")

    async def _listed(self) -> AsyncIterator[Body]:
        after = ""
        for _ in range(PAGES):
            page, found = await self._page(self._batches, f"limit=100{after and f'&after_id={after}'}")
            for one in found:
                yield one
            if not page.get("has_more") or not page.get("last_id"):
                return
            after = str(page["last_id"])


def _unix(text: str) -> float:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
