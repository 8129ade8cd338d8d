"""What providers take, refuse and say, as their API references and their own SDKs have it.

Nothing here is read from the table of the code under test: a mistake there is to be seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Any
Refusal = Literal["argument", "property", "extra", "unknown-name", "anthropic-extra"]
"""How a server words that it does not know a parameter."""

OPENAI_PARAMETERS = frozenset(
    {
        *("model", "messages", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens"),
        *("max_completion_tokens", "n", "presence_penalty", "response_format", "seed", "stop", "stream", "temperature"),
        *("top_p", "tools", "tool_choice", "user", "metadata", "store", "reasoning_effort", "service_tier", "verbosity"),
    }
)
MISTRAL_PARAMETERS = frozenset(
    {
        *("model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "response_format"),
        *("tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "safe_prompt", "prediction", "metadata"),
        *("reasoning_effort", "prompt_mode", "parallel_tool_calls", "logprobs", "top_logprobs"),
    }
)
ANTHROPIC_PARAMETERS = frozenset(
    {
        *("model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream"),
        *("metadata", "service_tier", "thinking", "tools", "tool_choice", "output_config", "container"),
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One answer that is no reply."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    finish_reason: str = ""
    """Of a reply without a text, where the server says so in one."""

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


_LONG = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
    " Please reduce the length of the messages."
)
_X_RATELIMIT = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "60000",
    "x-ratelimit-remaining-tokens": "59000",
    "x-ratelimit-reset-tokens": "1s",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider. `None` for a failure: it has none of this kind."""

    name: str
    host: str
    """Empty for servers that people run themselves."""
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    key_header: str = "authorization"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that a request must have."""
    takes: frozenset[str] = frozenset()
    """Parameters that it knows; empty: it minds none."""
    refusal: Refusal = "argument"
    most_n: int = 128
    refuses_n: bool = False
    """Whether more is an error. If not, it gives one reply."""
    refused: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ("text", "json_object", "json_schema")
    strict: bool = False
    """Whether it wants schemas in OpenAI's strict form."""
    wants_word: bool = False
    """Whether `json_object` needs the word JSON in the prompt."""
    is_anthropic: bool = False
    knows_models: bool = True
    """Whether it minds which model a request names."""

    unauthorized: Failure = Failure(401)
    rate_limited: Failure | None = None
    too_long: Failure | None = None
    filtered: Failure | None = None
    failed: Failure = Failure(500)
    unknown_model: Failure = Failure(404, openai_error("The model does not exist", "invalid_request_error", "model_not_found"))


_GOOGLE_TOO_LONG = Failure(
    400,
    google_error(
        400, "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).", "INVALID_ARGUMENT"
    ),
)

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            "openai",
            "api.openai.com",
            "/v1/chat/completions",
            takes=OPENAI_PARAMETERS,
            strict=True,
            wants_word=True,
            unauthorized=Failure(
                401, openai_error("Incorrect API key provided: bad-key.", "invalid_request_error", "invalid_api_key")
            ),
            rate_limited=Failure(
                429,
                openai_error(
                    "Rate limit reached for gpt-4o-mini on requests per min (RPM).", "requests", "rate_limit_exceeded"
                ),
                {**_X_RATELIMIT, "retry-after": "1", "retry-after-ms": "300"},
            ),
            too_long=Failure(400, openai_error(_LONG, "invalid_request_error", "context_length_exceeded", "messages")),
            filtered=Failure(
                400,
                openai_error(
                    "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
                    "invalid_request_error",
                    "invalid_prompt",
                ),
            ),
            failed=Failure(500, openai_error("The server had an error while processing your request.", "server_error")),
        ),
        Dialect(
            "azure",
            "my-resource.openai.azure.com",
            "/openai/deployments/some-model/chat/completions",
            query={"api-version": "2024-10-21"},
            key_header="api-key",
            takes=OPENAI_PARAMETERS,
            strict=True,
            wants_word=True,
            unauthorized=Failure(
                401,
                {
                    "error": {
                        "code": "401",
                        "message": "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide "
                        "a valid key for an active subscription and use a correct regional API endpoint for your resource.",
                    }
                },
            ),
            rate_limited=Failure(
                429,
                {
                    "error": {
                        "code": "429",
                        "message": "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded call "
                        "rate limit of your current OpenAI S0 pricing tier. Please retry after 1 second.",
                    }
                },
                {"retry-after": "1", "retry-after-ms": "300", "x-ratelimit-remaining-requests": "0"},
            ),
            too_long=Failure(400, openai_error(_LONG, "invalid_request_error", "context_length_exceeded", "messages")),
            filtered=Failure(
                400,
                {
                    "error": {
                        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management "
                        "policy. Please modify your prompt and retry.",
                        "type": None,
                        "param": "prompt",
                        "code": "content_filter",
                        "status": 400,
                        "innererror": {
                            "code": "ResponsibleAIPolicyViolation",
                            "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
                        },
                    }
                },
            ),
            failed=Failure(500, {"error": {"code": "InternalServerError", "message": "Backend returned unexpected response."}}),
            unknown_model=Failure(
                404,
                {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
            ),
        ),
        Dialect(
            "anthropic",
            "api.anthropic.com",
            "/v1/messages",
            key_header="x-api-key",
            headers={"anthropic-version": "2023-06-01"},
            takes=ANTHROPIC_PARAMETERS,
            refusal="anthropic-extra",
            most_n=1,
            is_anthropic=True,
            unauthorized=Failure(401, anthropic_error("authentication_error", "invalid x-api-key")),
            rate_limited=Failure(
                429,
                anthropic_error("rate_limit_error", "This request would exceed your organization's rate limit."),
                {
                    "retry-after": "1",
                    "anthropic-ratelimit-requests-limit": "50",
                    "anthropic-ratelimit-requests-remaining": "0",
                    "anthropic-ratelimit-requests-reset": "2026-01-27T12:00:00Z",
                },
            ),
            too_long=Failure(
                400, anthropic_error("invalid_request_error", "prompt is too long: 210001 tokens > 200000 maximum")
            ),
            filtered=Failure(200, finish_reason="refusal"),
            failed=Failure(529, anthropic_error("overloaded_error", "Overloaded")),
            unknown_model=Failure(404, anthropic_error("not_found_error", "model: no-such-model")),
        ),
        Dialect(
            "anyscale",
            "api.endpoints.anyscale.com",
            "/v1/chat/completions",
            unauthorized=Failure(401, {"error": {"message": "Invalid API key", "type": "AuthenticationError"}}),
            rate_limited=Failure(429, {"error": {"message": "Too many concurrent requests", "type": "RateLimitError"}}),
            too_long=Failure(400, openai_error(_LONG, "BadRequestError", 400)),
            failed=Failure(500, {"error": {"message": "Internal Server Error", "type": "InternalServerError"}}),
        ),
        Dialect(
            "cohere",
            "api.cohere.ai",
            "/compatibility/v1/chat/completions",
            most_n=1,
            refused=frozenset({"logit_bias", "top_logprobs", "store", "metadata", "parallel_tool_calls"}),
            formats=("text", "json_object"),
            unauthorized=Failure(401, {"id": "a1", "message": "invalid api token"}),
            rate_limited=Failure(
                429, {"id": "a1", "message": "You are using a Trial key, which is limited to 20 API calls / minute."}
            ),
            too_long=Failure(
                400, {"message": "too many tokens: size limit exceeded by 1132 tokens. Try using shorter inputs."}
            ),
            failed=Failure(500, {"id": "a1", "message": "internal server error"}),
            unknown_model=Failure(404, {"message": "model 'no-such-model' not found, make sure the correct model ID was used"}),
        ),
        Dialect(
            "deepseek",
            "api.deepseek.com",
            "/v1/chat/completions",
            most_n=1,
            refuses_n=True,
            formats=("text", "json_object"),
            wants_word=True,
            unauthorized=Failure(
                401,
                openai_error(
                    "Authentication Fails, Your api key: ****-key is invalid", "authentication_error", "invalid_request_error"
                ),
            ),
            rate_limited=Failure(429, openai_error("Rate Limit Reached", "rate_limit_error")),
            too_long=Failure(
                400, openai_error(_LONG.replace("8192", "65536"), "invalid_request_error", "invalid_request_error")
            ),
            filtered=Failure(400, openai_error("Content Exists Risk", "invalid_request_error", "invalid_request_error")),
            failed=Failure(500, openai_error("Server Error", "server_error")),
            unknown_model=Failure(400, openai_error("Model Not Exist", "invalid_request_error", "invalid_request_error")),
        ),
        Dialect(
            "fireworks",
            "api.fireworks.ai",
            "/inference/v1/chat/completions",
            takes=OPENAI_PARAMETERS | {"top_k", "min_p", "repetition_penalty"},
            refusal="extra",
            unauthorized=Failure(401, {"error": {"message": "unauthorized", "type": "error"}}),
            rate_limited=Failure(
                429,
                {"error": {"object": "error", "type": "error", "message": "rate limit exceeded, please try again later"}},
                {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"},
            ),
            too_long=Failure(
                400,
                {
                    "error": {
                        "object": "error",
                        "type": "invalid_request_error",
                        "message": "The prompt is too long: 9001, model maximum context length: 8191",
                    }
                },
            ),
            failed=Failure(
                500, {"error": {"object": "error", "type": "internal_server_error", "message": "server had an error"}}
            ),
        ),
        Dialect(
            "gemini",
            "generativelanguage.googleapis.com",
            "/v1beta/openai/chat/completions",
            takes=OPENAI_PARAMETERS | {"extra_body"},
            refusal="unknown-name",
            most_n=8,
            refuses_n=True,
            unauthorized=Failure(
                400,
                google_error(
                    400,
                    "API key not valid. Please pass a valid API key.",
                    "INVALID_ARGUMENT",
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "API_KEY_INVALID",
                        "domain": "googleapis.com",
                    },
                ),
            ),
            rate_limited=Failure(
                429,
                google_error(
                    429,
                    "You exceeded your current quota, please check your plan and billing details.",
                    "RESOURCE_EXHAUSTED",
                    {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []},
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.300s"},
                ),
            ),
            too_long=_GOOGLE_TOO_LONG,
            filtered=Failure(200, finish_reason="content_filter"),
            failed=Failure(500, google_error(500, "An internal error has occurred. Please retry.", "INTERNAL")),
            unknown_model=Failure(
                404, google_error(404, "models/no-such-model is not found for API version v1main", "NOT_FOUND")
            ),
        ),
        Dialect(
            "groq",
            "api.groq.com",
            "/openai/v1/chat/completions",
            takes=OPENAI_PARAMETERS | {"reasoning_format", "include_reasoning"},
            refusal="property",
            most_n=1,
            refuses_n=True,
            refused=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
            wants_word=True,
            unauthorized=Failure(401, openai_error("Invalid API Key", "invalid_request_error", "invalid_api_key")),
            rate_limited=Failure(
                429,
                openai_error(
                    "Rate limit reached for model `some-model` in organization `org_1` on requests per "
                    "minute (RPM): Limit 30, Used 30, Requested 1. Please try again in 1s.",
                    "requests",
                    "rate_limit_exceeded",
                ),
                {**_X_RATELIMIT, "retry-after": "1"},
            ),
            too_long=Failure(
                413,
                openai_error(
                    "Request too large for model `some-model` in organization `org_1` on tokens per minute (TPM): Limit 6000,"
                    " Requested 9001, please reduce your message size and try again.",
                    "tokens",
                    "rate_limit_exceeded",
                ),
            ),
            failed=Failure(500, openai_error("Internal Server Error", "internal_server_error")),
        ),
        Dialect(
            "huggingface",
            "router.huggingface.co",
            "/v1/chat/completions",
            most_n=1,
            unauthorized=Failure(401, {"error": "Invalid username or password."}),
            rate_limited=Failure(429, {"error": "Too Many Requests"}),
            too_long=Failure(400, openai_error(_LONG, "BadRequestError", 400)),
            failed=Failure(500, {"error": "Internal Server Error"}),
            unknown_model=Failure(
                400,
                openai_error(
                    "The requested model 'no-such-model' does not exist", "invalid_request_error", "model_not_found", "model"
                ),
            ),
        ),
        Dialect(
            "llama.cpp",
            "",
            "/v1/chat/completions",
            knows_models=False,
            most_n=1,
            unauthorized=Failure(401, {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}),
            rate_limited=Failure(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}),
            too_long=Failure(
                400,
                {
                    "error": {
                        "code": 400,
                        "message": "the request exceeds the available context size, try increasing it",
                        "type": "exceed_context_size_error",
                        "n_prompt_tokens": 9001,
                        "n_ctx": 8192,
                    }
                },
            ),
            failed=Failure(500, {"error": {"code": 500, "message": "Compute error.", "type": "server_error"}}),
        ),
        Dialect(
            "mistral",
            "api.mistral.ai",
            "/v1/chat/completions",
            takes=MISTRAL_PARAMETERS,
            refusal="extra",
            unauthorized=Failure(401, {"detail": "Unauthorized"}),
            rate_limited=Failure(
                429,
                {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "param": None, "code": "1300"},
                {
                    "x-ratelimit-limit-req-minute": "60",
                    "x-ratelimit-remaining-req-minute": "0",
                    "x-ratelimit-limit-tokens-minute": "500000",
                    "x-ratelimit-remaining-tokens-minute": "499000",
                },
            ),
            too_long=Failure(
                400,
                {
                    "object": "error",
                    "message": "Prompt contains 40001 tokens and 0 draft tokens, too large for model with 32768 maximum "
                    "context length",
                    "type": "invalid_request_message_order",
                    "param": None,
                    "code": "3051",
                },
            ),
            failed=Failure(
                500, {"object": "error", "message": "Internal server error", "type": "internal_server_error", "code": "1000"}
            ),
            unknown_model=Failure(
                400, {"object": "error", "message": "Invalid model: no-such-model", "type": "invalid_model", "code": "1500"}
            ),
        ),
        Dialect(
            "ollama",
            "",
            "/v1/chat/completions",
            most_n=1,
            unauthorized=Failure(401, {"error": "unauthorized"}),
            rate_limited=Failure(
                503, openai_error("server busy, please try again.  maximum pending requests exceeded", "api_error")
            ),
            failed=Failure(500, openai_error("llama runner process has terminated: exit status 2", "api_error")),
            unknown_model=Failure(404, openai_error("model 'no-such-model' not found", "not_found_error")),
        ),
        Dialect(
            "openrouter",
            "openrouter.ai",
            "/api/v1/chat/completions",
            most_n=1,
            unauthorized=Failure(401, {"error": {"message": "No auth credentials found", "code": 401}}),
            rate_limited=Failure(
                429,
                {
                    "error": {
                        "message": "Rate limit exceeded: free-models-per-min. ",
                        "code": 429,
                        "metadata": {"headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"}},
                    }
                },
                {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0"},
            ),
            too_long=Failure(
                400,
                {
                    "error": {
                        "message": "This endpoint's maximum context length is 8192 tokens. However, you requested about 9001 "
                        "tokens. Please reduce the length of either one.",
                        "code": 400,
                    }
                },
            ),
            filtered=Failure(
                403,
                {
                    "error": {
                        "message": "openai/gpt-4o-mini requires moderation on OpenAI. Your input was flagged for violence.",
                        "code": 403,
                        "metadata": {"reasons": ["violence"], "flagged_input": "forbidden"},
                    }
                },
            ),
            failed=Failure(502, {"error": {"message": "Provider returned error", "code": 502}}),
            unknown_model=Failure(400, {"error": {"message": "no-such-model is not a valid model ID", "code": 400}}),
        ),
        Dialect(
            "tgi",
            "",
            "/v1/chat/completions",
            knows_models=False,
            most_n=1,
            unauthorized=Failure(401),
            rate_limited=Failure(429, {"error": "Model is overloaded", "error_type": "overloaded"}),
            too_long=Failure(
                422,
                {
                    "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4097 `inputs`"
                    " tokens and 100 `max_new_tokens`",
                    "error_type": "validation",
                },
            ),
            failed=Failure(
                424, {"error": "Request failed during generation: Server error: CUDA error", "error_type": "generation"}
            ),
        ),
        Dialect(
            "together",
            "api.together.xyz",
            "/v1/chat/completions",
            unauthorized=Failure(
                401,
                {
                    "id": "o1",
                    **openai_error(
                        "Invalid API key provided. You can find your API key at https://api.together.ai/settings/api-keys.",
                        "invalid_request_error",
                        "invalid_api_key",
                    ),
                },
            ),
            rate_limited=Failure(
                429,
                {
                    "id": "o1",
                    **openai_error("You have been rate limited. Your rate limit is 60 queries per minute.", "rate_limit"),
                },
                {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1", "retry-after": "1"},
            ),
            too_long=Failure(
                422,
                {
                    "id": "o1",
                    **openai_error(
                        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9001 `inputs`"
                        " tokens and 512 `max_new_tokens`",
                        "invalid_request_error",
                    ),
                },
            ),
            failed=Failure(500, {"id": "o1", **openai_error("Internal server error", "server_error")}),
        ),
        Dialect(
            "vertex",
            "aiplatform.googleapis.com",
            "/v1/projects/my-project/locations/global/endpoints/openapi/chat/completions",
            takes=OPENAI_PARAMETERS | {"extra_body"},
            refusal="unknown-name",
            most_n=8,
            refuses_n=True,
            unauthorized=Failure(
                401,
                google_error(
                    401,
                    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
                    " authentication credential.",
                    "UNAUTHENTICATED",
                ),
            ),
            rate_limited=Failure(429, google_error(429, "Resource exhausted. Please try again later.", "RESOURCE_EXHAUSTED")),
            too_long=_GOOGLE_TOO_LONG,
            filtered=Failure(200, finish_reason="content_filter"),
            failed=Failure(500, google_error(500, "Internal error encountered.", "INTERNAL")),
        ),
        Dialect(
            "vllm",
            "",
            "/v1/chat/completions",
            unauthorized=Failure(401, {"error": "Unauthorized"}),
            too_long=Failure(400, openai_error(_LONG, "BadRequestError", 400)),
            failed=Failure(500, openai_error("EngineCore encountered an issue.", "InternalServerError", 500)),
            unknown_model=Failure(404, openai_error("The model `no-such-model` does not exist.", "NotFoundError", 404)),
        ),
        Dialect(
            "xai",
            "api.x.ai",
            "/v1/chat/completions",
            unauthorized=Failure(
                400,
                {
                    "code": "Client specified an invalid argument",
                    "error": "Incorrect API key provided: ba***ey. You can obtain an API key from https://console.x.ai.",
                },
            ),
            rate_limited=Failure(
                429,
                {
                    "code": "Some resource has been exhausted",
                    "error": "Too many requests for team. Your rate limit is 1 per second.",
                },
            ),
            too_long=Failure(
                400,
                {
                    "code": "Client specified an invalid argument",
                    "error": "This model's maximum prompt length is 131072 but the request contains 140001 tokens.",
                },
            ),
            filtered=Failure(
                403,
                {
                    "code": "The caller does not have permission to execute the specified operation",
                    "error": "Content violates usage guidelines.",
                },
            ),
            failed=Failure(500, {"code": "Internal error", "error": "internal server error"}),
        ),
    )
}
