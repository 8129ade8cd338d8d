"""Finds the JSON in what models write: fences and remarks around it, thoughts before it, mistakes in it.

Nothing is guessed: prose does not become data, what is missing is not made up, and a slip is mended only where it can be
meant in one way. The json-repair package (0.64) takes more, but by guessing: {'a': 'it's'} gets a stray quote, `no [RESULT]`
becomes a list, and a text that was cut counts as whole.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson


class NoJSON(ValueError):
    """There is no JSON, or it is damaged beyond repair; the message says which."""


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON value in a text. `is_mended`: it was damaged. `is_open`: its closing brackets were missing."""

    value: Any
    is_mended: bool = False
    is_open: bool = False


def find_json(text: str) -> list[Found]:
    """The JSON values in a reply: the reply itself if it is JSON, else each outermost object and list in it, in order.

    Raises:
        NoJSON: There is none, or one of them breaks off in the middle.
    """
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    else:
        if not isinstance(whole, str):
            return [Found(whole)]
        text = whole  # JSON that was written as a JSON string
    said = without_thoughts(text)
    found: list[Found] = []
    at = 0
    while opener := _OPENER.search(said, at):
        value, at = _value_at(said, opener.start())
        found.append(value)
    if not found:
        raise NoJSON(f"the reply holds no JSON: {text.strip()[:80]!r}")
    return found


def without_thoughts(text: str) -> str:
    """What is said after thinking aloud: `<think>...</think>` at the start, also without the first or the last tag."""
    said = text.lstrip()
    while thought := _THOUGHT.match(said):
        said = said[thought.end() :].lstrip()
    before, tag, after = said.partition("</think>")
    return after if tag and _OPENER.search(after) and "<think>" not in before else said


def breaks_off(text: str) -> bool:
    """Whether the JSON in a text is not there, or lacks its end: what was cut may look whole once it is mended."""
    try:
        return any(found.is_open for found in find_json(text))
    except NoJSON:
        return True


_THOUGHT = re.compile(r"<(think|thinking)>.*?(?:</\1>|\Z)", re.DOTALL)
_OPENER = re.compile(
    r"""
      \{ (?= \s* (?: ["'“‘}] | [^\W\d]\w*\s*: | // | /\* | \Z ) )
    | \[ (?= \s* (?: [\[{"'“‘\]] | //\s | /\* | -?\d | (?:true|false|null|True|False|None)\s*[,\]] ) )
    """,
    re.VERBOSE,
)
"""What an object or a list starts with, and `{name}`, `[Note]` and `{1, 2}` in prose do not."""

_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda name: _refuse(f"{name} is no JSON"))
"""Takes line breaks inside texts as they are."""


def _refuse(why: str) -> NoReturn:
    raise NoJSON(why)


def _value_at(text: str, start: int) -> tuple[Found, int]:
    """The value that starts here, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        return Found(value), end
    except NoJSON:
        raise
    except (ValueError, RecursionError):
        pass
    written, end, is_open = _rewritten(text, start)
    try:
        return Found(json.loads(written), is_mended=True, is_open=is_open), end
    except (ValueError, RecursionError) as error:
        raise NoJSON(f"the JSON in the reply is damaged: {error}") from error


# ---- mending

_CLOSER = {"{": "}", "[": "]"}
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | //[^\n]* | /\*.*?\*/ | \#[^\n]* )
    | (?P<fence> ``` )
    | (?P<open> [\[{] )
    | (?P<close> [\]}] )
    | (?P<text> ["'“‘] )
    | (?P<mark> [,:] )
    | (?P<key> [^\W\d]\w* (?=\s*:) )
    | (?P<literal> (?: -?\d[\d.eE+\-]* | true | false | null | True | False | None ) (?=[\s,}\]/#`] | \Z) )
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER_TEXT = re.compile(r"""\s{0,99}(?:[,:}\]]|//|/\*|```|\Z|\n\s{0,99}"[^"\n]{1,99}"\s*:)""")
"""What shows that a quote ends a text, where others may stand in it."""
_IN_TEXT = re.compile(
    r"""(?P<escape> \\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]) ) | \\(?P<quote>['‘’“”]) | (?P<bare> ["\\\x00-\x1f] )""", re.VERBOSE
)


def _rewritten(text: str, start: int) -> tuple[str, int, bool]:
    """The value that starts here as proper JSON, where it ends, and whether its closing brackets had to be added.

    Only what can be meant in one way is mended: quotes, commas, comments, escapes, names of constants, closing brackets.

    Raises:
        NoJSON: It ends in the middle of a text, or where something has to follow, or holds what is no JSON.
    """
    waiting: list[str] = []
    written: list[str] = []
    at, last = start, ""
    while (token := _TOKEN.match(text, at)) and token.lastgroup != "fence":
        kind, part, at = token.lastgroup, token[0], token.end()
        if kind == "space":
            continue
        if last in ("close", "text", "literal") and kind not in ("close", "mark"):
            written.append(",")  # it was forgotten
        match kind:
            case "open":
                waiting.append(_CLOSER[part])
            case "close":
                if part != waiting.pop():
                    _refuse(f"the JSON in the reply has {part!r} where {'}' if part == ']' else ']'!r} belongs")
                if last == ",":
                    written.pop()
            case "text":
                begin, at = at, _end_of_text(text, at, _QUOTES[part])
                part = f'"{_IN_TEXT.sub(_escaped, text[begin : at - 1])}"'
            case "key":
                part = f'"{part}"'
            case "literal":
                part = _LITERALS.get(part, part)
        written.append(part)
        last = part if kind == "mark" else str(kind)
        if not waiting:
            return "".join(written), at, False
    if token is None and text[at:].strip():
        _refuse(f"the JSON in the reply is damaged at {text[at : at + 40]!r}")
    if last not in ("close", "text", "literal"):
        _refuse(f"the JSON in the reply breaks off: it ends with {text[start:at].rstrip()[-40:]!r}")
    return "".join([*written, *reversed(waiting)]), at, True


def _end_of_text(text: str, at: int, quote: str) -> int:
    """Where a text ends: behind the first quote with something after it that can follow a text."""
    while (at := text.find(quote, at)) >= 0:
        escapes = at
        while text[escapes - 1] == "\\":
            escapes -= 1
        is_escaped, at = (at - escapes) % 2, at + 1
        if not is_escaped and _AFTER_TEXT.match(text, at):
            return at
    return _refuse(f"the JSON in the reply breaks off in the middle of a text: {text.rstrip()[-40:]!r}")


def _escaped(found: re.Match[str]) -> str:
    if found["escape"]:
        return found[0]
    return found["quote"] or json.dumps(found["bare"])[1:-1]
