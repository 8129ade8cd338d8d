"""What a provider finds wrong with a request, in its own words."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from tests.fakes.providers.dialects import Dialect
from tests.fakes.providers.embedders import Embedder
from tests.fakes.providers.failures import Failure, anthropic_error, google_error, openai_error

BAD_KEY = "bad-key-0123456789"
NO_MODEL = "no-such-model"


def problem_of(dialect: Dialect, request: web.Request, body: dict[str, Any], embedder: Embedder | None) -> Failure | None:
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
    if embedder is not None:
        return _embedding_problem(dialect, embedder, body)
    unknown = [name for name in body if (dialect.takes and name not in dialect.takes) or name in dialect.refused]
    if unknown:
        return _refused(dialect, unknown[0])
    if body.get("stream"):
        return Failure(400, openai_error("streams are not played here", "invalid_request_error"))
    if dialect.is_anthropic:
        return anthropic_problem(body)
    return openai_problem(dialect, body)


def _embedding_problem(dialect: Dialect, embedder: Embedder, body: dict[str, Any]) -> Failure | None:
    unknown = [name for name in body if embedder.takes and name not in embedder.takes]
    if unknown:
        return _refused(dialect, unknown[0])
    texts = body.get("input")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        return Failure(400, openai_error("'$.input' is invalid.", "invalid_request_error", None, "input"))
    return embedder.too_many if len(texts) > embedder.most_inputs else None


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


def openai_problem(dialect: Dialect, body: dict[str, Any]) -> Failure | None:
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


def anthropic_problem(body: dict[str, Any]) -> Failure | None:
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
