"""No key gets into a cassette, however a server writes it."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.cassettes.scrubbing import Scrubber
from steps.secrets import KEY_BEGINNINGS, KEY_LIKE
from tests.steps.cassettes.disguises import DISGUISES, KEYS, traces


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


@given(st.from_regex(KEY_LIKE, fullmatch=True), st.text(max_size=9))
def test_whatever_kind_of_key_it_is_its_beginning_is_known(key: str, before: str) -> None:
    assert key.startswith(KEY_BEGINNINGS)
    text = f"{before} {key}"
    assert Scrubber([]).text(text) == re.sub(KEY_LIKE, "***", text)


def test_long_texts_take_no_second() -> None:
    text = "the harbour of Trondheim lies 63 degrees north, 100% of it; " * 20_000
    started = time.process_time()

    assert Scrubber([KEYS["openai"]]).text(text) == text
    assert time.process_time() - started < 0.5


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
