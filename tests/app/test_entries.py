from __future__ import annotations

from typing import Any

import pytest

from app.handlers import entries
from app.handlers.drafts import CannotEdit
from app.handlers.fields import UNSET, FormField


def entry(kind: Any, **settings: Any) -> FormField:
    return FormField(("with", "x"), "X", kind, "own", **settings)


@pytest.mark.parametrize(
    ("given", "said", "value"),
    [
        (entry("list"), "a, b ,c", ["a", "b", "c"]),
        (entry("list"), "one, two\nthree", ["one, two", "three"]),
        (entry("list", takes_text_or_list=True), "alone", "alone"),
        (entry("list"), "  ", UNSET),
        (entry("number", is_integer=True, default=3), 7, 7),
        (entry("number", default=3), None, UNSET),
        (entry("number", default=1, is_integer=True), 1, UNSET),
        (entry("flag", default=False), True, True),
        (entry("flag", default=False), False, UNSET),
        (entry("choice", choices=(("Not set", ""), ("Yes", "true"), ("No", "false"))), "false", False),
        (entry("choice", choices=(("a", "a"),)), "a", "a"),
        (entry("yaml"), "a: 1\nb: [x]", {"a": 1, "b": ["x"]}),
        (entry("rows"), '{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]),
        (entry("rows", default=[]), " ", UNSET),
        (entry("text"), "", UNSET),
        (entry("area", default="{{ x }}"), "", ""),
    ],
)
def test_what_a_person_enters_becomes_a_value(given: FormField, said: Any, value: Any) -> None:
    assert entries.read_entry(given, said) == value


@pytest.mark.parametrize(
    ("given", "said", "words"),
    [
        (entry("number", minimum=1), 0, "out of range"),
        (entry("number"), "abc", "no number"),
        (entry("yaml"), "a: [", "not YAML"),
        (entry("rows"), '{"a": 1}\n{"a": x}', "X, line 2, character 7"),
        (entry("secret"), "sk-1", "environment"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_reason(given: FormField, said: Any, words: str) -> None:
    with pytest.raises(CannotEdit, match=words):
        entries.read_entry(given, said)
