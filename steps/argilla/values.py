"""Values of rows in the forms that Argilla takes. What it would refuse is refused here, with the column's name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from steps.base import Row, is_missing
from steps.chats import content_text, messages_in
from steps.errors import RowError
from steps.labels.questions import label_text
from steps.row_texts import as_text
from steps.wording import quoted

FieldType = Literal["text", "chat", "image", "custom"]
MetadataType = Literal["terms", "integer", "float"]
METADATA_TYPES: Final = get_args(MetadataType)

LONGEST_AGENT: Final = 200
LONGEST_ROLE: Final = 20
LONGEST_MESSAGE: Final = 20_000
MOST_MESSAGES: Final = 500
LONGEST_ADDRESS: Final = 2038
LONGEST_PICTURE: Final = 5_000_000
_PICTURE = re.compile(r"data:image/(?:avif|gif|ico|jpeg|jpg|png|svg|svg\+xml|webp)[;,]")
_NO_AGENT = re.compile(r"[^A-Za-z0-9_:./\s-]+")
_NOT_SENDABLE = re.compile("[\0\ud800-\udfff]")
_LARGEST_INTEGER: Final = 2**63 - 1


def field_value(kind: FieldType, row: Row, column: str) -> Any:
    """What a field of this kind shows.

    Raises:
        RowError: The column holds nothing of that kind.
    """
    return _FIELDS[kind](row, column)


def _text(row: Row, column: str) -> str:
    return sendable(as_text(row[column], column))


def _chat(row: Row, column: str) -> list[dict[str, str]]:
    chat = messages_in(row, column)
    if len(chat) > MOST_MESSAGES:
        raise RowError(f"the chat in {column!r} has {len(chat)} messages; Argilla takes {MOST_MESSAGES}", "cut it")
    messages = []
    for number, message in enumerate(chat, 1):
        role, content = str(message["role"]), content_text(message)
        if not 0 < len(role) <= LONGEST_ROLE or not 0 < len(content) <= LONGEST_MESSAGE:
            what = f"message {number} of {column!r} has {len(role)} characters of role and {len(content)} of text"
            raise RowError(f"{what}; Argilla takes 1 to {LONGEST_ROLE} and 1 to {LONGEST_MESSAGE}", "cut or fill it")
        messages.append({"role": sendable(role), "content": sendable(content)})
    return messages


def _image(row: Row, column: str) -> str:
    value = row[column]
    fix = "give the address of a picture, https://... or data:image/png;base64,..."
    if not isinstance(value, str):
        raise RowError(f"column {column!r} holds a {type(value).__name__}, not the address of a picture", fix)
    address = sendable(value.strip())
    try:
        parts = urlsplit(address)
    except ValueError:
        raise RowError(f"column {column!r} holds {quoted(value)}, which is no address", fix) from None
    is_picture = parts.scheme == "data" and _PICTURE.match(address) and len(address) <= LONGEST_PICTURE
    is_web = parts.scheme in ("http", "https") and parts.netloc and parts.path and len(address) <= LONGEST_ADDRESS
    if not is_picture and not is_web:
        raise RowError(f"column {column!r} holds {quoted(value)}, which Argilla does not show as a picture", fix)
    return address


def _custom(row: Row, column: str) -> dict[str, Any]:
    value = row[column]
    if not isinstance(value, dict):
        raise RowError(f"column {column!r} holds a {type(value).__name__}, not a dict", "name a column of dicts")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RowError(f"column {column!r} holds a dict that is no JSON: {error}", "keep texts and numbers in it") from None
    parts: dict[str, Any] = _sendable_parts(value)
    return parts


def _sendable_parts(value: Any) -> Any:
    if isinstance(value, str):
        return sendable(value)
    if isinstance(value, dict):
        return {sendable(str(key)): _sendable_parts(one) for key, one in value.items()}
    return [_sendable_parts(one) for one in value] if isinstance(value, (list, tuple)) else value


_FIELDS: Mapping[FieldType, Callable[[Row, str], Any]] = {"text": _text, "chat": _chat, "image": _image, "custom": _custom}


def sendable(text: str) -> str:
    """A text that can be sent and kept: the character 0 and halves of characters show as \ufffd, so places stay as they are."""
    return _NOT_SENDABLE.sub("\ufffd", text)


def record_name(value: Any, column: str) -> str:
    """The id of a record, as text.

    Raises:
        RowError: It can be none.
    """
    fix = "give a text or a number"
    try:
        name = label_text(value)
    except ValueError:
        raise RowError(f"column {column!r} holds {quoted(value)}, which can be no id", fix) from None
    if _NOT_SENDABLE.search(name):
        raise RowError(f"column {column!r} holds {quoted(value)}: an id with characters that Argilla cannot keep", fix)
    return name


def kind_of(values: list[Any]) -> MetadataType | None:
    """The type that a metadata property of these values has; None where there is no value to tell by."""
    found = [value for value in values if not is_missing(value)]
    if not found:
        return None
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in found]
    if not all(numbers):
        return "terms"
    return "integer" if all(isinstance(value, int) for value in found) else "float"


def metadata_value(kind: MetadataType, value: Any, column: str) -> Any:
    """A value of a metadata property.

    Raises:
        RowError: It has another type than the property.
    """
    seen = f"column {column!r} holds {quoted(value)}, but is metadata of type {kind!r}"
    if kind == "terms":
        try:
            if isinstance(value, (list, tuple)):
                return [sendable(label_text(one)) for one in value]
            return sendable(label_text(value))
        except ValueError:
            raise RowError(seen, "terms are texts, numbers, true or false, or lists of them") from None
    fix = "say what it is: `metadata: {NAME: terms}`, integer or float, in a new data set"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise RowError(seen, fix)
    if kind == "integer":
        if value != int(value) or abs(value) > _LARGEST_INTEGER:
            raise RowError(seen, fix)
        return int(value)
    return float(value)


def vector_value(value: Any, column: str) -> list[float]:
    """A vector as a list of finite numbers, one of them not 0.

    Raises:
        RowError: It is none.
    """
    fix = "name a column with a list of numbers, equally many in each row"
    if not isinstance(value, (list, tuple)) or not value:
        raise RowError(f"column {column!r} holds {quoted(value)}, not a vector", fix)
    for one in value:
        if isinstance(one, bool) or not isinstance(one, (int, float)) or not math.isfinite(one):
            raise RowError(f"the vector in {column!r} holds {quoted(one)}, which is no finite number", fix)
    if not any(value):
        raise RowError(f"the vector in {column!r} is all zeros, so it is near to nothing", "leave it empty")
    return [float(one) for one in value]


def score_value(value: Any, answer: Any, column: str) -> float | list[float]:
    """How sure a suggestion is, from 0 to 1; of an answer with several parts, one number for each.

    Raises:
        RowError: It is something else.
    """
    given = list(value) if isinstance(value, (list, tuple)) else [value]
    for one in given:
        if isinstance(one, bool) or not isinstance(one, (int, float)) or not 0 <= one <= 1:
            what = f"column {column!r} holds {quoted(one)}, which is no score"
            raise RowError(what, "scores are numbers from 0 to 1")
    if not isinstance(answer, list):
        if isinstance(value, (list, tuple)):
            raise RowError(f"column {column!r} holds {len(given)} scores for one answer", "give one number")
        return float(given[0])
    scores = given if isinstance(value, (list, tuple)) else given * len(answer)
    if len(scores) != len(answer):
        what = f"column {column!r} holds {len(scores)} scores for an answer of {len(answer)} parts"
        raise RowError(what, "give one number, or one for each part")
    return [float(one) for one in scores]


def agent_name(value: Any, column: str) -> str:
    """Who suggests, in the letters that Argilla takes.

    Raises:
        RowError: None of its letters is one of those.
    """
    name = _NO_AGENT.sub("-", as_text(value, column)).strip()[:LONGEST_AGENT]
    if not re.search(r"[A-Za-z0-9]", name):
        raise RowError(f"column {column!r} names {quoted(value)}, which Argilla cannot show", "give letters and digits")
    return name
