"""Keys out of what is recorded: as they are, as servers echo them, and in the encodings that hide them from a search."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlencode, urlsplit, urlunsplit

from steps.secrets import KEY_BEGINNINGS, KEY_LIKE, may_name_key, secrets_here

STARS = "***"
SHORTEST = 8
"""Keys that are shorter are words such as EMPTY, which servers without keys are given."""
_LIKE_A_KEY = re.compile(KEY_LIKE)
_MASKED_KEYS = {
    "": re.compile(r"\b(?:sk|gsk|hf|pk|xai|fw|tgp|nvapi)[-_][\w*.\-]{4,}"),
    "Bearer": re.compile(r"Bearer\s+\S+"),
    STARS: re.compile(r"[\w-]{0,8}\*{3,}[\w-]{0,8}"),
}
"""What refusals show of a key, some letters and stars, by what must be there for it; in replies it may be a word."""
_LONGEST_IN_LAYERS = 4096
"""A key in a longer one, such as a picture, is found where it is encoded once."""
_UNICODE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001))))
_CONTROL = "".join(map(chr, [*range(0x20), 0x7F]))
_GAPS = frozenset(_BLANKS + _CONTROL + "\u200b\u200c\u200d\u2060\ufeff\u00ad\"'\\+,")
"""What may be put between the letters of a key."""
_ASCII_GAPS = "".join(filter(str.isascii, _GAPS)).encode()
_WIDE_GAPS = [gap.encode() for gap in _GAPS if not gap.isascii()]


class Scrubber:
    """Takes these secrets out of texts, and all that looks like one."""

    def __init__(self, secrets: Iterable[str], *, is_refusal: bool = False) -> None:
        self._secrets = tuple(sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True))
        self._is_refusal = is_refusal
        self._folded = [(one.lower(), _squeezed(one.lower())) for one in self._secrets]
        forms = {form.lower() for one in self._secrets for form in _forms(one)}
        self._written = [(form, re.compile(re.escape(form), re.IGNORECASE)) for form in sorted(forms, key=len, reverse=True)]
        shortest = min((len(word) for pair in self._folded for word in pair if word), default=SHORTEST)
        self._encoded = re.compile(rf"[A-Za-z0-9+/_-]{{{shortest * 4 // 3},}}={{0,2}}")
        """What is too short to hold a key in base64 is not looked into: in a text that is each of its words."""

    @classmethod
    def of_request(cls, headers: Mapping[str, str]) -> Scrubber:
        """For what is sent with these headers, and what comes back."""
        return _scrubber((*_in_headers(headers), *secrets_here()))

    @classmethod
    def of_refusal(cls, secrets: tuple[str, ...]) -> Scrubber:
        """For a text in which a server may show these, or parts of them."""
        return _scrubber(secrets, is_refusal=True)

    def as_refusal(self) -> Scrubber:
        """The same, for a text in which a server may show a part of the key."""
        return self.of_refusal(self._secrets)

    def of(self, value: Any) -> Any:
        """The value with stars in place of secrets, in names and texts at any depth."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.of(one) for one in value]
            case dict():
                return {self.text(str(name)): self.of(one) for name, one in value.items()}
        return value

    def text(self, text: str) -> str:
        folded = text.lower()
        for form, pattern in self._written:
            if form in folded:
                text = pattern.sub(STARS, text)
        text = _without_likes(text)
        if self._is_refusal:
            for mark, pattern in _MASKED_KEYS.items():
                if mark in text:
                    text = pattern.sub(STARS, text)
        if self._folded and any(self._is_in(view) for view in _views(text, self._encoded)):
            return STARS  # it is there, in a disguise that leaves no place to put the stars
        return text

    def url(self, url: str) -> str:
        parts = urlsplit(url)
        told = [
            (name, STARS if may_name_key(name) else value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
        host = parts.netloc.rpartition("@")[2]
        return self.text(urlunsplit(parts._replace(netloc=host, query=urlencode(told, safe=f"{STARS}:/,"))))

    def _is_in(self, view: str) -> bool:
        folded = view.lower()
        squeezed = _without_gaps(folded)
        return any(one in folded or (bare and bare in squeezed) for one, bare in self._folded)


@lru_cache(maxsize=64)
def _scrubber(secrets: tuple[str, ...], *, is_refusal: bool = False) -> Scrubber:
    return Scrubber(secrets, is_refusal=is_refusal)


def _without_likes(text: str) -> str:
    """The text with stars in place of what looks like a key, whosever it is."""
    found = sorted({at for beginning in KEY_BEGINNINGS for at in _places(text, beginning)})
    parts: list[str] = []
    end = 0
    for at in found:
        if at >= end and (like := _LIKE_A_KEY.match(text, at)):
            parts += text[end:at], STARS
            end = like.end()
    return "".join([*parts, text[end:]])


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _without_gaps(text: str) -> str:
    told = text.encode(errors="surrogatepass").translate(None, _ASCII_GAPS)
    if not told.isascii():
        for gap in _WIDE_GAPS:
            told = told.replace(gap, b"")
    return told.decode(errors="surrogatepass")


def _in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if may_name_key(name):
            yield value.strip()
            yield value.rpartition(" ")[2].strip()  # after Bearer or Basic


def _squeezed(secret: str) -> str:
    """A key without what may be put between its letters, if enough is left of it."""
    bare = _without_gaps(secret)
    return bare if len(bare) >= SHORTEST else ""


def _forms(secret: str) -> set[str]:
    """How a key may be written, where its place in the text is seen."""
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), html.escape(secret), secret[::-1], raw.hex()}
    for before in range(3):  # where it stands among others, its letters fall into other groups of three
        text = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = text[[0, 2, 3][before] : (before + len(raw)) * 8 // 6]
        forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST}


def _views(text: str, encoded: re.Pattern[str]) -> Iterator[str]:
    """What a text says once its escapes are undone; each is looked through whole."""
    plain = _UNICODE.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text
    yield plain
    if "%" in plain:
        yield (once := unquote(plain))
        yield unquote_plus(once)
    if "&" in plain:
        yield html.unescape(plain)
    for found in encoded.finditer(plain):
        if len(found[0]) <= _LONGEST_IN_LAYERS:
            yield from _decoded(found[0].rstrip("="))


def _decoded(token: str) -> Iterator[str]:
    padded = token.replace("-", "+").replace("_", "/")
    for start in range(min(4, len(padded))):
        some = padded[start:]
        try:
            once = base64.b64decode(some[: len(some) // 4 * 4] + _rest(some))
        except binascii.Error:
            continue
        yield once.decode(errors="replace")
        yield unquote(once.decode(errors="replace"))
        try:  # twice
            yield base64.b64decode(once + b"=" * (-len(once) % 4), validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            continue
    try:
        yield bytes.fromhex(token[: len(token) // 2 * 2]).decode(errors="replace")
    except ValueError:
        return


def _rest(text: str) -> str:
    """The letters after the last whole group of four, padded; a single one says nothing."""
    rest = text[len(text) // 4 * 4 :]
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""
