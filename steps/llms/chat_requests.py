"""Writing a request of the OpenAI chat protocol: sampling by distilabel's names, and structured output."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from pydantic import with_config
from typing_extensions import TypedDict

from steps.errors import Complaint
from steps.llms.base import Chat, JSONSchema
from steps.llms.json_schemas import schema_format
from steps.providers import Provider

RESERVED = {
    "n": "num_generations of the step",
    "model": "`model` of the LLM",
    "messages": "the step's prompt",
    "stream": "nothing instead: replies are used whole",
}
"""Names that `generation_kwargs` cannot set, and what sets them."""


@with_config(extra="forbid")
class StructuredOutput(TypedDict):
    """What every reply must be: JSON (that follows `schema`, if given), or text that the regex `schema` matches."""

    format: Literal["json", "regex"]
    schema: NotRequired[dict[str, Any] | str | None]


def wire_sampling(generation_kwargs: dict[str, Any], provider: Provider) -> dict[str, Any]:
    """Sampling as the wire has it. Names that are not known here go through unchanged; None means not set."""
    given = {name: value for name, value in generation_kwargs.items() if value is not None and name not in RESERVED}
    given.pop("extra_body", None)
    if "max_new_tokens" in given:
        given[provider.max_tokens] = given.pop("max_new_tokens")
    if isinstance(kind := given.get("response_format"), str):
        given["response_format"] = {"type": "json_object" if kind == "json" else kind}
    return {provider.renamed.get(name, name): value for name, value in given.items()}


def parameter_problems(generation_kwargs: dict[str, Any], provider: Provider) -> list[Complaint]:
    """Which parameters the provider is known to refuse."""
    refused = [
        name
        for name in wire_sampling(generation_kwargs, provider)
        if name in provider.refuses or (provider.takes and name not in provider.takes)
    ]
    return [(f"{provider.title} refuses {name!r}", f"take {name} out of generation_kwargs") for name in refused]


def wire_structure(wanted: StructuredOutput | None, provider: Provider, *, is_fine_tuned: bool = False) -> dict[str, Any]:
    """Structured output as the wire has it."""
    if wanted is None:
        return {}
    schema = wanted.get("schema")
    if wanted["format"] == "regex":  # vLLM since 0.12, and before
        return {"structured_outputs": {"regex": schema}, "guided_regex": schema}
    if not isinstance(schema, dict):
        return {"response_format": {"type": "json_object"}}
    return {"response_format": schema_format(schema, provider.schemas, is_fine_tuned=is_fine_tuned)}


def wire_schema(schema: JSONSchema, provider: Provider, chat: Chat, *, is_fine_tuned: bool = False) -> dict[str, Any]:
    """The JSON schema of one request as the wire has it; empty where the server could make nothing of it."""
    if provider.schemas == "none" or (provider.schemas == "object" and not _speaks_of_json(chat)):
        return {}  # servers that know no schemas want the word in the prompt, and refuse the request without
    return {"response_format": schema_format(schema, provider.schemas, is_fine_tuned=is_fine_tuned)}


def _speaks_of_json(chat: Chat) -> bool:
    return any("json" in str(message.get("content")).lower() for message in chat)


def structure_problems(wanted: StructuredOutput | None, provider: Provider) -> list[str]:
    """What is wrong with a structured output, if anything."""
    if wanted is None:
        return []
    is_text = isinstance(wanted.get("schema"), str)
    if wanted["format"] == "json":
        return ["structured_output of format 'json' needs a JSON schema, not text"] if is_text else []
    if not is_text:
        return ["structured_output of format 'regex' needs the regex as `schema`"]
    where = "api.openai.com" if provider.name == "openai" else provider.title
    return [] if provider.takes_regexes else [f"{where} cannot hold replies to a regex; use format 'json'"]
