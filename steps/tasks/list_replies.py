"""Replies that are one list, of as many entries as were asked for."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, model_validator

from steps.errors import BadReply
from steps.llms.base import JSONSchema
from steps.tasks.replies import SEE_REPLY, parse_answer, schema_of


class ListReply(BaseModel):
    """A reply whose only field is a list. A bare list is taken for it."""

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, data: Any) -> Any:
        return {_field(cls): data} if isinstance(data, list) else data


def list_schema(reply: type[ListReply], count: int) -> JSONSchema:
    """JSON schema of a reply with this many entries: a new one each time, so it may be changed."""
    schema = schema_of(reply)
    schema["properties"][_field(reply)] |= {"minItems": count, "maxItems": count}
    return schema


def parse_list(text: str, reply: type[ListReply], count: int) -> list[Any]:
    """The entries of a reply.

    Raises:
        BadReply: It is no such list, or one of another length.
    """
    field = _field(reply)
    entries: list[Any] = parse_answer(text, reply)[field]
    if len(entries) != count:
        what = f"the reply has {len(entries)} entries in {field!r}, it should have {count}"
        raise BadReply(what, SEE_REPLY, text)
    return entries


def _field(reply: type[ListReply]) -> str:
    return next(iter(reply.model_fields))
