from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from steps.errors import BadReply
from steps.tasks.replies import parse_answer, schema_of
from tests.steps.tasks.sloppy_json import Slips
from tests.steps.tasks.test_lenient_json import NASTY, PLAIN, SLIPS


class Verdict(BaseModel):
    rating: int = Field(ge=1, le=5)
    rationale: str
    tags: list[str] = []
    kind: Literal["good", "bad"] | None = None


class Lenient(BaseModel):
    """Takes anything that is an object."""

    note: str = ""
    items: list[int] = []


GOOD = '{"rating": 4, "rationale": "clear"}'


def verdicts(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Verdict]:
    return st.builds(
        Verdict,
        rating=st.integers(1, 5),
        rationale=texts,
        tags=st.lists(texts, max_size=3),
        kind=st.sampled_from(["good", None]),
    )


@given(verdict=verdicts(NASTY))
def test_an_answer_without_damage_is_read_as_it_is(verdict: Verdict) -> None:
    assert parse_answer(verdict.model_dump_json(), Verdict) == verdict.model_dump()


@given(verdict=verdicts(PLAIN), slips=SLIPS)
def test_an_answer_is_found_through_any_mix_of_slips(verdict: Verdict, slips: Slips) -> None:
    assert parse_answer(slips.write(verdict.model_dump()), Verdict) == verdict.model_dump()


@given(verdict=verdicts(NASTY), slips=SLIPS, begin=st.integers(0, 40), size=st.integers(0, 200))
def test_a_piece_of_an_answer_is_read_or_refused(verdict: Verdict, slips: Slips, begin: int, size: int) -> None:
    text = slips.write(verdict.model_dump())[begin : begin + size]

    try:
        read = parse_answer(text, Verdict)
    except BadReply:
        return
    assert set(read) == set(Verdict.model_fields)


def test_closing_brackets_that_were_forgotten_are_added() -> None:
    verdict = Verdict(rating=4, rationale="clear", tags=["a", "b"])

    assert parse_answer(Slips(no_closers=True).write(verdict.model_dump(exclude_none=True)), Verdict) == verdict.model_dump()


def test_of_several_values_the_one_that_fits_is_taken() -> None:
    schema = json.dumps(schema_of(Verdict))

    assert parse_answer(f"The schema is {schema}, see [1]. So: {GOOD}", Verdict)["rating"] == 4


def test_the_same_answer_twice_is_one_answer() -> None:
    assert parse_answer(f"{GOOD}\nAs I said: {GOOD}", Verdict)["rating"] == 4


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f'{GOOD} or {{"rating": 2, "rationale": "?"}}', "holds 2 different answers"),
        ('{"rating": 9, "rationale": "?"}', "rating: Input should be less than or equal to 5"),
        ('{"rating": 4}', "rationale: Field required"),
        ("4", "reply: Input should be"),
        ("I would rather not.", "holds no JSON"),
        ('{"rating": 4, "rationale": "cle', "breaks off"),
        ("{}", "rating: Field required; rationale: Field required"),
        (json.dumps({"rating": 4, "rationale": "x", "tags": list(range(8))}), "tags.4: .*; and 3 more"),
    ],
)
def test_an_answer_in_another_form_is_refused_with_its_text(text: str, what: str) -> None:
    with pytest.raises(BadReply, match=what) as caught:
        parse_answer(text, Verdict)

    assert caught.value.reply == text


@pytest.mark.parametrize(
    "text", ["Use {instruction}.", "{'note: the set', 2}", "[Note]", '{"nota": "x",}', "{note: 1, 'x': 2}"]
)
def test_prose_and_mended_fields_that_nobody_asked_for_are_no_answer(text: str) -> None:
    with pytest.raises(BadReply):
        parse_answer(text, Lenient)


def test_whole_json_may_have_more_fields_than_asked_for() -> None:
    assert parse_answer('{"note": "x", "confidence": 0.9}', Lenient) == {"note": "x", "items": []}


def test_a_schema_can_be_changed_without_changing_the_next_one() -> None:
    schema_of(Verdict)["properties"]["rating"] = {}

    assert schema_of(Verdict) == Verdict.model_json_schema()
