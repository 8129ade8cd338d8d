"""Where personal data and keys stand in a text. Check digits are checked, so that few other numbers are taken for them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, get_args

from steps.extras import extra
from steps.secrets import KEY_LIKE

Kind = Literal["key", "url", "email", "iban", "credit_card", "ip", "phone"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In this order: what is found as one kind is not looked at as another."""


class Span(NamedTuple):
    """Something found: `same` is equal for two ways to write the same thing."""

    kind: Kind
    start: int
    end: int
    same: str


def spans_of(text: str, kinds: Sequence[Kind], region: str | None) -> Iterator[Span]:
    """What is found in a text, kind by kind; spans may overlap."""
    for kind in KINDS:
        if kind in kinds:
            yield from _phones(text, region) if kind == "phone" else _matches(kind, text)


class _Form(NamedTuple):
    pattern: re.Pattern[str]
    same: Callable[[str], str | None]
    """What it is, however it is written; None for something else."""


def _matches(kind: Kind, text: str) -> Iterator[Span]:
    form, at = _FORMS[kind], 0
    while match := form.pattern.search(text, at):
        start, at = match.span()
        for end in [at, *(start + gap for gap in _gaps(match[0])[::-1])]:  # what follows may be no part of it
            whole = form.pattern.fullmatch(text, start, end)
            if whole and (same := form.same(whole[0])) is not None:
                yield Span(kind, start, end, same)
                at = end
                break
        else:
            at = start + next(iter(_gaps(match[0])), len(match[0]))  # nor what stands before it


def _gaps(found: str) -> list[int]:
    return [gap.start() for gap in _GAP.finditer(found)]


_GAP = re.compile(r"[ -]")


def _phones(text: str, region: str | None) -> Iterator[Span]:
    if not _MAY_BE_PHONE.search(text):  # most texts, and the library is slow
        return
    phonenumbers = extra("phonenumbers", "filters", "finding phone numbers")
    for match in phonenumbers.PhoneNumberMatcher(text, region):
        same = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        yield Span("phone", match.start, match.end, same)


_MAY_BE_PHONE = re.compile(r"\d(?:[^\w\n]{0,4}\d){5}")


def _card(text: str) -> str | None:
    """The digits of a card, if it begins as cards do and its check digit is right (Luhn)."""
    digits = re.sub(r"\D", "", text)
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return None
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    is_right = sum(number // 10 + number % 10 for number in doubled) % 10 == 0
    return digits if is_right else None


def _iban(text: str) -> str | None:
    """The IBAN without blanks, if its check digits are right (mod 97)."""
    plain = text.replace(" ", "")
    number = "".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])
    return plain if int(number) % 97 == 1 else None


def _ip(text: str) -> str | None:
    if not any(map(str.isdigit, text)):  # `bad::cafe` is rather code than an address
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


_PRIVATE_KEY = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[\s\S]{0,20000}?-----END [A-Z ]{0,30}PRIVATE KEY-----|[A-Za-z0-9+/=\s]*)"
)
"""The whole block, not its first line alone."""

_FORMS: dict[Kind, _Form] = {
    "key": _Form(re.compile(f"{_PRIVATE_KEY}|{KEY_LIKE}"), str),
    "url": _Form(re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/?#:@\"'<>]*:[^\s/?#@\"'<>]+@[^\s\"'<>)\]]+"), str),
    "email": _Form(
        re.compile(
            r"(?<![\w.+%-])[\w+%-][\w.+%-]{0,63}@"
            r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?![\w-])"
        ),
        str.casefold,
    ),
    "iban": _Form(
        re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"), _iban
    ),
    "credit_card": _Form(re.compile(r"(?<![\w.])[0-9]{3,}(?:[ -][0-9]{3,}){0,5}(?!\w|\.[0-9])"), _card),
    "ip": _Form(
        re.compile(
            r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])"
            r"|(?<![\w.:])[0-9A-Fa-f:]{2,39}(?:\.[0-9]{1,3}){0,3}(?![\w:])"
        ),
        _ip,
    ),
}
