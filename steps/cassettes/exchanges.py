"""One line of a cassette: a request, and what came back."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from steps.cassettes.scrubbing import Scrubber
from steps.errors import RunError

Json = Any
KEPT_HEADERS = ("content-type", "retry-after", "retry-after-ms", "location")
KEPT_FAMILIES = ("x-ratelimit-", "anthropic-ratelimit-")
"""Headers of answers that say something of them; all others, cookies and accounts among them, are left out."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it travels. Its headers hold the keys that must not be kept."""

    method: str
    url: str
    content: bytes
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request without anything that is secret or differs from run to run. No header is part of it."""

    method: str
    url: str
    body: Json

    @classmethod
    def of(cls, sent: Sent, scrubber: Scrubber) -> Asked:
        return cls(sent.method, scrubber.url(sent.url), scrubber.of(_told(sent.content)))

    @property
    def digest(self) -> bytes:
        told = orjson.dumps([self.method, self.url, self.body], option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(told, digest_size=16).digest()


def told_answer(status: int, headers: Mapping[str, str], content: bytes, scrubber: Scrubber) -> Json:
    """An answer as a cassette holds it."""
    kept = {name.lower(): value for name, value in headers.items() if _is_kept(name.lower())}
    about = scrubber.as_refusal() if status >= 400 else scrubber
    return {"status": status, "headers": about.of(kept), "body": about.of(_told(content))}


def _is_kept(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith(KEPT_FAMILIES)


def _told(content: bytes) -> Json:
    """What was sent: JSON as it is, other texts and bytes by what they are."""
    if not content:
        return None
    try:
        return {"json": orjson.loads(content)}
    except orjson.JSONDecodeError:
        pass
    try:  # of other Unicode than UTF-8 only the text is kept: a key would not be found in it
        return {"text": content.decode(json.detect_encoding(content))}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def content_of(told: Json) -> bytes:
    """The bytes that `_told` was made of, as far as they matter."""
    match told:
        case {"json": value}:
            return orjson.dumps(value)
        case {"text": str(text)}:
            return text.encode()
        case {"base64": str(text)}:
            return base64.b64decode(text)
    return b""


def line_of(asked: Asked, key: str, what: Json) -> bytes:
    told = {"request": {"method": asked.method, "url": asked.url, "body": asked.body}, key: what}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def exchanges_in(path: Path) -> Iterator[tuple[Asked, dict[str, Any]]]:
    """Each request of a cassette, and its line.

    Raises:
        RunError: A line is no exchange; it says which.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise RunError(
            f"the cassette {path} cannot be read: {error.strerror}", "name another one, or record it anew"
        ) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = orjson.loads(line)
            request = told["request"]
            asked = Asked(str(request["method"]), str(request["url"]), request["body"])
            if "answer" in told:
                _check(told["answer"])
            elif not isinstance(told.get("failed"), dict):
                raise KeyError("answer")
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"line {number} of the cassette {path} is no request with its answer: {line[:80].decode(errors='replace')!r}",
                "mend or delete this line, or record the cassette anew",
            ) from error
        yield asked, told


def _check(answer: Json) -> None:
    """Raises: ValueError, KeyError or TypeError where an answer, which anybody may have edited, cannot be given."""
    if not isinstance(status := answer["status"], int) or isinstance(status, bool):
        raise ValueError("status")
    if not isinstance(answer.get("headers", {}), dict):
        raise ValueError("headers")
    body = answer.get("body")
    if body is not None and not (isinstance(body, dict) and body.keys() & {"json", "text", "base64"}):
        raise ValueError("body")
    content_of(body)


def sorted_lines(content: bytes) -> bytes:
    """The lines in an order that does not depend on which reply came first: a new recording differs where replies do.

    Equal requests keep their order: a refusal comes before the reply to the second attempt.
    """

    lines = content.splitlines(keepends=True)
    order = [orjson.dumps(orjson.loads(line)["request"], option=orjson.OPT_SORT_KEYS) for line in lines]
    return b"".join(lines[at] for at in sorted(range(len(lines)), key=order.__getitem__))
