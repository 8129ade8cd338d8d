"""Batches of OpenAI, and of those who do as it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from steps.llms.batch_apis.api import PAGES
from steps.llms.batch_apis.filed import TAG, FiledBatches
from steps.llms.batch_apis.server import Body
from steps.llms.batch_apis.told import BatchState, Fault, State, number


class OpenAIBatches(FiledBatches):
    """OpenAI, and those who do as it does."""

    route = "/v1/chat/completions"
    _states: Mapping[str, State] = {
        **dict.fromkeys(("validating", "in_progress", "finalizing", "cancelling"), "running"),
        **dict.fromkeys(("queued", "pending", "running"), "running"),  # other servers of its protocol
        **dict.fromkeys(("completed", "expired", "cancelled"), "ended"),
        "failed": "failed",
    }

    def line(self, custom_id: str, body: Body) -> Body:
        return {"custom_id": custom_id, "method": "POST", "url": self.route, "body": body}

    async def create(self, uploaded: str, file: Path, tag: str) -> str:
        told = {"input_file_id": uploaded, "endpoint": self.route, "completion_window": "24h", "metadata": {TAG: tag}}
        return self._id_of(await self._post("batches", told))

    def _state(self, said: Body) -> BatchState:
        status, counts = said.get("status"), said.get("request_counts") or {}
        files = tuple(str(said[name]) for name in ("output_file_id", "error_file_id") if said.get(name))
        errors = (said.get("errors") or {}).get("data") or []
        faults = tuple(
            Fault(str(one.get("code") or ""), str(one.get("message") or ""), number(one.get("line")))
            for one in errors
            if isinstance(one, dict)
        )
        state = self._state_of(status, has_outcome=bool(files or counts))
        if state == "failed" and files:
            state = "ended"
        done, failed = number(counts.get("completed")), number(counts.get("failed"))
        is_cancelled = str(status).lower() == "cancelled"
        return BatchState(self._id_of(said), state, done, failed, files, faults, is_cancelled)

    async def _listed(self) -> AsyncIterator[Body]:
        after = ""
        for _ in range(PAGES):
            page, found = await self._page("batches", f"limit=100{after and f'&after={after}'}")
            for one in found:
                yield one
            if not page.get("has_more") or not found:
                return
            after = str(page.get("last_id") or self._id_of(found[-1]))
