from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.spec import PipelineSpec, load_spec, read_spec
from flows.spec.changes import Change, changes, count_of
from tests.flows.any_specs import leaf, plain_name, wired_specs

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = (ROOT / "examples" / "quickstart.yaml").read_text()
ANY = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def told(before: str, after: str) -> dict[str, list[str]]:
    """Step by step, what is said; problems of the texts do not matter here."""
    found = changes(read_spec(before)[0], read_spec(after)[0])
    return {change.step: [difference.words for difference in change.differences] for change in found}


def edited(*replacements: tuple[str, str]) -> str:
    text = QUICKSTART
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("aspect: overall-rating", "aspect: honesty", {"judge": ["aspect overall-rating to honesty"]}),
        (
            "aspect: overall-rating",
            "num_generations: 2",
            {"judge": ["num generations 2", "aspect removed, was overall-rating"]},
        ),
        (
            "output_columns: [generations, generation_models]",
            "output_columns: [generations]",
            {"group": ["output columns without generation_models"]},
        ),
        ("columns: [generation, model_name]", "columns: [model_name, generation]", {"group": ["columns in another order"]}),
        (
            "after: [answer_1, answer_2, answer_3]",
            "after: [answer_1, load]",
            {
                "group": ["comes after load, not after answer_2, answer_3"],
            },
        ),
        ("after: judge", "after: group", {"format_dpo": ["comes after group, not after judge"]}),
        ("name: quickstart", "name: mine", {"": ["name quickstart to mine"]}),
        ("reply: judge", "reply: judge, generation_kwargs: {temperature: 0.5}", {"judge": ["temperature 0.5"]}),
        (
            "llm: {use: ReplayLLM, path: examples/data/recordings.jsonl, reply: judge}",
            "llm: {use: OpenAILLM, path: examples/data/recordings.jsonl, reply: judge}",
            {"judge": ["model class ReplayLLM to OpenAILLM"]},
        ),
        (
            "use: FormatTextGenerationDPO",
            "use: FormatTextGenerationSFT",
            {"format_dpo": ["FormatTextGenerationDPO becomes FormatTextGenerationSFT"]},
        ),
    ],
)
def test_a_change_is_told_in_words(old: str, new: str, said: dict[str, list[str]]) -> None:
    assert told(QUICKSTART, edited((old, new))) == said


def test_steps_are_added_removed_and_renamed() -> None:
    without = QUICKSTART[: QUICKSTART.index("  - name: keep")]

    assert told(QUICKSTART, without) == {"keep": ["removed: KeepColumns"]}
    assert told(without, QUICKSTART) == {"keep": ["added: KeepColumns, after format_dpo"]}
    renamed = edited(("name: group", "name: gather"), ("after: group", "after: gather"))
    assert told(QUICKSTART, renamed) == {"gather": ["renamed, was group"]}


def test_a_renamed_step_that_also_changes_is_still_known() -> None:
    after = edited(("name: judge", "name: rate"), ("after: judge", "after: rate"), ("overall-rating", "honesty"))

    [change] = changes(read_spec(QUICKSTART)[0], read_spec(after)[0])

    assert (change.kind, change.before, change.step) == ("renamed", "judge", "rate")
    assert [difference.words for difference in change.differences] == ["renamed, was judge", "aspect overall-rating to honesty"]


def test_routing_and_the_order_of_steps_and_places_are_told_too() -> None:
    routing = (ROOT / "examples" / "routing.yaml").read_text()

    assert told(routing, routing.replace("n: 2", "n: 3")) == {"": ["n of the router after load 2 to 3"]}
    head, first, second = "steps:\n", "- {name: a, use: KeepColumns}\n", "- {name: b, use: KeepColumns}\n"
    assert told(head + first + second, head + second + first) == {"": ["steps stand in another order"]}
    moved = head + first + "canvas: {positions: {a: [1, 2]}}\n"
    assert told(head + first, moved) == {"": ["1 step drawn elsewhere"]}


def test_no_key_is_repeated() -> None:
    before = "steps:\n- {name: a, use: TextGeneration, with: {llm: {use: OpenAILLM, api_key: sk-old, model: m}}}\n"
    after = before.replace("sk-old", "sk-new")

    assert told(before, after) == {"a": ["api key changed"]}


# ---- for all specs


def mutated(spec: PipelineSpec, draw: st.DrawFn) -> PipelineSpec:
    """The spec with some of its parts changed."""
    data = copy.deepcopy(spec.to_dict())
    steps: list[dict[str, Any]] = data.get("steps", [])
    for _ in range(draw(st.integers(0, 4))):
        what = draw(st.sampled_from(["param", "link", "remove", "rename", "order", "name", "place"]))
        step: dict[str, Any] = draw(st.sampled_from(steps)) if steps else {"name": "x", "use": "KeepColumns"}
        if what == "param":
            step.setdefault("with", {})[draw(st.sampled_from(["columns", "new"]))] = draw(leaf)
        elif what == "link":
            step["after"] = draw(st.lists(plain_name, max_size=2))
        elif what == "remove" and steps:
            steps.remove(step)
        elif what == "rename":
            step["name"] = draw(plain_name)
        elif what == "order":
            steps.reverse()
        elif what == "name":
            data["name"] = draw(plain_name)
        elif what == "place":
            data.setdefault("canvas", {}).setdefault("positions", {})[step["name"]] = [draw(st.integers(0, 9)), 0]
    return PipelineSpec.model_validate(data)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[PipelineSpec, PipelineSpec]:
    before = draw(wired_specs(is_odd=draw(st.booleans())))
    return before, draw(wired_specs()) if draw(st.booleans()) else mutated(before, draw)


@ANY
@given(pairs())
def test_nothing_differs_exactly_when_there_is_no_change(pair: tuple[PipelineSpec, PipelineSpec]) -> None:
    before, after = pair

    assert changes(before, before) == changes(after, after) == []
    found = changes(before, after)
    assert (found == []) == (before.to_yaml() == after.to_yaml())
    assert count_of(found) >= len(found)


def numbered(spec: PipelineSpec) -> dict[str, dict[str, Any]]:
    """Steps by name, later ones of a name by a number too."""
    steps: dict[str, dict[str, Any]] = {}
    for step in spec.to_dict().get("steps", []):
        key, at = step["name"], 2
        while key in steps:
            key, at = f"{step['name']} {at}", at + 1
        steps[key] = step
    return steps


def copied(paths: list[tuple[str, ...]], source: dict[str, Any], into: dict[str, Any]) -> None:
    """Give what stands at these paths its value in `source`, or take it away: first what goes, then what comes."""
    values = flat(source)
    for path in sorted(paths, key=lambda path: path in values):
        target = into
        for key in path[:-1]:
            inner = target.get(key)
            if not isinstance(inner, dict):
                inner = {}
            target[key] = target = dict(inner)
        if path in values:
            value: Any = source
            for key in path:
                value = value[key]
            target[path[-1]] = value
        else:
            target.pop(path[-1], None)


def flat(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if isinstance(value, dict) and value:
        return {leaf: one for key, inner in value.items() for leaf, one in flat(inner, (*path, key)).items()}
    return {path: repr(value)}


@ANY
@given(pairs())
def test_every_value_that_differs_is_told_once_and_no_other(pair: tuple[PipelineSpec, PipelineSpec]) -> None:
    before, after = pair
    old, new = numbered(before), numbered(after)
    found: list[Change] = changes(before, after)
    for change in found:
        paths = [path for difference in change.differences for path in difference.paths]
        assert len(paths) == len(set(paths))
        assert all(difference.words for difference in change.differences)
    if len({step.name for step in before.steps}) < len(before.steps) or len({step.name for step in after.steps}) < len(
        after.steps
    ):
        return
    by_step = {change.step: change for change in found if change.kind != "removed" and change.step}
    removed = {change.step for change in found if change.kind == "removed"}
    names = {change.before: change.step for change in by_step.values() if change.kind == "renamed"}
    assert removed == old.keys() - new.keys() - names.keys()
    for name, step in new.items():
        told = by_step.get(name)
        was = copy.deepcopy(old[(told and told.before) or name]) if told is None or told.kind != "added" else {}
        if "after" in was:
            was["after"] = [names.get(other, other) for other in was["after"]]
        wanted = {path for path in {*flat(was), *flat(step)} if flat(was).get(path) != flat(step).get(path)} - {()}
        assert wanted == ({path for difference in told.differences for path in difference.paths} if told else set())
        copied(sorted(wanted), step, was)
        assert flat(without_empty(was)) == flat(without_empty(step))


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner for key, one in value.items() if (inner := without_empty(one)) != {}}
    return value


def test_reading_the_examples_says_nothing_about_themselves() -> None:
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        assert changes(load_spec(path), load_spec(path)) == []
