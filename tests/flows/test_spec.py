from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.plan import examine
from flows.pools import Pools
from flows.spec import PipelineSpec, StepSpec, load_spec, read_file, read_spec, spec_from
from steps.errors import PlanError, Problem, SpecError
from tests.flows.any_specs import TRICKY, leaf, specs, text

SMALL = Pools(cpus=4, memory=10**9)


def refused(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read_spec(text)
    assert caught.value.fix
    return caught.value


def step_of(text: str) -> StepSpec:
    [step], problems = read_spec(text)[0].steps, read_spec(text)[1]
    assert problems == []
    return step


def params_of(text: str) -> dict[str, Any]:
    return step_of(f"steps: [{{name: a, use: B, with: {{{text}}}}}]").params


def problems_of(text: str) -> list[Problem]:
    return read_spec(text)[1]


# ---- round trips


@settings(max_examples=300, deadline=None)
@given(specs)
def test_what_is_written_as_yaml_is_read_back_exactly(spec: PipelineSpec) -> None:
    assert read_spec(spec.to_yaml()) == (spec, [])


@settings(max_examples=100, deadline=None)
@given(specs)
def test_what_is_written_as_json_is_read_back_exactly(spec: PipelineSpec) -> None:
    assert read_spec(json.dumps(spec.to_dict(), indent="\t")) == (spec, [])


@pytest.mark.parametrize("tricky", TRICKY)
def test_a_text_stays_what_it_is_wherever_it_stands(tricky: str) -> None:
    params = {tricky: tricky, "list": [tricky, "b"], "deep": {"x": [{"y": tricky}], "lists": [[tricky]]}}
    spec = PipelineSpec(description=tricky, steps=[StepSpec(name="a", use="B", params=params)])

    assert read_spec(spec.to_yaml())[0] == spec


@pytest.mark.parametrize("tricky", TRICKY)
def test_other_yaml_readers_see_the_same_text(tricky: str) -> None:
    import yaml

    spec = PipelineSpec(steps=[StepSpec(name="a", use="B", params={"text": tricky})])

    assert yaml.safe_load(spec.to_yaml())["steps"][0]["with"]["text"] == tricky


def test_numbers_that_are_none_stay_so() -> None:
    spec = PipelineSpec(steps=[StepSpec(name="a", use="B", params={"x": [math.inf, -math.inf, math.nan]})])

    high, low, nan = read_spec(spec.to_yaml())[0].steps[0].params["x"]

    assert (high, low, math.isnan(nan)) == (math.inf, -math.inf, True)


def test_a_saved_file_is_loaded_again(tmp_path: Path) -> None:
    spec = PipelineSpec(name="a", description="Ünïcödé 😀", steps=[StepSpec(name="a", use="B", after=["b"])])
    spec.save(tmp_path / "pipeline.yaml")

    assert load_spec(tmp_path / "pipeline.yaml") == spec
    assert "after: b" in (tmp_path / "pipeline.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2**64, "does not fit 64 bits"),
        ("\ud800", "half of a character"),
        ({"\udfff": 1}, "surrogates not allowed"),
        (object(), "cannot be written to a file"),
    ],
    ids=["large", "surrogate", "surrogate-key", "object"],
)
def test_what_no_file_can_hold_is_refused_when_it_is_written(value: Any, said: str) -> None:
    spec = PipelineSpec(steps=[StepSpec(name="a", use="B", params={"x": value})])

    with pytest.raises(SpecError, match=said):
        spec.to_yaml()


def test_more_data_than_a_file_may_hold_is_refused_when_it_is_written() -> None:
    spec = PipelineSpec(steps=[StepSpec(name="a", use="B", params={"x": ["y" * 6_000_000] * 2})])

    with pytest.raises(SpecError, match="more than 10 MB"):
        spec.to_yaml()


# ---- what people write


@pytest.mark.parametrize(
    ("written", "read"),
    [
        *(
            ("no", "no"),
            ("on", "on"),
            ("012", "012"),
            ("1_000", "1_000"),
            ("2024-01-01", "2024-01-01"),
            ("12:30:00", "12:30:00"),
        ),
        *(
            ("512", 512),
            ("0x10", 16),
            ("0o17", 15),
            ("1e3", 1000.0),
            ("true", True),
            ("~", None),
            ("'1'", "1"),
            ("!!str 1", "1"),
        ),
        *(("=", "="), ("!!int 5", 5), ("! 5", 5)),
    ],
)
def test_words_without_quotes_are_read_as_yaml_1_2_does(written: str, read: Any) -> None:
    [found] = params_of(f"x: {written}").values()

    assert (found, type(found)) == (read, type(read))


def test_keys_are_text() -> None:
    assert params_of("on: 1, 1: 2, null: 3, 1.50: 4") == {"on": 1, "1": 2, "null": 3, "1.50": 4}


def test_aliases_and_merges_are_followed() -> None:
    text = "steps: [{name: a, use: B, with: {m: &m {x: 1, y: 2}, n: {<<: *m, y: 3}, o: *m, p: {<<: [*m, {z: 4}]}}}]"

    assert step_of(text).params == {
        "m": {"x": 1, "y": 2},
        "n": {"x": 1, "y": 3},
        "o": {"x": 1, "y": 2},
        "p": {"z": 4, "x": 1, "y": 2},
    }


@pytest.mark.parametrize(
    "text",
    [
        "steps: {a: {use: B}}",
        "steps: [{name: a, use: B, with: null, after: null, pool: ~, input_mappings: }]",
        '{"steps": [{"name": "a", "use": "B"}]}',
        '\ufeff{"steps": [{"name": "a", "use": "B"}]}',
        "{steps: [{name: a, use: B}]}",
        "\ufeffsteps: [{name: a, use: B}]",
        "%YAML 1.2\n---\nsteps: [{name: a, use: B}]\n...\n",
    ],
    ids=["mapping", "nulls", "json", "json-bom", "flow", "bom", "directive"],
)
def test_forms_that_mean_the_same(text: str) -> None:
    assert step_of(text) == StepSpec(name="a", use="B")


@pytest.mark.parametrize("text", ["steps: null", "steps:", "steps: []", "steps: {}", "{}", "name: x"])
def test_a_pipeline_that_has_no_steps_yet_can_be_edited(text: str) -> None:
    spec, problems = read_spec(text)

    assert (spec.steps, problems) == ([], [])


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("flavour: 1\nstpes: []", [(None, "unknown-key"), (None, "unknown-key")]),
        ("steps: [{use: B}]", [("step_1", "missing-name")]),
        ("steps: [{name: a}]", [("a", "missing-use")]),
        ("steps: [{nmae: a, use: B}]", [("step_1", "unknown-key")]),
        ("steps: [{name: a, usee: B}]", [("a", "unknown-key")]),
        ("steps: [{name: 12, use: B}]", [("12", "bad-value")]),
        ("steps: [{name: true, use: B}]", [("True", "bad-value")]),
        ("steps: [{name: [a], use: B}]", [("step_1", "bad-value")]),
        ("steps: [{name: 'a b', use: B}]", [("a b", "bad-value")]),
        ('steps: [{name: "a\\n", use: B}]', [("a\n", "bad-value")]),
        ("steps: [{name: ../../x, use: B}]", [("../../x", "bad-value")]),
        ("steps: [{name: a, use: [B]}]", [("a", "bad-value")]),
        ("steps: [{name: a, use: B, after: 12}]", [("a", "bad-value")]),
        ("steps: [{name: a, use: B, with: [1]}]", [("a", "bad-value")]),
        ("steps: [{name: a, use: B, batch_size: many, pool: 3}]", [("a", "bad-value"), ("a", "bad-value")]),
        ("steps: [{name: a, use: B, resources: {gpu: 1}}]", [("a", "bad-value")]),
        ("steps: [a, null, 3]", [(None, "bad-step")] * 3),
        ("routing: [1]", [(None, "bad-value")]),
        ("description: 3", [(None, "bad-value")]),
    ],
)
def test_what_does_not_fit_is_listed_and_the_rest_is_read(text: str, codes: list[tuple[str | None, str]]) -> None:
    found = problems_of(text)

    assert [(problem.step, problem.code) for problem in found] == codes
    assert all(problem.fix for problem in found)


def test_a_value_of_the_wrong_kind_says_how_to_write_it() -> None:
    [problem] = problems_of("steps: [{name: 12, use: B}]")

    assert str(problem) == "[bad-value] step '12': `name`: should be text; seen 12\n  Fix: write it in quotes: '12'"


def test_what_could_not_be_read_has_no_consequences() -> None:
    text = """
    steps:
      - {name: load, use: LoadDataFromDicts, with: {data: [{a: 1}]}}
      - {name: b, use: KeepColumns, with: {columns: [x]}, after: {load: 1}}
      - {name: c, use: KeepColumns, with: 3, after: load}
      - {name: d, use: KeepColumns, with: {columns: [x]}, after: load, input_mapings: {x: a}}
      - {name: e, use: KeepColumns, with: {columns: [a]}, after: load, pool: 3, resources: {gpus: 1}}
    """
    spec, problems = read_spec(text)

    assert [problem.step for problem in problems] == ["b", "c", "d", "e"]
    assert examine(spec, SMALL)[1] == []


def test_a_key_that_stands_twice_is_named_with_its_line() -> None:
    found = problems_of("name: x\nsteps:\n- name: a\n  use: B\n  after: b\n  with: {x: 1}\n  after: c\nname: y")

    assert [(problem.where, problem.what) for problem in found] == [
        ("line 7", "the key 'after' stands a second time in one mapping; the first one would be lost"),
        ("line 8", "the key 'name' stands a second time in one mapping; the first one would be lost"),
    ]


def test_a_key_that_stands_twice_in_json_is_named() -> None:
    [problem] = problems_of('{"steps": [{"name": "a", "use": "B", "use": "C"}]}')

    assert (problem.code, "'use'" in problem.what) == ("duplicate-key", True)


def test_a_merged_key_may_be_written_over() -> None:
    assert problems_of("steps: [{name: a, use: B, with: {m: &m {x: 1}, n: {<<: *m, x: 2}}}]") == []


# ---- what is no pipeline


def billion_laughs() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 12)]
    return "\n".join(lines)


def laughing_merges() -> str:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{at}: &a{at} {{<<: [{', '.join([f'*a{at - 1}'] * 9)}]}}" for at in range(1, 12)]
    return "\n".join(lines)


def deep_through_aliases() -> str:
    lines = ["a0: &a0 [x]"]
    return "\n".join(lines + [f"a{at}: &a{at} [[[[*a{at - 1}]]]]" for at in range(1, 400)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing in it"),
        ("\ufeff", "nothing in it"),
        ("# only\n# comments", "nothing in it"),
        ("null", "nothing in it"),
        ("[1, 2]", "is a mapping with `steps`, not"),
        ("just text", "is a mapping with `steps`, not 'just text'"),
        ("steps: load", "`steps` is a list, not 'load'"),
        ("steps: 0", "`steps` is a list, not 0"),
        ("distilflow: 2", "reads version 1"),
        ("distilflow: true", "reads version 1"),
        ("distilflow: [1]", "reads version 1"),
        ("distilabel: {version: 1}", "distilabel pipeline"),
        ("steps:\n- name: a\n   use: B", "not YAML: .*line 3"),
        ("steps:\n\t- name: a", "line 2 is indented with a tab"),
        ("a: 'b", "not YAML"),
        ("a: [${B}, ${C}]", 'a reference needs quotes: "\\${NAME}"'),
        ("a: {b: ${C}}", 'a reference needs quotes: "\\${NAME}"'),
        ("a: *b", r"`\*b` in line 1 refers to nothing"),
        ("a: &a [*a]", r"`\*a` in line 1 stands inside"),
        ("steps: []\n---\nsteps: []", "second document starts in line 2"),
        ("a: !!python/object/apply:os.system [ls]", "tag !!python/object/apply:os.system in line 1 is not allowed"),
        ("a: !!python/name:os.system x", "is not allowed"),
        ("a: !!binary aGk=", "is not allowed"),
        ("a: !!timestamp 2024-01-01", "is not allowed"),
        ("a: !!set {b, c}", "is not allowed"),
        ("a: !!int b", "is not allowed"),
        ("a: !!bool maybe", "is not allowed"),
        ("a: !own {b: 1}", "is not allowed"),
        ("? [a]\n: 1", "key in line 1 is not text"),
        ("? {a: 1}\n: 1", "key in line 1 is not text"),
        ("a: &x [1]\n*x : 2", "key in line 2 is not text"),
        ("a: {<<: 1}", "`<<` stands before something that is no mapping"),
        ("a: " + "9" * 5000, "does not fit 64 bits"),
        ("a: 99999999999999999999", "does not fit 64 bits"),
        ('{"a": 99999999999999999999}', "does not fit 64 bits"),
        ('{"a": ' + "9" * 5000 + "}", "does not fit 64 bits"),
        ('{"a": "\\ud800"}', "half of a character"),
        ("a: \x00", "not YAML"),
        ("\x00", "not YAML"),
        ("a: \ud800", "not YAML"),
        ("a: " + "[" * 100_000, "deeper than 60"),
        ("{a: " * 100_000, "deeper than 60"),
        ('{"a":' * 100_000, "deeper than 60"),
        ('{"a":' * 200 + "1" + "}" * 200, "deeper than 60"),
        ('{"a": ' + "[" * 100_000, "deeper than 60"),
        ("- " * 100_000, "deeper than 60"),
        ("\n".join(" " * at + "a:" for at in range(100)), "deeper than 60"),
        ("? " * 100_000, "key in line 1 is not text"),
        (billion_laughs(), "more than 1,000,000 values"),
        (laughing_merges(), "more than 1,000,000 values"),
        (deep_through_aliases(), "deeper than 60"),
        ("steps: [" + "{name: a, use: B}," * 10_001 + "]", "has 10,001 steps"),
        ("a: [" + "1," * 1_000_001 + "]", "more than 1,000,000 values"),
        ("a" * 10_000_001, "more than 10 MB"),
        ("ä" * 5_000_001, "more than 10 MB"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_text_that_is_no_pipeline_is_refused_in_a_moment(text: str, said: str) -> None:
    started = time.process_time()
    with pytest.raises(SpecError, match=said) as caught:
        read_spec(text)

    assert caught.value.fix
    assert len(str(caught.value)) < 500
    assert time.process_time() - started < 10


def test_messages_stay_short_whatever_is_in_the_file() -> None:
    long = "x" * 1_000_000
    spec, problems = read_spec(json.dumps({long: 1, "steps": [{"name": long, "use": "B", long: 1, "batch_size": long}, long]}))

    assert max(len(str(problem)) for problem in [*problems, *examine(spec, SMALL)[1]]) < 1000


# ---- files


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no file"):
        load_spec(tmp_path / "nothing.yaml")


def test_a_folder_is_no_pipeline(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is a folder"):
        read_file(tmp_path)


def test_a_path_that_no_file_can_have() -> None:
    with pytest.raises(SpecError, match="is no path"):
        read_file(Path("a\0b"))


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("name: ä".encode("utf-16"))

    with pytest.raises(SpecError, match=r"not UTF-8 text \(byte 0\)"):
        read_file(tmp_path / "a.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(50_000_000_000)  # a hole: it takes no space
    started = time.process_time()

    with pytest.raises(SpecError, match="more than 10 MB"):
        read_file(tmp_path / "a.yaml")

    assert time.process_time() - started < 2


def test_an_endless_file_is_not_read() -> None:
    with pytest.raises(SpecError, match="more than 10 MB"):
        read_file(Path("/dev/zero"))


def test_loading_lists_everything_that_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("flavour: 1\nsteps: [{name: a}]")

    with pytest.raises(PlanError) as caught:
        load_spec(tmp_path / "a.yaml")

    assert [problem.code for problem in caught.value.problems] == ["unknown-key", "missing-use"]


# ---- anything at all

USES = ["LoadDataFromDicts", "KeepColumns", "TextGeneration", "UltraFeedback", "GroupColumns", "LoadDataFromFileSystem", "x:y"]
FIELDS = ["columns", "data", "llm", "template", "aspect", "data_files", "num_generations", "use", "model", "generation_kwargs"]
KEYS = [
    "name",
    "use",
    "after",
    "with",
    "input_mappings",
    "output_mappings",
    "pool",
    "batch_size",
    "resources",
    "steps",
    "routing",
]
word = st.sampled_from([*USES, *FIELDS, *KEYS, "a", "b", "gpu", "async", "OpenAILLM", "sample_n_steps", "{{ a"]) | text
junk = st.recursive(
    leaf | word, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(word, inner, max_size=4), max_leaves=15
)
form = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from("abc") | junk,
        "use": st.sampled_from(USES) | junk,
        "after": st.sampled_from("abc") | st.lists(st.sampled_from("abc")) | junk,
        "with": st.dictionaries(st.sampled_from(FIELDS), junk, max_size=3) | junk,
        **dict.fromkeys(KEYS[4:9], junk),
    },
)
trees = junk | st.fixed_dictionaries(
    {"steps": st.lists(form | junk, max_size=5) | st.dictionaries(word, form, max_size=3)},
    optional={"name": junk, "routing": st.dictionaries(st.sampled_from("abc"), form | junk) | junk, "distilflow": st.just(1)},
)


def survives(read: Any) -> None:
    """Reading and planning either work or say what is wrong in words."""
    try:
        spec, problems = read()
        _, found = examine(spec, SMALL)
    except (SpecError, PlanError):
        return
    for problem in [*problems, *found]:
        assert problem.what
        assert problem.fix, problem
        assert len(str(problem)) < 3000


@settings(max_examples=300, deadline=None)
@given(trees)
def test_no_data_breaks_reading_or_planning(data: Any) -> None:
    survives(lambda: spec_from(data))


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("a1:-?,[]{}&*!|>'\"%@`#~ \n\t<=.\0\ufeff😀\ud800"), max_size=60))
def test_no_text_breaks_reading_or_planning(text: str) -> None:
    survives(lambda: read_spec(text))


@settings(max_examples=100, deadline=None)
@given(trees, st.data())
def test_no_cut_or_changed_file_breaks_reading_or_planning(data: Any, draw: st.DataObject) -> None:
    text = json.dumps(data, ensure_ascii=False)
    at = draw.draw(st.integers(0, len(text)))

    survives(lambda: read_spec(text[:at] + draw.draw(st.text(max_size=3)) + text[at + 1 :]))
