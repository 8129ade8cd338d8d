"""The batch endpoints of OpenAI, Azure OpenAI, Anthropic and Mistral, as their API references and SDKs have them.

One server plays one of them. It counts what it was handed and what it ran, since both cost money, and can fail in the ways
that matter: single rows, whole batches, answers that are lost after the work was done.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

import orjson
from aiohttp import web

from tests.fakes.providers.dialects import DIALECTS, Dialect
from tests.fakes.providers.failures import Failure, anthropic_error, openai_error
from tests.fakes.providers.refusals import BAD_KEY, anthropic_problem, openai_problem
from tests.fakes.providers.replies import answered_with, completion, message, texts_of
from tests.fakes.providers.server import Prompt

Kind = Literal["openai", "azure", "anthropic", "mistral"]
Moment = Literal["upload", "create", "late", "created", "look", "download"]
"""When a request can be held: before a file is taken, before a batch is made, before it is made though nobody waits for the
answer any more, once it is made, at a look, in a download."""
KEY = "good-key-0123456789"
EXPIRE = "please expire the first time"
BREAK = "please break the first time"
EMPTY = "please say nothing the first time"
PAGE = "<html>Please sign in</html>"
BATCH_PATHS = {
    "openai": ("/v1/files", "/v1/batches"),
    "azure": ("/openai/files", "/openai/batches"),
    "mistral": ("/v1/files", "/v1/batch/jobs"),
    "anthropic": ("", "/v1/messages/batches"),
}
AZURE_VERSION = {"api-version": "2024-10-21"}


@dataclass
class Made:
    """A batch that was made."""

    id: str
    lines: list[dict[str, Any]]
    created: float
    metadata: dict[str, str] | None
    faults: list[dict[str, Any]]
    key: str = ""
    """With which it was made."""
    model: str = ""
    file: str = ""
    is_cancelled: bool = False
    is_over: bool = False
    results: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)


@dataclass
class FakeBatches:
    """A provider with nothing but a batch endpoint. The fields after `kind` are what goes wrong."""

    kind: Kind = "openai"
    takes_s: float = 0.05
    """How long a batch takes."""
    lost_answers: int = 0
    """So many batches are made, and then 500 is answered."""
    failing_creates: int = 0
    """So many times 500 is answered before anything is made."""
    refused_creates: int = 0
    """So many times 429 is answered, and to wait a year."""
    failing_looks: int = 0
    most_open: int = 10**9
    """Requests that may lie in batches at a time; a batch beyond it is not taken."""
    forgets: bool = False
    """Whether it knows no batch that it made."""
    refuses_schemas: bool = False
    short_downloads: int = 0
    """So many times results lack their end, and nothing says so."""
    cut_downloads: int = 0
    """So many times results break off half way."""
    has_no_end: bool = False
    """Whether results go on for ever."""
    keeps_files: bool = False
    """Whether it fails to delete files."""
    keeps_tags: bool = True
    odd_looks: int = 0
    """So many looks are answered with something that is no batch."""
    look: bytes | None = None
    """What all looks are answered with instead, with status 200 and the batch's id where it says BATCH."""
    no_json: str = ""
    """A path that is answered with a page instead, and status 200: nothing is done."""
    odd_lists: int = 0
    """So many lists are answered with something that is none."""
    odd_line: bytes = b""
    """What results begin with, besides what they should have."""
    names_twice: bool = False
    """Whether half of the results are left out, and the others are among the errors too."""
    keeps_going: bool = True
    """Whether batches get done."""
    reading_key: str = ""
    """A key that may upload and look, and make no batches."""
    hold: Moment | None = None
    """The first request at this moment is not answered before `go_on`."""

    def __post_init__(self) -> None:
        self.made: list[Made] = []
        self.ran: Counter[str] = Counter()
        """How often each prompt was run: what is paid for."""
        self.handed_in: Counter[str] = Counter()
        """How often each prompt was in a batch that was made."""
        self.uploads = 0
        self.deleted: list[str] = []
        self.pages = 0
        self.endless_bytes = 0
        self.looks = 0
        self.listings = 0
        self.reached = threading.Event()
        self._released = threading.Event()
        self._files: dict[str, bytes] = {}
        self._numbers = count(1)
        self._begun = False
        self.looked_at: list[float] = []
        self._working: asyncio.Task[None] | None = None

    def go_on(self) -> None:
        """Answer the request that is held."""
        self._released.set()

    def cancel(self) -> None:
        """As somebody may on the provider's pages: what is not run yet never is."""
        for one in self.made:
            one.is_cancelled = True

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.kind]

    @property
    def files(self) -> set[str]:
        """What lies there."""
        return set(self._files)

    @property
    def requests(self) -> int:
        """Requests in all batches that were made."""
        return sum(len(one.lines) for one in self.made)

    def build_app(self) -> web.Application:
        app = web.Application(client_max_size=2**29)
        files, batches = BATCH_PATHS[self.kind]
        if files:
            app.router.add_post(files, self._checked(self._upload))
            app.router.add_get(files + "/{id}", self._checked(self._file))
            app.router.add_delete(files + "/{id}", self._checked(self._delete))
            app.router.add_get(files + "/{id}/content", self._checked(self._content))
        app.router.add_post(batches, self._checked(self._create))
        app.router.add_get(batches, self._checked(self._list))
        app.router.add_get(batches + "/{id}", self._checked(self._look))
        app.router.add_get(batches + "/{id}/results", self._checked(self._content))
        return app

    # ---- requests
    def _checked(self, handle: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        _, batches = BATCH_PATHS[self.kind]

        async def checked(request: web.Request) -> web.StreamResponse:
            given = self._key_of(request)
            if not given or given == BAD_KEY:
                return answered_with(self.dialect.unauthorized)
            if given == self.reading_key and request.method == "POST" and request.path.endswith(batches):
                return answered_with(self.dialect.unauthorized)
            if self.kind == "azure" and request.query.get("api-version") != AZURE_VERSION["api-version"]:
                return answered_with(Failure(404, {"error": {"code": "404", "message": "Resource not found"}}))
            if self.kind == "anthropic" and request.headers.get("anthropic-version") != "2023-06-01":
                return answered_with(
                    Failure(400, anthropic_error("invalid_request_error", "anthropic-version: header is required"))
                )
            if self.no_json and request.method == "POST" and request.path.endswith(self.no_json):
                self.pages += 1
                return web.Response(text=PAGE, content_type="text/html")
            found: web.StreamResponse = await handle(request)
            return found

        return checked

    def _key_of(self, request: web.Request) -> str:
        return request.headers.get(self.dialect.key_header, "").removeprefix("Bearer ")

    async def _held(self, moment: Moment) -> None:
        if self.hold == moment and not self.reached.is_set():
            self.reached.set()
            while not self._released.is_set():
                await asyncio.sleep(0.01)

    async def _upload(self, request: web.Request) -> web.Response:
        await self._held("upload")
        form = await request.post()
        if form.get("purpose") != "batch" or not isinstance(form.get("file"), web.FileField):
            return answered_with(Failure(400, openai_error("'purpose' and 'file' are required", "invalid_request_error")))
        given = form["file"]
        assert isinstance(given, web.FileField)
        if not given.filename.endswith(".jsonl"):
            return answered_with(Failure(400, openai_error("Invalid file format.", "invalid_request_error")))
        name, content = f"file-{next(self._numbers)}", given.file.read()
        self._files[name] = content
        self.uploads += 1
        return _json(self._described(name, content))

    def _described(self, name: str, content: bytes) -> dict[str, Any]:
        told = {"id": name, "object": "file", "bytes": len(content), "created_at": int(time.time()), "filename": "b.jsonl"}
        if self.kind == "mistral":
            return {**told, "purpose": "batch", "sample_type": "batch_request", "source": "upload", "num_lines": None}
        return {**told, "purpose": "batch", "status": "processed"}

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self._files:
            return self._not_found("file")
        told = self._described(name, self._files[name])
        if self.kind == "azure" and not self._begun:  # it takes a moment
            self._begun = True
            told["status"] = "pending"
        return _json(told)

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if self.keeps_files:
            return answered_with(self.dialect.failed)
        if self._files.pop(name, None) is None:
            return self._not_found("file")
        self.deleted.append(name)
        return web.Response(status=204) if self.kind == "azure" else _json({"id": name, "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        await self._held("create")
        if self.failing_creates:
            self.failing_creates -= 1
            return answered_with(self.dialect.failed)
        if self.refused_creates:
            self.refused_creates -= 1
            return web.json_response({"error": {"message": "later"}}, status=429, headers={"Retry-After": "31536000"})
        if self.hold == "late" and not self.reached.is_set():
            self._working = asyncio.create_task(self._make_late(body, self._key_of(request)))
            await asyncio.shield(self._working)
            return web.Response(status=500)
        made, problem = self._hand_in(body, self._key_of(request))
        if problem is not None:
            return answered_with(problem)
        if self.lost_answers:
            self.lost_answers -= 1
            return answered_with(self.dialect.failed)
        await self._held("created")
        return _json(self._batch(made))

    async def _make_late(self, body: dict[str, Any], key: str) -> None:
        await self._held("late")
        self._hand_in(body, key)

    def _hand_in(self, body: dict[str, Any], key: str) -> tuple[Made, Failure | None]:
        made, problem = self._make(body)
        made.key = key
        if problem is None:
            self.made.append(made)
            for line in made.lines:
                self.handed_in[_prompt(line)] += 1
        return made, problem

    def _make(self, body: dict[str, Any]) -> tuple[Made, Failure | None]:
        made = Made(f"batch_{next(self._numbers)}", [], time.time(), body.get("metadata") if self.keeps_tags else None, [])
        if self.kind == "anthropic":
            made.id = f"msgbatch_{next(self._numbers)}"
            made.lines = body["requests"]
            if problem := _anthropic_batch_problem(body):
                return made, Failure(400, anthropic_error("invalid_request_error", problem))
            return made, None
        if self.kind == "mistral":
            wanted = {"input_files", "model", "endpoint"}
            source = (body.get("input_files") or [""])[0]
            made.model = body.get("model", "")
        else:
            wanted, source = {"input_file_id", "endpoint", "completion_window"}, body.get("input_file_id", "")
        endpoint = "/chat/completions" if self.kind == "azure" else "/v1/chat/completions"
        if not wanted <= body.keys() or source not in self._files or body["endpoint"] != endpoint:
            return made, Failure(400, openai_error(f"Invalid batch: {sorted(body)}", "invalid_request_error"))
        lines = self._files[source].splitlines()
        made.file = source
        made.lines = [orjson.loads(line) for line in lines]
        made.faults = self._faults(made.lines, endpoint)
        return made, None

    def _faults(self, lines: list[dict[str, Any]], endpoint: str) -> list[dict[str, Any]]:
        """What a file is refused for once it is looked at."""
        open_now = sum(len(one.lines) for one in self.made if not self._is_over(one))
        if open_now + len(lines) > self.most_open:
            message = f"Enqueued token limit reached for gpt-4o-mini. Limit: {self.most_open} enqueued tokens."
            return [{"code": "token_limit_exceeded", "message": message, "param": None, "line": None}]
        seen: set[str] = set()
        for number, line in enumerate(lines, 1):
            if line["custom_id"] in seen:
                return [{"code": "duplicate_custom_id", "message": "The custom_id is used twice.", "line": number}]
            seen.add(line["custom_id"])
            expected = {"custom_id", "body"} if self.kind == "mistral" else {"custom_id", "method", "url", "body"}
            if line.keys() != expected or line.get("url", endpoint) != endpoint or line.get("method", "POST") != "POST":
                return [{"code": "invalid_json_line", "message": "This line is not a request.", "line": number}]
        refused = [number for number, line in enumerate(lines, 1) if "please refuse this line" in _prompt(line)]
        return [{"code": "missing_required_parameter", "message": "It lacks a word.", "line": number} for number in refused]

    async def _list(self, request: web.Request) -> web.Response:
        self.listings += 1
        if self.odd_lists:
            self.odd_lists -= 1
            return _json({"object": "list"})
        newest = sorted(
            (one for one in self.made if one.key == self._key_of(request)), key=lambda one: one.created, reverse=True
        )
        if self.kind == "mistral":
            size, page = int(request.query.get("page_size", 100)), int(request.query.get("page", 0))
            found = newest[page * size : (page + 1) * size]
            return _json({"data": [self._batch(one) for one in found], "object": "list", "total": len(newest)})
        after, limit = request.query.get("after_id") or request.query.get("after"), int(request.query.get("limit", 20))
        begin = next((at + 1 for at, one in enumerate(newest) if one.id == after), 0)
        found = newest[begin : begin + limit]
        ends = {"first_id": found[0].id, "last_id": found[-1].id} if found else {"first_id": None, "last_id": None}
        data = [self._batch(one) for one in found]
        return _json({"object": "list", "data": data, **ends, "has_more": begin + limit < len(newest)})

    async def _look(self, request: web.Request) -> web.Response:
        self.looks += 1
        self.looked_at.append(time.monotonic())
        await self._held("look")
        if self.failing_looks:
            self.failing_looks -= 1
            return answered_with(self.dialect.failed)
        mine = (one for one in self.made if one.key == self._key_of(request))  # other accounts do not know it
        found = next((one for one in mine if one.id == request.match_info["id"]), None)
        if found is None or self.forgets:
            return self._not_found("batch")
        if self.look is not None:
            return web.Response(body=self.look.replace(b"BATCH", found.id.encode()), content_type="application/json")
        if self.odd_looks:
            self.odd_looks -= 1
            return _json({"id": found.id, "request_counts": [1], "errors": [1], "succeeded_requests": None})
        return _json(self._batch(found))

    async def _content(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        if self.kind == "anthropic":
            made = next(one for one in self.made if one.id == name)
            self._run(made)
            content = self.odd_line + b"".join(made.results)
        elif name in self._files:
            content = self.odd_line + self._files[name]
        else:
            return self._not_found("file")
        if self.short_downloads:
            self.short_downloads -= 1
            return web.Response(body=content[: len(content) // 2], content_type="application/octet-stream")
        if self.has_no_end:
            return await self._without_end(request, content)
        is_cut = self.cut_downloads > 0
        self.cut_downloads -= is_cut
        if not is_cut and (self.hold != "download" or self.reached.is_set()):
            return web.Response(body=content, content_type="application/octet-stream")
        response = web.StreamResponse()
        response.content_length = len(content)
        await response.prepare(request)
        half = len(content) // 2
        await response.write(content[:half])
        if is_cut and request.transport is not None:
            request.transport.abort()
            return response
        await self._held("download")
        await response.write(content[half:])
        await response.write_eof()
        return response

    async def _without_end(self, request: web.Request, content: bytes) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(content)
        while True:  # until nobody listens
            await response.write(b" " * (1 << 20))
            self.endless_bytes += 1 << 20

    # ---- batches
    def _is_over(self, made: Made) -> bool:
        if made.faults or made.is_cancelled or made.is_over:
            return True
        made.is_over = self.keeps_going and time.time() - made.created >= self.takes_s
        return made.is_over

    def _batch(self, made: Made) -> dict[str, Any]:
        is_over = self._is_over(made)
        if is_over and not made.faults:
            self._run(made)
        if self.kind == "anthropic":
            return self._message_batch(made, is_over)
        if self.kind == "mistral":
            return self._job(made, is_over)
        status = "failed" if made.faults else "cancelled" if made.is_cancelled else "completed" if is_over else "in_progress"
        if status == "completed" and any(b"batch_expired" in line for line in made.errors):
            status = "expired"
        answered = len(made.results)
        return {
            "id": made.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "errors": {"object": "list", "data": made.faults} if made.faults else None,
            "input_file_id": made.file,
            "completion_window": "24h",
            "status": status,
            "output_file_id": f"{made.id}-output" if made.results else None,
            "error_file_id": f"{made.id}-errors" if made.errors else None,
            "created_at": int(made.created),
            "request_counts": {"total": len(made.lines), "completed": answered, "failed": len(made.errors)},
            "metadata": made.metadata,
        }

    def _job(self, made: Made, is_over: bool) -> dict[str, Any]:
        status = "FAILED" if made.faults else "CANCELLED" if made.is_cancelled else "SUCCESS" if is_over else "RUNNING"
        if any(b"batch_expired" in line for line in made.errors):
            status = "TIMEOUT_EXCEEDED"
        return {
            "id": made.id,
            "object": "batch",
            "input_files": [made.file],
            "metadata": made.metadata,
            "endpoint": "/v1/chat/completions",
            "model": made.model,
            "output_file": f"{made.id}-output" if made.results else None,
            "error_file": f"{made.id}-errors" if made.errors else None,
            "errors": [{"message": one["message"], "count": 1} for one in made.faults],
            "status": status,
            "created_at": int(made.created),
            "total_requests": len(made.lines),
            "completed_requests": len(made.results) + len(made.errors),
            "succeeded_requests": len(made.results),
            "failed_requests": len(made.errors),
        }

    def _message_batch(self, made: Made, is_over: bool) -> dict[str, Any]:
        counts = Counter(orjson.loads(line)["result"]["type"] for line in made.results)
        processing = 0 if is_over else len(made.lines)
        kinds = ("succeeded", "errored", "canceled", "expired")
        return {
            "id": made.id,
            "type": "message_batch",
            "processing_status": "ended" if is_over else "in_progress",
            "request_counts": {"processing": processing, **{kind: counts[kind] for kind in kinds}},
            "created_at": datetime.fromtimestamp(made.created, UTC).isoformat().replace("+00:00", "Z"),
            "expires_at": datetime.fromtimestamp(made.created + 86400, UTC).isoformat().replace("+00:00", "Z"),
            "ended_at": None,
            "archived_at": None,
            "cancel_initiated_at": datetime.now(UTC).isoformat() if made.is_cancelled else None,
            "results_url": f"https://api.anthropic.com/v1/messages/batches/{made.id}/results" if is_over else None,
        }

    def _run(self, made: Made) -> None:
        """Answer all requests of a batch, in an order of its own; once."""
        if made.results or made.errors:
            return
        for number, line in enumerate(reversed(made.lines)):
            prompt = _prompt(line)
            is_first = self.handed_in[prompt] == 1
            body = {"model": made.model, **line["body"]} if "body" in line else line["params"]
            if made.is_cancelled and number % 2:
                self._gone(made, line, "batch_cancelled", "canceled")
            elif EXPIRE in prompt and is_first:
                self._gone(made, line, "batch_expired", "expired")
            elif (failure := self._failure_of(prompt, body, is_first)) is not None:
                self._failed(made, line, failure)
            else:
                self.ran[prompt] += 1
                self._answered(made, line, body, prompt, is_empty=EMPTY in prompt and is_first)
        if self.names_twice:
            made.results = made.results[::2]
            made.errors += made.results
        self._files[f"{made.id}-output"] = b"".join(made.results)
        self._files[f"{made.id}-errors"] = b"".join(made.errors)

    def _failure_of(self, prompt: str, body: dict[str, Any], is_first: bool) -> Failure | None:
        dialect = self.dialect
        if dialect.takes and (unknown := body.keys() - dialect.takes):
            return Failure(400, openai_error(f"Unrecognized request argument supplied: {unknown}", "invalid_request_error"))
        problem = anthropic_problem(body) if self.kind == "anthropic" else openai_problem(dialect, body)
        if problem is not None:
            return problem
        if self.refuses_schemas and "response_format" in body:
            return Failure(400, openai_error("Invalid parameter: 'response_format' is not supported.", "invalid_request_error"))
        if Prompt.LONG in prompt:
            return dialect.too_long
        if BREAK in prompt and is_first:
            return dialect.failed
        if Prompt.WAIT in prompt and is_first:
            return dialect.rate_limited
        return None

    def _answered(self, made: Made, line: dict[str, Any], body: dict[str, Any], prompt: str, *, is_empty: bool) -> None:
        if self.kind == "anthropic":
            result = {"type": "succeeded", "message": message(body, prompt, "end_turn" if is_empty else "")}
            made.results.append(orjson.dumps({"custom_id": line["custom_id"], "result": result}) + b"\n")
            return
        self._response(made.results, made, line, 200, completion(self.dialect, body, prompt, "stop" if is_empty else ""))

    def _failed(self, made: Made, line: dict[str, Any], failure: Failure) -> None:
        if self.kind == "anthropic":
            made.results.append(
                orjson.dumps({"custom_id": line["custom_id"], "result": {"type": "errored", "error": failure.body}}) + b"\n"
            )
            return
        self._response(made.errors, made, line, failure.status, failure.body)

    def _response(self, to: list[bytes], made: Made, line: dict[str, Any], status: int, body: Any) -> None:
        told = {"status_code": status, "request_id": "req_1", "body": body}
        said = {"id": f"batch_req_{len(to)}", "custom_id": line["custom_id"], "response": told, "error": None}
        to.append(orjson.dumps(said) + b"\n")

    def _gone(self, made: Made, line: dict[str, Any], code: str, kind: str) -> None:
        if self.kind == "anthropic":
            made.results.append(orjson.dumps({"custom_id": line["custom_id"], "result": {"type": kind}}) + b"\n")
            return
        error = {"code": code, "message": "This request could not be executed in time."}
        said = {"id": "batch_req_0", "custom_id": line["custom_id"], "response": None, "error": error}
        made.errors.append(orjson.dumps(said) + b"\n")

    def _not_found(self, what: str) -> web.Response:
        if self.kind == "anthropic":
            return answered_with(Failure(404, anthropic_error("not_found_error", "Not found")))
        return answered_with(Failure(404, openai_error(f"No {what} found with that id.", "invalid_request_error")))


def _anthropic_batch_problem(body: dict[str, Any]) -> str:
    ids = [one.get("custom_id", "") for one in body["requests"]]
    if len(set(ids)) < len(ids):
        return "requests: custom_id must be unique"
    if not all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one) for one in ids):
        return "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
    return "" if body.keys() == {"requests"} else "Extra inputs are not permitted"


def _prompt(line: dict[str, Any]) -> str:
    return texts_of(line.get("body") or line.get("params") or {})[0]


def _json(body: Any) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
