"""The user's turn, written by the model: what a request for it looks like on the wire.

A model that was trained on chats goes on where a chat breaks off. After the text that opens a user's message in its own
format it writes what a user would say. No chat endpoint takes such a prompt, so it goes to `/v1/completions` as plain text.

After Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with Nothing, https://arxiv.org/abs/2406.08464
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from steps.llms.base import Chat
from steps.llms.chat_requests import wire_sampling
from steps.providers import COMPATIBLE

LONGEST_TURN = 1024
"""Tokens of a turn where `generation_kwargs` say nothing: servers would cut it after 16 tokens."""

_ROLE = "user"
_CHAT_ONLY = ("response_format", "tools", "tool_choice", "max_completion_tokens")


class ChatFormat(NamedTuple):
    """How a model's chats are written. No BOS token: servers put it before each prompt themselves."""

    opening: str
    """Opens a user's message; the other roles stand in the place of "user"."""
    ending: str | None
    """Ends each message; None when nobody said."""


_LLAMA_BOS = "<|begin_of_text|>"
_KNOWN = {
    "llama3": ChatFormat("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    "qwen2": ChatFormat("<|im_start|>user\n", "<|im_end|>\n"),
}


def chat_format(pre_query: str, end_of_turn: str | None) -> ChatFormat:
    """The format of this name, or the one that a pre-query text of one's own belongs to.

    distilabel writes the texts out, Llama's with its BOS token: they are known too.
    """
    text = pre_query.removeprefix(_LLAMA_BOS)
    by_text = {known.opening: known for known in _KNOWN.values()}
    found = _KNOWN.get(pre_query) or by_text.get(text) or ChatFormat(pre_query, None)
    return found._replace(ending=end_of_turn or found.ending)


def cannot_hold_chats(wanted: ChatFormat) -> str | None:
    """Why messages cannot come before the user's turn, if they cannot."""
    if _ROLE not in wanted.opening:
        return f"the pre-query text {wanted.opening!r} does not name the role {_ROLE!r}, so no message can come before it"
    return None if wanted.ending else "it is not known how a message ends in a chat format of one's own"


def raw_prompt(chat: Chat, wanted: ChatFormat) -> str:
    """The chat as the model was trained to read it, up to where the user speaks."""
    before, _, after = wanted.opening.rpartition(_ROLE)
    ending = wanted.ending or ""
    marker = ending.strip()
    parts = []
    for message in chat:
        said = str(message.get("content") or "").strip()
        parts.append(f"{before}{message['role']}{after}{said.replace(marker, '') if marker else said}{ending}")
    return "".join([*parts, wanted.opening])


def stops_of(given: str | Sequence[str] | None, wanted: ChatFormat) -> list[str]:
    """Where the turn ends: where it was said, and where the model ends messages."""
    stops = [given] if isinstance(given, str) else list(given or ())
    if (marker := (wanted.ending or "").strip()) and marker not in stops:
        stops.append(marker)
    return stops


def wire_completion(generation_kwargs: dict[str, Any], wanted: ChatFormat) -> dict[str, Any]:
    """Sampling as `/v1/completions` has it."""
    given = wire_sampling(generation_kwargs, COMPATIBLE)
    longest = given.get("max_completion_tokens", LONGEST_TURN)
    given = {name: value for name, value in given.items() if name not in _CHAT_ONLY}
    stops = stops_of(given.pop("stop", None), wanted)
    sampling = {"max_tokens": longest, **given, **({"stop": stops} if stops else {})}
    return {**sampling, **generation_kwargs.get("extra_body", {})}
