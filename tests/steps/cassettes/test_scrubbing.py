"""No key gets into a cassette, however a server writes it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from steps.cassettes.scrubbing import Scrubber

KEYS = {
    "openai": "sk-proj-Ab3_dEfGh1jKlMn0pQrStUvWxYz",
    "azure": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "google": "AIzaSyA-0123456789abcdefghijklmnopqrstu",
    "access token": "ya29.a0AfH6SMBx-yz_012345678901234567890",
    "anthropic": "sk-ant-api03-xyz_0123-456789abcdefghij",
    "odd": "pässwörd & <geheim>/100%+",
}
DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "upper case": lambda key: key.upper(),
    "percent": lambda key: quote(key, safe=""),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "every letter percent": lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    "JSON escapes": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "JSON in JSON": lambda key: json.dumps(json.dumps({"key": key})),
    "HTML": html.escape,
    "HTML numbers": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"ab{key}z".encode()).decode().rstrip("="),
    "base64 twice": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "hex": lambda key: key.encode().hex(),
    "hex, upper case": lambda key: key.encode().hex().upper(),
    "backwards": lambda key: key[::-1],
    "in two lines": lambda key: f"{key[:9]}\n  {key[9:]}",
    "with hidden letters": lambda key: "\u200b".join(key),
    "in pieces": lambda key: f'"{key[:7]}" + "{key[7:]}"',
}


def traces(text: str, key: str) -> list[str]:
    """The disguises of a key that a text holds."""
    return [name for name, disguise in DISGUISES.items() if disguise(key).lower() in text.lower()]


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_found_in_every_disguise(name: str, disguise: str) -> None:
    key = KEYS[name]
    scrubber = Scrubber([key])
    text = f"The key {DISGUISES[disguise](key)} is not allowed."
    told = json.dumps(scrubber.of({"error": {"message": text, text: [text]}}))

    assert traces(told, key) == []
    assert "***" in told


@pytest.mark.parametrize("name", ["openai", "google", "access token", "anthropic"])
def test_what_looks_like_a_key_goes_too_whosever_it_is(name: str) -> None:
    assert KEYS[name][:20] not in Scrubber([]).text(f"its key was {KEYS[name]}.")


@pytest.mark.parametrize("shown", ["sk-ab***xyz", "gs***tF", "****-key", "Bearer abc", "sk-1234...wxyz"])
def test_the_parts_of_a_key_that_a_refusal_shows_go(shown: str) -> None:
    assert shown not in Scrubber([]).as_refusal().text(f"Incorrect API key provided: {shown}")


def test_texts_without_a_key_stay_as_they_are() -> None:
    texts = [
        "Use sk-learn, and pip install hf-transfer.",
        "100% & more",
        "RGVhciBSZWFkZXI= is base64",
        "key: none",
        "",
        "a" * 9,
    ]

    assert Scrubber([KEYS["openai"]]).of(texts) == texts


def test_a_short_word_that_stands_for_a_key_is_left_in_texts() -> None:
    assert Scrubber(["EMPTY"]).text("The box is EMPTY.") == "The box is EMPTY."


def test_keys_in_the_query_and_the_user_of_an_address_go() -> None:
    url = Scrubber([]).url("https://me:word@host/v1/x?api-version=2024-10-21&key=abc&subscription-key=d&n=1")

    assert url == "https://host/v1/x?api-version=2024-10-21&key=***&subscription-key=***&n=1"
