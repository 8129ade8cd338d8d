from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.errors import RowError, RunError
from steps.filters.mask_pii import MaskPII


def masked(text: Any, **params: Any) -> Any:
    return MaskPII(**params).process([{"text": text}])[0]["text"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Write to Ann.Lee+x@mail.acme.co.uk.", "Write to [EMAIL_1]."),
        ("<ünal@müller.de>", "<[EMAIL_1]>"),
        ("call +49 30 901820, or +49-30-901820", "call [PHONE_1], or [PHONE_1]"),
        ("10.0.0.7, 10.0.0.7:80 and 10.0.0.8.", "[IP_1], [IP_1]:80 and [IP_2]."),
        ("from 2001:db8::7 and 2001:0db8:0:0::7", "from [IP_1] and [IP_1]"),
        ("::1", "[IP_1]"),
        ("card 4111 1111 1111 1111, 4111-1111-1111-1111", "card [CREDIT_CARD_1], [CREDIT_CARD_1]"),
        ("4111111111111111", "[CREDIT_CARD_1]"),
        ("7 4111 1111 1111 1111 12", "7 [CREDIT_CARD_1] 12"),
        ("DE89 3704 0044 0532 0130 00 IS MINE", "[IBAN_1] IS MINE"),
        ("GB82WEST12345698765432.", "[IBAN_1]."),
        ("ES91 2100 0418 4502 0005 1332 AND MORE", "[IBAN_1] AND MORE"),
        ("git clone https://ann:s3cret@git.acme.org/x.git now", "git clone [URL_1] now"),
        ("postgres://db:pw@10.0.0.7/x", "[URL_1]"),
        ("IP:192.168.1.1/24", "IP:[IP_1]/24"),
        ("amex 3782 822463 10005, 378282246310005", "amex [CREDIT_CARD_1], [CREDIT_CARD_1]"),
        ("-----BEGIN PRIVATE" + " KEY-----\nMIIE\nvQ==\n-----END PRIVATE KEY-----\nend", "[KEY_1]\nend"),
        ("-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEvQ==\n", "[KEY_1]"),
        ("export KEY=sk-" + "abcdefghijklmnopqrstuvwx", "export KEY=[KEY_1]"),
    ],
)
def test_what_is_personal_becomes_a_placeholder(text: str, said: str) -> None:
    assert masked(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@b, @acme and me@localhost",
        "4111 1111 1111 1112 has a wrong check digit",
        "0000 0000 0000 0000",
        "from 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "DE88 3704 0044 0532 0130 00",
        "999.1.1.1 or 1.2.3.4.5 or std::vector, bad::cafe at 12:30",
        "https://acme.org/a:b?c=d@e",
        "in 2024 it was 3.14159265358979 of 1,000,000",
        "\ud83e half an emoji",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert masked(text) == text


def test_a_number_without_a_country_code_needs_a_region() -> None:
    text = "Ruf 030 901820 an."

    assert masked(text) == text
    assert masked(text, phone_region="DE") == "Ruf [PHONE_1] an."


def test_placeholders_are_the_same_in_all_columns_of_a_row() -> None:
    row = {"messages": [{"role": "user", "content": "I am a@x.org"}], "reply": "Not b@x.org, A@x.org?", "n": 1}

    [made] = MaskPII(columns=["reply", "messages"]).process([row])

    assert made["reply"] == "Not [EMAIL_1], [EMAIL_2]?"
    assert made["messages"] == [{"role": "user", "content": "I am [EMAIL_2]"}]
    assert {kind: count for kind, count in made["pii_masked"].items() if count} == {"email": 3}


def test_only_the_kinds_that_are_named_are_replaced() -> None:
    [made] = MaskPII(kinds=["ip"]).process([{"text": "a@x.org at 10.0.0.7"}])

    assert made == {"text": "a@x.org at [IP_1]", "pii_masked": {"ip": 1}}


@pytest.mark.parametrize("value", [None, 5, 1.5, True])
def test_what_holds_no_text_passes(value: Any) -> None:
    assert masked(value) is value


def test_something_else_is_refused() -> None:
    with pytest.raises(RowError, match="'text' holds a bytes"):
        masked(b"x")


@given(text=st.text(alphabet="aA1 :.-@/\n", max_size=200))
def test_what_is_masked_once_stays_so(text: str) -> None:
    once = masked(text, phone_region="DE")

    assert once == text or "_1]" in once


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 20_000,
        "a." * 20_000,
        "a@" * 20_000,
        "AB12 " * 10_000,
        ":" * 40_000,
        "x://" * 10_000,
        "111 " * 10_000,
        "1" * 40_000,
        "-----BEGIN PRIVATE KEY-----" * 200,
    ],
)
def test_a_long_text_takes_no_long_time(text: str) -> None:
    assert masked(text, phone_region="DE") is not None


def test_a_missing_library_is_named_unless_phones_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    MaskPII(kinds=["email"]).load()
    with pytest.raises(RunError, match=re.escape("pip install 'distilflow[filters]'")):
        MaskPII().load()
