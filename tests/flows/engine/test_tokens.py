"""What a request is expected to use."""

from __future__ import annotations

import pytest

from flows.engine.tokens import FIRST_REPLY_TOKENS, TokenEstimate
from steps.llms.base import Completion, Request, Usage

ASKED = Request([{"role": "user", "content": "x" * 400}])


def reply(input_tokens: int, output_tokens: int) -> Completion:
    return Completion(["text"], "m", Usage(input_tokens, output_tokens))


@pytest.mark.parametrize(("most", "expected"), [(50, 150), (None, 100 + FIRST_REPLY_TOKENS)])
def test_before_any_reply_the_prompt_is_guessed_and_the_reply_is_as_long_as_allowed(most: int | None, expected: float) -> None:
    assert TokenEstimate(most).of(ASKED) == expected


def test_replies_teach_how_long_they_are_and_what_a_character_costs() -> None:
    estimate = TokenEstimate(4000)

    assert estimate.learn(ASKED, reply(200, 30)) == 230
    assert estimate.of(ASKED) == 230
    for _ in range(200):
        estimate.learn(ASKED, reply(200, 60))
    assert estimate.of(ASKED) == pytest.approx(260, abs=1)


def test_several_replies_count_each() -> None:
    estimate = TokenEstimate(50)

    assert estimate.of(Request(ASKED.chat, n=3)) == 250


def test_a_server_that_counts_nothing_teaches_nothing() -> None:
    estimate = TokenEstimate(50)

    assert estimate.learn(ASKED, reply(0, 0)) is None
    assert estimate.of(ASKED) == 150


def test_text_parts_count_and_others_do_not() -> None:
    parts = [{"type": "text", "text": "x" * 40}, {"type": "image_url", "image_url": {"url": "data:" + "y" * 4000}}]

    assert TokenEstimate(5).of(Request([{"role": "user", "content": parts}])) == 15
