"""Replies that should be JSON: how to ask for them, and how to read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, StringConstraints, ValidationError

from steps.errors import BadReply
from steps.llms.base import JSONSchema
from steps.tasks.lenient_json import Found, NoJSON, find_json

T = TypeVar("T")

SHOWN_COMPLAINTS = 5
SEE_REPLY = "see the reply; a stronger model often helps"
Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text of a reply that must not be blank."""


def schema_of(answer: type[BaseModel]) -> JSONSchema:
    """JSON schema of what `answer` validates: a new one each time, so it may be changed."""
    schema: JSONSchema = orjson.loads(_schema_json(answer))
    return schema


@cache  # pydantic takes a millisecond to make one, and each row needs it
def _schema_json(answer: type[BaseModel]) -> bytes:
    return orjson.dumps(answer.model_json_schema())


def schema_instructions(schema: JSONSchema) -> str:
    """Words that ask for JSON of this shape."""
    return f"Reply with nothing but JSON that follows this schema:\n{json.dumps(schema, ensure_ascii=False)}"


class Unfit(ValueError):
    """A JSON value is not what was asked for; the message says why."""


def parse_answer(text: str, answer: type[BaseModel]) -> dict[str, Any]:
    """Columns of a JSON reply, checked against `answer`.

    Mended JSON has to fit exactly: a field that nobody asked for shows that it was mended wrongly.

    Raises:
        BadReply: There is none, it does not fit, or several different ones do; the message names the fields.
    """

    def fit(found: Found) -> dict[str, Any]:
        try:
            return answer.model_validate(found.value, extra="forbid" if found.is_mended else None).model_dump(mode="json")
        except ValidationError as error:
            raise Unfit(_complaints(error)) from error

    return fitting(text, fit)


def fitting(text: str, fit: Callable[[Found], T]) -> T:
    """What `fit` makes of the JSON in a reply.

    What stands around the JSON is ignored, and slips in it are mended (`lenient_json`). Of several values in a reply the
    one that fits is taken; `fit` raises Unfit for the others.

    Raises:
        BadReply: There is no JSON, none fits, or several different values do.
    """
    try:
        values = find_json(text)
    except NoJSON as error:
        raise BadReply(str(error), SEE_REPLY, text) from error
    found: list[T] = []
    wrong: Unfit | None = None
    for value in values:
        try:
            one = fit(value)
        except Unfit as error:
            wrong = error
        else:
            if one not in found:
                found.append(one)
    if len(found) > 1:
        raise BadReply(f"the reply holds {len(found)} different answers", SEE_REPLY, text)
    if not found:
        raise BadReply(f"the reply does not fit what was asked for: {wrong}", SEE_REPLY, text) from wrong
    return found[0]


def _complaints(error: ValidationError) -> str:
    wrong = error.errors(include_url=False)
    said = [f"{'.'.join(map(str, one['loc'])) or 'reply'}: {one['msg']}" for one in wrong[:SHOWN_COMPLAINTS]]
    more = len(wrong) - len(said)
    return "; ".join([*said, f"and {more} more"] if more else said)
