"""Batches of Azure OpenAI."""

from __future__ import annotations

import re
from typing import Any

from steps.errors import BadRequest
from steps.llms.batch_apis.openai import OpenAIBatches
from steps.llms.batch_apis.server import A_FILE


class AzureBatches(OpenAIBatches):
    """Azure OpenAI: the files and batches of a resource, whatever deployment they ask."""

    def __init__(self, address: str, *others: Any, **more: Any) -> None:
        resource = re.sub(r"/deployments/[^/?]+", "", address)
        if resource != address:
            self.route = "/chat/completions"
        super().__init__(resource, *others, **more)

    async def is_ready(self, uploaded: str) -> bool:
        path = f"files/{uploaded}"
        said = self._object(await self._send("GET", path), path, A_FILE)
        if (status := said.get("status")) == "error":
            what = self._target.excerpt(str(said.get("status_details") or said.get("error") or ""))
            raise BadRequest(
                f"{self._target} cannot use the file of a batch: {what}", "check generation_kwargs and the prompts"
            )
        return status not in ("pending", "running")
