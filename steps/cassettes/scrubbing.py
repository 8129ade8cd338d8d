"""Keys out of what is recorded: as they are, as servers echo them, and in the encodings that hide them from a search."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlencode, urlsplit, urlunsplit

from steps.secrets import KEY_LIKE, may_name_key, secrets_here

STARS = "***"
SHORTEST = 8
"""Keys that are shorter are words such as EMPTY, which servers without keys are given."""
_LIKE_A_KEY = re.compile(KEY_LIKE)
_MASKED_KEY = re.compile(r"\b(?:sk|gsk|hf|pk|xai|fw|tgp|nvapi)[-_][\w*.\-]{4,}|Bearer\s+\S+|[\w-]{0,8}\*{3,}[\w-]{0,8}")
"""What refusals show of a key, some letters and stars; in replies it may be a word."""
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_LONGEST_IN_LAYERS = 4096
"""A key in a longer one, such as a picture, is found where it is encoded once."""
_UNICODE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_NO_LETTER = re.compile(r"[\s\u200b-\u200d\u2060\ufeff\u00ad\"'\\+,]+")


class Scrubber:
    """Takes these secrets out of texts, and all that looks like one."""

    def __init__(self, secrets: Iterable[str], *, is_refusal: bool = False) -> None:
        self._secrets = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
        self._is_refusal = is_refusal
        self._folded = [(one.lower(), _squeezed(one.lower())) for one in self._secrets]
        forms = {form.lower() for one in self._secrets for form in _forms(one)}
        self._written = [(form, re.compile(re.escape(form), re.IGNORECASE)) for form in sorted(forms, key=len, reverse=True)]

    @classmethod
    def of_request(cls, headers: Mapping[str, str]) -> Scrubber:
        """For what is sent with these headers, and what comes back."""
        return cls([*_in_headers(headers), *secrets_here()])

    def as_refusal(self) -> Scrubber:
        """The same, for a text in which a server may show a part of the key."""
        return Scrubber(self._secrets, is_refusal=True)

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
        text = _LIKE_A_KEY.sub(STARS, text)
        if self._is_refusal:
            text = _MASKED_KEY.sub(STARS, text)
        if self._folded and any(self._is_in(view) for view in _views(text)):
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
        squeezed = _NO_LETTER.sub("", folded)
        return any(one in folded or (bare and bare in squeezed) for one, bare in self._folded)


def _in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if may_name_key(name):
            yield value.strip()
            yield value.rpartition(" ")[2].strip()  # after Bearer or Basic


def _squeezed(secret: str) -> str:
    """A key without what may be put between its letters, if enough is left of it."""
    bare = _NO_LETTER.sub("", secret)
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


def _views(text: str) -> Iterator[str]:
    """What a text says once its escapes are undone; each is looked through whole."""
    plain = _UNICODE.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text
    yield plain
    if "%" in plain:
        yield (once := unquote(plain))
        yield unquote_plus(once)
    if "&" in plain:
        yield html.unescape(plain)
    for found in _ENCODED.finditer(plain):
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
