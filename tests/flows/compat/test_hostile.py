"""Files in distilabel's form that mean harm, or are broken: told in words, and nothing of them is imported, run or leaked."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.compat import MOST_NOTES
from flows.importing import understand
from flows.plan import examine
from flows.spec import PipelineSpec, read_spec
from steps.errors import Problem, SpecError
from tests.flows.commands import Commands
from tests.flows.compat.distilabel_files import STEPS, generation, group, load, model, pipeline, step
from tests.flows.compat.dumped import DUMPS, as_yaml

Read = tuple[PipelineSpec, list[Problem], list[str]]
BY_NAME = {dump.name: dump for dump in DUMPS}
VARIED = ("preference_routing", "deita", "structured", "magpie_generator", "models_of_vendors", "reward_models")


def read(text: str) -> Read:
    """What becomes of a text on its way to a plan: the pipeline, its problems, and the notes.

    Raises:
        SpecError: It is refused whole.
    """
    found = understand(text)
    spec, problems = read_spec(found.text)
    return spec, [*problems, *examine(spec)[1]], found.notes


def outcome(text: str) -> Read | SpecError:
    try:
        return read(text)
    except SpecError as error:
        return error


def written(data: Any) -> str:
    return json.dumps(data)


def said(found: Read) -> str:
    """All that anybody is shown of a pipeline."""
    spec, problems, notes = found
    return "\n".join([written(spec.to_dict()), *map(str, problems), *notes])


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that appears when the module `trap_module`, which lies where Python looks, is imported or its class is made."""
    sprung = tmp_path / "sprung"
    code = f"open({str(sprung)!r}, 'w').close()"
    (tmp_path / "trap_module.py").write_text(f"{code}\n\n\ndef Trap(*a, **b):\n    {code}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield sprung
    assert not sprung.exists()
    assert "trap_module" not in sys.modules


# ---- classes of others

FOREIGN = [
    ("trap_module", "Trap"),
    ("trap_module", "__dict__"),
    ("distilabel.steps", "trap_module:Trap"),
    ("distilabel.steps.tasks", "trap_module.Trap"),
    ("distilabel.trap_module:Trap", "x"),
    ("builtins", "eval"),
    ("builtins", "__import__"),
    ("os", "system"),
    ("antigravity", "fly"),
    ("flows.runners.inline", "run_inline"),
    ("steps.registry", "allow_class"),
    ("steps.tasks.text_generation", "TextGeneration"),
    ("", "trap_module:Trap"),
    ("../trap_module", "Trap"),
    ("distilabel\u200b.steps", "TextGeneration"),
]


@pytest.mark.parametrize(("module", "name"), FOREIGN)
@pytest.mark.parametrize("place", ["step", "llm", "list of llms", "routing", "pipeline"])
def test_a_class_of_anywhere_else_is_named_and_never_touched(module: str, name: str, place: str, trap: Path) -> None:
    before = set(sys.modules)
    kind = {"module": module, "name": name, "kwargs": {"command": "touch sprung"}}
    harm = {"type_info": kind, "args": ["touch sprung"], "model": "m"}
    steps = [load(), generation("a"), generation("b"), group()]
    more: dict[str, Any] = {}
    if place == "step":
        steps[1] = {"step": {**harm, "name": "a"}, "name": "a"}
    elif place == "llm":
        steps[1] = generation("a", llm=harm)
    elif place == "list of llms":
        steps[1] = generation("a", llm=model("moa", "MixtureOfAgentsLLM", proposers_llms={"0": harm}))
    elif place == "routing":
        more = {"routing_batch_functions": [{"step": "load", "type_info": kind}]}
    else:
        more = {"type_info": kind}

    spec, problems, notes = read(written(pipeline(steps, {"load": ["a", "b"], "a": ["group"], "b": ["group"]}, **more)))

    assert spec.names() == ["load", "a", "b", "group"]
    if place != "pipeline":
        assert any(name in text for text in [*notes, *(problem.what for problem in problems)])
    assert not {"antigravity", "trap_module"} & (set(sys.modules) - before)


@pytest.mark.parametrize("key", ["mutation_templates", "num_evolutions", "llm", "structured_output", "input_mappings", "name"])
def test_the_type_of_an_enum_is_not_evaluated(key: str, trap: Path) -> None:
    enum = {
        "_type": "enum",
        "_enum_type": "__import__('trap_module').Trap()",
        "_name": "Mutations",
        "_values": {"HARDER": "Harder: <PROMPT>"},
    }
    evolve = step(
        "evolve", f"{STEPS}.tasks.evol_instruct.base", "EvolInstruct", **{"num_evolutions": 1, "llm": model(model="m")}
    )
    evolve["step"][key] = enum

    found = read(written(pipeline([load(), evolve], {"load": ["evolve"]})))

    assert "_enum_type" not in written(found[0].to_dict()) or found[1]


def test_the_templates_of_an_enum_of_older_releases_are_kept() -> None:
    templates = {"HARDER": "Harder: <PROMPT>"}
    enum = {"_type": "enum", "_enum_type": "str", "_name": "Mutations", "_values": templates}
    evolve = step("evolve", f"{STEPS}.tasks.evol_instruct.base", "EvolInstruct", num_evolutions=1, mutation_templates=enum)

    spec, _, _ = read(written(pipeline([load(), evolve], {"load": ["evolve"]})))

    assert spec.step("evolve").params["mutation_templates"] == templates


def test_a_schema_that_names_a_class_stays_a_schema(trap: Path) -> None:
    schema = {
        "type": "object",
        "type_info": {"module": "trap_module", "name": "Trap"},
        "properties": {"_type_info": {"module": "os", "name": "system"}},
    }
    asked = generation("a", llm=model(model="m", structured_output={"format": "json", "schema": schema}))

    spec, _, _ = read(written(pipeline([load(), asked], {"load": ["a"]})))

    assert spec.step("a").params["llm"]["structured_output"]["schema"] == schema


TAGS = [
    "!!python/object/apply:trap_module.Trap []",
    "!!python/object/new:trap_module.Trap []",
    "!!python/object:trap_module.Trap {}",
    "!!python/name:trap_module.Trap ''",
    "!!python/module:trap_module ''",
    "!!python/object/apply:os.system ['touch sprung']",
    "!!python/tuple {a: 1}",
    "!!python/object:pydantic.types.SecretStr []",
    "!trap_module.Trap x",
]


@pytest.mark.parametrize("tagged", TAGS)
@pytest.mark.parametrize("place", ["{distilabel: {}, pipeline: %s}", "distilabel: {}\npipeline:\n  steps:\n  - step: %s"])
def test_a_tag_that_makes_objects_is_refused(tagged: str, place: str, trap: Path) -> None:
    with pytest.raises(SpecError, match=r"tag .* is not allowed"):
        read(place % tagged)


def test_tuples_and_keys_that_distilabel_writes_are_read_as_lists_and_references() -> None:
    text = as_yaml(pipeline([load(token="TOKEN"), generation("a", odd="TUPLE")], {"load": ["a"]}))
    text = text.replace("odd: TUPLE", "odd: !!python/tuple [x, 0.5]").replace(
        "token: TOKEN", "token: !!python/object:pydantic.types.SecretStr {_secret_value: hunter2}"
    )

    found = read(text)

    assert found[0].step("a").params["odd"] == ["x", 0.5]
    assert found[0].step("load").params["token"] == "${TOKEN}"
    assert "hunter2" not in said(found)


# ---- too much


def many(count: int) -> list[dict[str, Any]]:
    return [step(f"s{at}", f"{STEPS}.columns.keep", "KeepColumns", columns=["a"]) for at in range(count)]


BOMB = "x: &a0 [1]\n" + "".join(f"y{at}: &a{at + 1} [{', '.join([f'*a{at}'] * 9)}]\n" for at in range(12))
TOO_MUCH = {
    "10,001 steps": lambda: written(pipeline(many(10_001), {})),
    "a bomb of aliases": lambda: f"distilabel: {{}}\npipeline: {{steps: []}}\n{BOMB}",
    "an alias inside itself": lambda: "distilabel: {}\npipeline: &a {steps: [*a]}",
    "1,000 levels of YAML": lambda: "distilabel: {}\npipeline: " + "[" * 1000 + "]" * 1000,
    "1,000 levels of blocks": lambda: "distilabel: {}\npipeline:\n" + "".join(" " * at + "a:\n" for at in range(1, 1000)),
    "100,000 levels of JSON": lambda: '{"distilabel": {}, "pipeline": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "a text of 11 MB": lambda: written(pipeline([load(x="x" * 11_000_000)], {})),
    "a million values": lambda: '{"distilabel": {}, "pipeline": {"steps": [' + "1," * 1_000_000 + "1]}}",
    "half an emoji": lambda: '{"distilabel": {}, "pipeline": {"name": "\\ud83e", "steps": []}}',
    "a number of 5,000 digits": lambda: '{"distilabel": {}, "pipeline": {"steps": [], "x": ' + "9" * 5000 + "}}",
    "two steps of one name": lambda: written(pipeline([load(), load()], {})),
    "steps that are none": lambda: written(pipeline([1], {})),  # type: ignore[list-item]
    "no pipeline": lambda: '{"distilabel": {}}',
    "nothing in a step": lambda: '{"distilabel": {}, "pipeline": {"steps": [{}]}}',
}


@pytest.mark.parametrize("make", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_what_is_too_much_or_too_broken_is_refused_in_a_few_words(make: Any) -> None:
    with pytest.raises(SpecError) as caught:
        read(make())

    assert caught.value.fix
    assert len(str(caught.value)) < 400


def test_100_000_connections_that_lead_nowhere_are_told_in_a_few_notes() -> None:
    ghosts = {f"x{at}": [f"y{at}"] for at in range(100_000)}

    _, _, notes = read(written(pipeline([load()], ghosts)))

    assert len(notes) == MOST_NOTES + 1
    assert notes[-1] == f"and {100_000 - MOST_NOTES:,} more of these"


def test_3_000_names_that_become_one_are_told_apart() -> None:
    steps = [step(chr(0x4E00 + at), f"{STEPS}.columns.keep", "KeepColumns") for at in range(3000)]

    spec, _, _ = read(written(pipeline(steps, {})))

    assert len(set(spec.names())) == 3000


def test_rows_that_go_in_a_circle_are_a_problem() -> None:
    _, problems, _ = read(written(pipeline([load(), *many(2)], {"load": ["s0"], "s0": ["s1"], "s1": ["s0"]})))

    assert [problem.code for problem in problems if problem.code == "cycle"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a\0b", "..", "-rf", "x" * 1000, "🦆", "a\nb"])
def test_a_name_cannot_lead_out_of_a_folder(name: str) -> None:
    spec, _, notes = read(written({**pipeline([{**load(), "name": name}], {}, name=name)}))

    for ours in (spec.name, *spec.names()):
        assert not set(ours) & set("/\\.\0\n")
        assert 0 < len(ours) <= 80
    assert any(spec.names()[0] in note for note in notes)
    assert all(len(note) < 400 for note in notes)


# ---- what does not fit


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("input_mappings", 5),
        ("input_mappings", {"a": [1]}),
        ("output_mappings", ["a"]),
        ("resources", {"replicas": "many"}),
        ("resources", [1]),
        ("input_batch_size", "all"),
        ("input_batch_size", -1),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_its_step(key: str, value: Any) -> None:
    keep = step("keep", f"{STEPS}.columns.keep", "KeepColumns", columns=["instruction"], **{key: value})

    _, problems, _ = read(written(pipeline([load(), keep], {"load": ["keep"]})))

    assert [problem for problem in problems if problem.step == "keep" and problem.fix]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=9), part, max_size=3),
    max_leaves=6,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths(one, (*at, key))


def replaced(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    changed = copy.copy(data)
    changed[at[0]] = replaced(data[at[0]], at[1:], value)
    return changed


PATHS = {name: list(paths(BY_NAME[name].data)) for name in VARIED}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(VARIED), st.data())
def test_whatever_stands_anywhere_in_a_file_it_is_a_pipeline_or_told(name: str, data: st.DataObject) -> None:
    changed = replaced(BY_NAME[name].data, data.draw(st.sampled_from(PATHS[name])), data.draw(JSON))
    found = outcome(written(changed))
    if isinstance(found, SpecError):
        assert found.fix
        return

    spec, problems, notes = found
    assert all(problem.what and problem.fix for problem in problems)
    assert all(len(note) < 1000 for note in notes)
    assert read_spec(spec.to_yaml())[0].to_dict() == spec.to_dict()


# ---- keys

SECRET = "sk-0123456789abcdefghijklmn"


@pytest.mark.parametrize("name", VARIED)
def test_what_looks_like_a_key_leaks_from_no_place(name: str) -> None:
    data = BY_NAME[name].data
    once = {tuple(key for key in at if isinstance(key, str)): at for at in PATHS[name][1:]}  # of all steps, each field once
    for at in once.values():
        for harm in (f"my {SECRET}", {SECRET: SECRET}):
            found = outcome(written(replaced(data, at, harm)))

            assert SECRET not in (str(found) if isinstance(found, SpecError) else said(found)), at


PLAIN = "hunter2"


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": PLAIN},
        {"api_key": {"value": PLAIN}},
        {"api_key": [PLAIN]},
        {"api_key": {"_secret_value": PLAIN}},
        {"default_headers": {"Authorization": PLAIN}},
        {"base_url": f"https://me:{PLAIN}@example.com/v1"},
        {"base_url": f"https://example.com/v1?api-key={PLAIN}"},
        {"generation_kwargs": {"extra_body": {"password": PLAIN}}},
        {"extra_kwargs": {"hf_token": PLAIN}},
    ],
    ids=written,
)
@pytest.mark.parametrize("kind", [("openai", "OpenAILLM"), ("mistral", "MistralLLM"), ("nobody", "NobodyLLM")])
def test_a_key_leaks_from_no_place_that_is_named_after_one(fields: dict[str, Any], kind: tuple[str, str]) -> None:
    llm = model(*kind, model="m", **fields)

    found = read(written(pipeline([load(), generation("a", llm=llm)], {"load": ["a"]})))

    assert PLAIN not in said(found)
    assert any("not carried over" in note for note in found[2])


@pytest.mark.parametrize(
    "odd",
    [
        step("load", f"{STEPS}.generators.huggingface", "LoadDataFromHub", repo_id="me/x", storage_options={"key": PLAIN}),
        step("load", f"{STEPS}.globals.huggingface", "PushToHub", repo_id="me/x", token=PLAIN),
        step("load", f"{STEPS}.argilla.preference", "PreferenceToArgilla", api_key=PLAIN, nested=[{"password": PLAIN}]),
        step("load", "own.module", "Own", credentials={"user": PLAIN}),
    ],
    ids=lambda odd: odd["step"]["type_info"]["name"],
)
def test_a_key_leaks_from_no_step(odd: dict[str, Any]) -> None:
    assert PLAIN not in said(read(written(pipeline([odd], {}))))


def test_words_of_the_user_that_sound_like_keys_are_no_keys() -> None:
    labels = {"password": "reset", "authentication": "login", "token": "crypto"}
    label = step("label", f"{STEPS}.tasks.text_classification", "TextClassification", available_labels=labels)
    train = step("train", f"{STEPS}.tasks.math_shepherd.utils", "FormatPRM", step_token="<step>")

    spec, _, _ = read(written(pipeline([load(), label, train], {"load": ["label"], "label": ["train"]})))

    assert spec.step("label").params["available_labels"] == labels
    assert spec.step("train").params["step_token"] == "<step>"


# ---- as people meet it


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (written(pipeline([step("a", "trap_module", "Trap")], {})), "trap_module"),
        ("distilabel: {}\npipeline: !!python/object/apply:os.system ['touch sprung']", "tag"),
        (written(pipeline(many(10_001), {})), "10,001 steps"),
        (written(pipeline([load(), generation("a", input_mappings=5)], {"load": ["a"]})), "input_mappings"),
    ],
    ids=["foreign", "tag", "many", "misfit"],
)
def test_the_command_line_refuses_in_words(text: str, words: str, commands: Commands) -> None:
    (commands.folder / "theirs.yaml").write_text(text)
    (commands.folder / "trap_module.py").write_text("open('sprung', 'w').close()")

    ended = commands("plan", "theirs.yaml")

    assert ended.code == 2
    assert words in ended.err
    assert "Traceback" not in ended.out + ended.err
    assert not (commands.folder / "sprung").exists()


def test_the_command_line_plans_what_distilabel_wrote(commands: Commands) -> None:
    (commands.folder / "theirs.yaml").write_text(BY_NAME["preference_routing"].path.read_text())

    ended = commands("plan", "theirs.yaml", "--rehearse")

    assert ended.code == 0, ended.err
    assert "Note: step 'groq': `use_cache: false` was left out" in ended.err
