"""One server for all providers: it tells them apart by the host that a request names."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from aiohttp import web

from tests.fakes.providers.dialects import DIALECTS, Dialect
from tests.fakes.providers.failures import Failure, anthropic_error, google_error, openai_error

BAD_KEY = "bad-key-0123456789"
NO_MODEL = "no-such-model"


class Prompt(StrEnum):
    """Words of a prompt that have the server do something else than answer."""

    WAIT = "please refuse the first time"
    FAIL = "please fail the first time"
    CUT = "please hang up the first time"
    LONG = "please find this too long"
    FORBIDDEN = "please forbid this"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that reached a provider."""

    dialect: str
    prompt: str
    system: str
    body: dict[str, Any]
    status: int
    at: float


class FakeProviders:
    """All providers, told apart by host; `only` is the one that answers where the host says nothing."""

    def __init__(self, only: str = "") -> None:
        self.seen: list[Seen] = []
        self._only = only
        self._asked: Counter[tuple[str, str]] = Counter()

    def build_app(self) -> web.Application:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    def requests(self, dialect: str, words: str = "") -> list[Seen]:
        """The requests to a provider whose prompt has these words."""
        return [one for one in self.seen if one.dialect == dialect and words in one.prompt]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        host = (request.host or "").partition(":")[0]
        found = [one for one in DIALECTS.values() if one.host == host] or [DIALECTS[self._only]]
        dialect = found[0]
        if request.method != "POST" or request.path.replace(NO_MODEL, "some-model") != dialect.path:
            return web.json_response({"error": {"message": f"no such path: {request.path}"}}, status=404)
        body: dict[str, Any] = orjson.loads(await request.read())
        prompt, system = _texts(body)
        answer = self._answer(dialect, request, body, prompt)
        now = asyncio.get_running_loop().time()
        if answer is None:
            self.seen.append(Seen(dialect.name, prompt, system, body, 0, now))
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        self.seen.append(Seen(dialect.name, prompt, system, body, answer.status, now))
        return answer

    def _answer(self, dialect: Dialect, request: web.Request, body: dict[str, Any], prompt: str) -> web.Response | None:
        """None: the connection is cut."""
        if problem := _problem(dialect, request, body):
            return _failure(problem)
        self._asked[dialect.name, prompt] += 1
        is_first = self._asked[dialect.name, prompt] == 1
        failure: Failure | None = None
        if Prompt.CUT in prompt and is_first:
            return None
        if Prompt.WAIT in prompt and is_first:
            failure = dialect.rate_limited
        elif Prompt.FAIL in prompt and is_first:
            failure = dialect.failed
        elif Prompt.LONG in prompt:
            failure = dialect.too_long
        elif Prompt.FORBIDDEN in prompt:
            failure = dialect.filtered
        if failure is not None and not failure.finish_reason:
            return _failure(failure)
        reason = failure.finish_reason if failure is not None else ""
        made = _message(body, prompt, reason) if dialect.is_anthropic else _completion(dialect, body, prompt, reason)
        return web.Response(body=orjson.dumps(made), content_type="application/json")


# ---- what is wrong with a request
def _problem(dialect: Dialect, request: web.Request, body: dict[str, Any]) -> Failure | None:
    if dict(request.query) != dict(dialect.query):
        return Failure(404, {"error": {"code": "404", "message": "Resource not found"}})
    given = request.headers.get(dialect.key_header, "")
    key = given.removeprefix("Bearer ") if dialect.key_header == "authorization" else given
    is_bearer = dialect.key_header != "authorization" or given.startswith("Bearer ")
    if key == BAD_KEY or (dialect.host and (not key or not is_bearer)):
        return dialect.unauthorized
    for name, value in dialect.headers.items():
        if request.headers.get(name) != value:
            return Failure(400, anthropic_error("invalid_request_error", f"{name}: header is required"))
    if body.get("model", "").rpartition("/")[2] == NO_MODEL or f"/{NO_MODEL}/" in request.path:
        return dialect.unknown_model
    unknown = [name for name in body if (dialect.takes and name not in dialect.takes) or name in dialect.refused]
    if unknown:
        return _refused(dialect, unknown[0])
    if body.get("stream"):
        return Failure(400, openai_error("streams are not played here", "invalid_request_error"))
    if dialect.is_anthropic:
        return _anthropic_problem(body)
    return _openai_problem(dialect, body)


def _refused(dialect: Dialect, name: str) -> Failure:
    match dialect.refusal:
        case "property":
            return Failure(400, openai_error(f"property '{name}' is unsupported", "invalid_request_error"))
        case "extra":
            detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}]
            return Failure(422, {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error"})
        case "unknown-name":
            message = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            return Failure(400, google_error(400, message, "INVALID_ARGUMENT"))
        case "anthropic-extra":
            return Failure(400, anthropic_error("invalid_request_error", f"{name}: Extra inputs are not permitted"))
    return Failure(400, openai_error(f"Unrecognized request argument supplied: {name}", "invalid_request_error"))


def _openai_problem(dialect: Dialect, body: dict[str, Any]) -> Failure | None:
    if dialect.name in ("openai", "azure") and "max_tokens" in body:
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        return Failure(400, openai_error(message, "invalid_request_error", "unsupported_parameter", "max_tokens"))
    if dialect.refuses_n and body.get("n", 1) > dialect.most_n:
        return Failure(400, openai_error(f"'n' : number must be at most {dialect.most_n}", "invalid_request_error"))
    wanted = body.get("response_format") or {"type": "text"}
    if wanted["type"] not in dialect.formats:
        return Failure(400, openai_error("This response_format type is unavailable now", "invalid_request_error"))
    if wanted["type"] == "json_object" and dialect.wants_word and "json" not in orjson.dumps(body["messages"]).decode().lower():
        message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        return Failure(400, openai_error(message, "invalid_request_error", None, "messages"))
    if wanted["type"] == "json_schema":
        told = wanted.get("json_schema") or {}
        if not told.get("name") or "schema" not in told:
            message = "Missing required parameter: 'response_format.json_schema.name'."
            return Failure(400, openai_error(message, "invalid_request_error", None, "response_format"))
        if dialect.strict and told.get("strict") and (why := _not_strict(told["schema"])):
            message = f"Invalid schema for response_format '{told['name']}': {why}"
            return Failure(400, openai_error(message, "invalid_request_error", None, "response_format"))
    return None


def _anthropic_problem(body: dict[str, Any]) -> Failure | None:
    if not isinstance(body.get("max_tokens"), int):
        return Failure(400, anthropic_error("invalid_request_error", "max_tokens: Field required"))
    roles = [message["role"] for message in body["messages"]]
    if not roles or set(roles) - {"user", "assistant"}:
        message = "messages: Unexpected role. The Messages API accepts a top-level `system` parameter."
        return Failure(400, anthropic_error("invalid_request_error", message))
    stops = body.get("stop_sequences")
    if stops is not None and not isinstance(stops, list):
        return Failure(400, anthropic_error("invalid_request_error", "stop_sequences: Input should be a valid list"))
    wanted = (body.get("output_config") or {}).get("format")
    if wanted and (wanted.get("type") != "json_schema" or (why := _not_strict(wanted.get("schema"), bounds=False))):
        return Failure(400, anthropic_error("invalid_request_error", f"output_config.format.schema: {why}"))
    return None


def _not_strict(schema: Any, *, bounds: bool = True) -> str:
    """Why OpenAI, or Anthropic, would not take a schema; empty if it would."""
    if not isinstance(schema, dict):
        return "it is no object"
    if not bounds and (found := schema.keys() & {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}):
        return f"'{sorted(found)[0]}' is not supported"
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false"
        if bounds and set(schema.get("required", [])) != set(schema.get("properties", {})):
            return "'required' is required to be supplied and to be an array including every key in properties"
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return next((why for part in inner if (why := _not_strict(part, bounds=bounds))), "")


# ---- answers
def _failure(failure: Failure) -> web.Response:
    body = orjson.dumps(failure.body) if failure.body is not None else b""
    return web.Response(status=failure.status, body=body, content_type="application/json", headers=failure.headers)


def _texts(body: dict[str, Any]) -> tuple[str, str]:
    """What the user says last, and what the system says."""
    messages = body.get("messages") or []
    users = [str(message["content"]) for message in messages if message["role"] == "user"]
    system = [str(message["content"]) for message in messages if message["role"] == "system"]
    return (users[-1] if users else ""), str(body.get("system") or " ".join(system))


def _text(body: dict[str, Any], prompt: str, choice: int, schema: Any, *, is_json: bool) -> str:
    if schema is not None:
        return orjson.dumps(_instance(schema, schema)).decode()
    if is_json or "json" in prompt.lower():
        return '{"labels": "good"}'  # a model that is told in words alone
    return f"reply {choice} to: {prompt}"


def _completion(dialect: Dialect, body: dict[str, Any], prompt: str, reason: str) -> dict[str, Any]:
    wanted = body.get("response_format") or {"type": "text"}
    schema = wanted.get("schema") or (wanted.get("json_schema") or {}).get("schema")
    many = min(body.get("n") or 1, dialect.most_n)
    replies = [_text(body, prompt, number, schema, is_json=wanted["type"] != "text") for number in range(many)]
    messages = [{"role": "assistant"} if reason else {"role": "assistant", "content": reply} for reply in replies]
    asked, told = sum(len(str(one["content"]).split()) for one in body["messages"]), sum(len(one.split()) for one in replies)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [
            {"index": number, "message": message, "finish_reason": reason or "stop"} for number, message in enumerate(messages)
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": told, "total_tokens": asked + told},
    }


def _message(body: dict[str, Any], prompt: str, reason: str) -> dict[str, Any]:
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    text = _text(body, prompt, 0, schema, is_json=False)
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [] if reason else [{"type": "text", "text": text}],
        "stop_reason": reason or "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": len(prompt.split()),
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 3,
            "output_tokens": len(text.split()),
            "service_tier": "standard",
        },
    }


def _instance(schema: Any, root: Any) -> Any:
    """Something that follows a schema."""
    if ref := schema.get("$ref"):
        return _instance(root["$defs"][ref.rpartition("/")[2]], root)
    if options := schema.get("anyOf"):
        return _instance(options[0], root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _instance(part, root) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_instance(schema.get("items", {}), root)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "some text"
