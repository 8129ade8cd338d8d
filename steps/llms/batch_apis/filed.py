"""Batches that are made of a file at the provider, and whose results are files too: what OpenAI, Azure and Mistral share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson

from steps.errors import BadRequest
from steps.llms.batch_apis.api import BatchAPI
from steps.llms.batch_apis.server import A_FILE, TRANSFER_S, Body
from steps.llms.batch_apis.told import Result
from steps.llms.http import Answer, Grown
from steps.llms.provider_errors import classify

TAG = "distilflow"
"""The name of the tag in the metadata of a batch."""
DISCARD_S = 30.0


class FiledBatches(BatchAPI):
    """A batch endpoint beside one for files."""

    async def upload(self, file: Path) -> str:
        from aiohttp import MultipartWriter

        with file.open("rb") as content, MultipartWriter("form-data") as form:
            form.append("batch").set_content_disposition("form-data", name="purpose")
            part = form.append(content, {"Content-Type": "application/jsonl"})
            part.set_content_disposition("form-data", name="file", filename=file.name)
            headers = {"Content-Type": form.headers["Content-Type"]}
            answer = await self._send("POST", "files", data=form, headers=headers, timeout_s=TRANSFER_S)
        if answer.status in (404, 405, 501):
            seen = self._target.excerpt(answer.body) or "(nothing)"
            what = f"{self._target} has no batch endpoint that takes files; it said {answer.status}: {seen}"
            raise BadRequest(what, "leave `batch` out of the step, or correct base_url")
        return self._id_of(self._object(answer, "files", A_FILE))

    async def find(self, tag: str, uploaded: str, total: int, since: float) -> list[str]:
        """Servers that keep no tags know the file all the same."""

        def is_it(one: Body) -> bool:
            told = one.get("metadata")
            files = one.get("input_files")
            used = [one.get("input_file_id"), *(files if isinstance(files, list) else [])]
            return (isinstance(told, dict) and told.get(TAG) == tag) or (bool(uploaded) and uploaded in used)

        return [self._id_of(one) async for one in self._listed() if is_it(one)]

    async def download(self, part: str, into: Path, grown: Grown) -> None:
        answer = await self._send("GET", f"files/{part}/content", into=into, grown=grown, timeout_s=TRANSFER_S)
        self._check_download(part, answer)

    async def discard(self, uploaded: str) -> None:
        answer = await self._send("DELETE", f"files/{uploaded}", timeout_s=DISCARD_S)
        if answer.status >= 300:
            raise classify(answer.status, answer.body, answer.headers, self._target)

    def result(self, line: bytes, wanted: Callable[[str], int]) -> Result | None:
        said = _object(line)
        custom_id = said.get("custom_id")
        if not isinstance(custom_id, str):
            return None
        response = said.get("response")
        if isinstance(response, dict) and isinstance(response.get("status_code"), int):
            body = response.get("body")
            content = body.encode() if isinstance(body, str) else orjson.dumps(body)
            return self._read(custom_id, Answer(response["status_code"], {}, content), wanted(custom_id))
        error = said.get("error") if isinstance(said.get("error"), dict) else {}
        return self._gone(custom_id, str((error or {}).get("code") or ""), str((error or {}).get("message") or ""))


def _object(line: bytes) -> Body:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
