"""Writing a request of the OpenAI chat protocol: sampling by distilabel's names, and structured output."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict
from typing_extensions import TypedDict

from steps.llms.json_schemas import json_schema_format

RESERVED = {
    "n": "num_generations of the step",
    "model": "`model` of the LLM",
    "messages": "the step's prompt",
    "stream": "nothing instead: replies are used whole",
}
"""Names that `generation_kwargs` cannot set, and what sets them."""


class StructuredOutput(TypedDict):
    """What every reply must be: JSON (that follows `schema`, if given), or text that the regex `schema` matches."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    format: Literal["json", "regex"]
    schema: NotRequired[dict[str, Any] | str | None]


def wire_sampling(generation_kwargs: dict[str, Any], *, for_openai: bool) -> dict[str, Any]:
    """Sampling as the wire has it. Names that are not known here go through unchanged; None means not set."""
    given = {name: value for name, value in generation_kwargs.items() if value is not None and name not in RESERVED}
    given.pop("extra_body", None)
    if "max_new_tokens" in given:  # OpenAI's newer models refuse max_tokens, many other servers know nothing else
        given["max_completion_tokens" if for_openai else "max_tokens"] = given.pop("max_new_tokens")
    if isinstance(kind := given.get("response_format"), str):
        given["response_format"] = {"type": "json_object" if kind == "json" else kind}
    return given


def wire_structure(wanted: StructuredOutput | None, *, for_openai: bool, is_fine_tuned: bool = False) -> dict[str, Any]:
    """Structured output as the wire has it."""
    if wanted is None:
        return {}
    schema = wanted.get("schema")
    if wanted["format"] == "regex":  # vLLM since 0.12, and before
        return {"structured_outputs": {"regex": schema}, "guided_regex": schema}
    if not isinstance(schema, dict):
        return {"response_format": {"type": "json_object"}}
    return {"response_format": json_schema_format(schema, for_openai=for_openai, is_fine_tuned=is_fine_tuned)}


def structure_problems(wanted: StructuredOutput | None, *, for_openai: bool) -> list[str]:
    """What is wrong with a structured output, if anything."""
    if wanted is None:
        return []
    is_text = isinstance(wanted.get("schema"), str)
    if wanted["format"] == "json":
        return ["structured_output of format 'json' needs a JSON schema, not text"] if is_text else []
    if not is_text:
        return ["structured_output of format 'regex' needs the regex as `schema`"]
    return ["api.openai.com cannot hold replies to a regex; use format 'json'"] if for_openai else []
