from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.tasks.lenient_json import Found, NoJSON, breaks_off, find_json, without_thoughts
from tests.steps.tasks.sloppy_json import Slips


def values(text: str) -> list[Any]:
    return [found.value for found in find_json(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('```\n[{"a": 1}]\n```\nI hope it helps {you}.', [{"a": 1}]),
        ('Sure! {"a": 1} is my answer [see above].', {"a": 1}),
        ('<think>Perhaps {"a": 0}?</think>\n{"a": 1}', {"a": 1}),
        ('Perhaps {"a": 0}?\n</think>\n{"a": 1}', {"a": 1}),
        ('Note: {"a": "use </think> here"}', {"a": "use </think> here"}),
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ('{"a": 1, // one\n "b": 2 /* two */}', {"a": 1, "b": 2}),
        ("{'a': 'it\\'s', 'b': \"x\"}", {"a": "it's", "b": "x"}),
        ("{'a': 'it's fine'}", {"a": "it's fine"}),
        ('{"a": True, "b": None}', {"a": True, "b": None}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": "she said "hi" to me"}', {"a": 'she said "hi" to me'}),
        ("{a: 1}", {"a": 1}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ('{"a": "x"\n "b": "y"}', {"a": "x", "b": "y"}),
        ('{"a": "C:\\path", \'b\': "x"}', {"a": "C:\\path", "b": "x"}),
        ("{“a”: “b”}", {"a": "b"}),
        ('{"a": [1, {"b": 2', {"a": [1, {"b": 2}]}),
        ('```json\n{"a": 1\n```\nThat is all.', {"a": 1}),
        (json.dumps('{"a": 1}'), {"a": 1}),
    ],
)
def test_what_models_do_to_json_is_undone(text: str, value: Any) -> None:
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would rather not.",
        "The set {1, 2} and the interval (0, 1) [Smith 2020].",
        "Use {instruction} or {{ x }}. [RESULT] 3",
        "a: 1\nb: 2",
        '<think>It is {"a": 1}, no, wait',
        '"{x}"',
    ],
)
def test_prose_is_no_data(text: str) -> None:
    with pytest.raises(NoJSON, match="no JSON"):
        find_json(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"a": "unfinished te', "breaks off in the middle of a text: .*unfinished te"),
        ('{"a": [1, 2,', "breaks off"),
        ('{"a":', "breaks off"),
        ('{"a": 1} {"a', "breaks off"),
        ('{"a": [1, 2}', "'}' where ']' belongs"),
        ('{"a": [1, 2, ...]}', "damaged at '...]}'"),
        ('{"a": good}', "damaged at 'good}'"),
        ('{"a": 4/5}', "damaged at '/5}'"),
        ('{"a": "she said "yes", and left"}', "damaged at 'and left"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": 1 Hope this helps', "damaged at 'Hope"),
        ('{"a": 1,, "b": 2}', "damaged: Expecting"),
        ("[" * 100_000, "breaks off"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "damaged"),
    ],
    ids=lambda text: text[:24],
)
def test_what_is_missing_is_not_made_up(text: str, what: str) -> None:
    with pytest.raises(NoJSON, match=what):
        find_json(text)


def test_all_values_are_found_in_order_and_say_whether_they_were_whole() -> None:
    assert find_json('First {"a": 1}, then {"a": 2,}.') == [Found({"a": 1}), Found({"a": 2}, is_mended=True)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>hm</think> yes", "yes"),
        ("<thinking>a</thinking>\n<think>b</think>yes", "yes"),
        ("<think>hm", ""),
        ("no </think> thought", "no </think> thought"),
    ],
)
def test_thoughts_are_left_out(text: str, said: str) -> None:
    assert without_thoughts(text) == said


# ---- properties

PLAIN = st.text("abc XYZ0189äß¿.!?-()", max_size=12)
NASTY = st.one_of(PLAIN, st.text("a\"'{}[]:,\\/\n`#<>…“”", max_size=12), st.text(max_size=12))


def objects(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.text("abcdefgh_", min_size=1, max_size=6)
    leaves = st.one_of(st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(-1e3, 1e3), texts)
    return st.dictionaries(
        keys,
        st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, min_size=1, max_size=3)),
        min_size=1,
        max_size=4,
    )


SLIPS = st.builds(
    Slips,
    single_quotes=st.booleans(),
    python_literals=st.booleans(),
    raw_line_breaks=st.booleans(),
    bare_keys=st.booleans(),
    trailing_commas=st.booleans(),
    comments=st.booleans(),
    is_fenced=st.booleans(),
    remark_before=st.sampled_from(["", "Sure, here it is:\n", "The answer to {instruction} [a]: "]),
    remark_after=st.sampled_from(["", "\n\nHope this helps!", " (see [note] and {x})"]),
    thought=st.sampled_from(["", '<think>Maybe {"a": 0}?</think>', '{"draft": 1} no.</think>\n']),
)


@given(value=objects(NASTY), indent=st.sampled_from([None, 2]))
def test_json_without_damage_is_read_as_it_is(value: dict[str, Any], indent: int | None) -> None:
    assert find_json(json.dumps(value, indent=indent)) == [Found(value)]


@given(value=objects(PLAIN), slips=SLIPS)
def test_the_value_is_found_through_any_mix_of_slips(value: dict[str, Any], slips: Slips) -> None:
    assert values(slips.write(value)) == [value]


@given(value=objects(NASTY), slips=SLIPS, cut=st.integers(0, 200))
def test_no_text_makes_it_fail_in_another_way(value: dict[str, Any], slips: Slips, cut: int) -> None:
    text = slips.write(value)
    for damaged in (text, text[:cut], text[cut:]):
        try:
            find_json(damaged)
        except NoJSON:
            continue


@given(value=objects(NASTY), cut=st.floats(0, 1, exclude_max=True))
def test_a_value_that_was_cut_is_known_to_break_off(value: dict[str, Any], cut: float) -> None:
    text = json.dumps(value, ensure_ascii=False)

    assert not breaks_off(text)
    assert breaks_off(text[: max(2, int(cut * len(text)))])
