"""Batch jobs of Mistral."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from steps.llms.batch_apis.api import PAGES
from steps.llms.batch_apis.filed import TAG, FiledBatches
from steps.llms.batch_apis.server import Body
from steps.llms.batch_apis.told import BatchState, Fault, State, number


class MistralBatches(FiledBatches):
    """Mistral's batch jobs."""

    _batches = "batch/jobs"
    _states: Mapping[str, State] = {
        **dict.fromkeys(("queued", "running", "cancellation_requested"), "running"),
        **dict.fromkeys(("success", "timeout_exceeded", "cancelled"), "ended"),
        "failed": "failed",
    }

    def line(self, custom_id: str, body: Body) -> Body:
        return {"custom_id": custom_id, "body": {name: value for name, value in body.items() if name != "model"}}

    async def create(self, uploaded: str, file: Path, tag: str) -> str:
        told = {
            "input_files": [uploaded],
            "model": self._target.model,
            "endpoint": "/v1/chat/completions",
            "metadata": {TAG: tag},
            "timeout_hours": 24,
        }
        return self._id_of(await self._post("batch/jobs", told))

    def _state(self, said: Body) -> BatchState:
        status = said.get("status")
        files = tuple(str(said[name]) for name in ("output_file", "error_file") if said.get(name))
        faults = tuple(Fault("", str(one.get("message") or "")) for one in said.get("errors") or [] if isinstance(one, dict))
        state = self._state_of(status, has_outcome=bool(files) or "succeeded_requests" in said)
        if state == "failed" and files:
            state = "ended"
        done, failed = number(said.get("succeeded_requests")), number(said.get("failed_requests"))
        return BatchState(self._id_of(said), state, done, failed, files, faults, is_cancelled=status == "CANCELLED")

    async def _listed(self) -> AsyncIterator[Body]:
        for page in range(PAGES):
            _, found = await self._page("batch/jobs", f"page={page}&page_size=100&created_by_me=true")
            for one in found:
                yield one
            if len(found) < 100:
                return
