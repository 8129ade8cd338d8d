from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows import Pipeline
from flows.plan import examine
from flows.spec import PipelineSpec, StepSpec, load_spec
from flows.spec.python import from_python, read_python, step_lines, to_python
from flows.spec.python.wires import chains
from steps.errors import PlanError, SpecError
from tests.flows.any_specs import specs, text, wired_specs
from tests.flows.test_pipeline import rich_pipeline

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
QUICKSTART = load_spec(ROOT / "examples" / "quickstart.yaml")


def run(code: str) -> PipelineSpec:
    """What the code makes when Python runs it."""
    names: dict[str, Any] = {"__name__": "not main"}
    exec(code, names)
    spec: PipelineSpec = names["pipeline"].spec
    return spec


def in_block(*lines: str, before: str = "") -> str:
    body = "\n".join(f"    {line}" for line in lines)
    head = "from flows import Pipeline\nfrom steps.sources import LoadDataFromDicts\nfrom steps.columns import KeepColumns"
    return f"{head}\n{before}\nwith Pipeline('p') as pipeline:\n{body}\n"


# ---- writing


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_code_of_an_example_makes_it_when_it_runs_and_is_read_back(path: Path) -> None:
    spec = load_spec(path)
    code = to_python(spec)

    assert run(code) == spec
    assert from_python(code) == spec
    assert max(map(len, code.splitlines())) <= 110


def test_the_written_quickstart_is_the_one_that_people_write() -> None:
    code = to_python(QUICKSTART)

    assert "    load >> [answer_1, answer_2, answer_3] >> group >> judge >> format_dpo >> keep\n" in code
    assert from_python((ROOT / "examples" / "quickstart.py").read_text()) == QUICKSTART


def test_all_that_python_pipelines_have_is_written_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")
    spec = rich_pipeline().spec

    assert from_python(to_python(spec)) == spec
    assert run(to_python(spec)) == spec


def test_places_on_the_canvas_are_written_as_a_statement_of_their_own() -> None:
    spec = QUICKSTART.model_copy(
        update={
            "canvas": PipelineSpec.model_validate(
                {
                    "canvas": {
                        "positions": {"load": [0, -40]},
                        "groups": {"answers": {"steps": ["answer_1", "answer_2"], "is_open": True}},
                    }
                }
            ).canvas
        }
    )
    code = to_python(spec)

    assert "\npipeline.draw(\n" in code or "\npipeline.draw(positions=" in code
    assert run(code) == from_python(code) == spec
    with pytest.raises(PlanError, match="positions"):
        Pipeline().draw(positions={"load": "left"})  # type: ignore[dict-item]


def test_behind_a_router_to_one_step_the_ways_part_in_a_statement_of_their_own() -> None:
    step = {"use": "KeepColumns"}
    spec = PipelineSpec.model_validate(
        {
            "name": "p",
            "steps": [
                {"name": "load", "use": "LoadDataFromDicts"},
                {"name": "only", "after": ["load"], **step},
                {"name": "left", "after": ["only"], **step},
                {"name": "right", "after": ["only"], **step},
            ],
            "routing": {"load": {"use": "sample_n_steps", "with": {"n": 1}}},
        }
    )
    code = to_python(spec)

    assert "    load >> sample_n_steps(n=1) >> [only]\n    only >> [left, right]\n" in code
    assert from_python(code) == spec


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(wired_specs())
def test_any_pipeline_of_steps_and_links_is_written_with_them_and_read_back_exactly(spec: PipelineSpec) -> None:
    code = to_python(spec)

    assert not code.startswith("# As data")
    assert from_python(code) == spec


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(wired_specs(is_odd=True))
def test_any_pipeline_with_odd_parts_is_read_back_exactly(spec: PipelineSpec) -> None:
    assert from_python(to_python(spec)) == spec


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(specs)
def test_any_spec_is_read_back_exactly_as_data_where_steps_cannot_say_it(spec: PipelineSpec) -> None:
    code = to_python(spec)

    assert from_python(code) == spec
    if code.startswith("# As data"):
        assert run(code) == spec


@given(text)
@example('"')
@example("'\"\\'")
@example("a\nb\r\n\u2028")
def test_any_text_is_written_so_that_python_reads_the_same(value: str) -> None:
    code = to_python(PipelineSpec(steps=[StepSpec(name="a", use="KeepColumns", params={"columns": [value], "x": value})]))
    [call] = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "KeepColumns"
    ]

    assert {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords} == {
        "name": "a",
        "columns": [value],
        "x": value,
    }


@given(st.lists(st.lists(st.integers(0, 7), max_size=5, unique=True), max_size=8), st.sets(st.integers(0, 7)))
def test_chains_connect_each_step_to_those_before_it_in_their_order(links: list[list[int]], routed: set[int]) -> None:
    after = {str(at): [str(other) for other in before if other < len(links)] for at, before in enumerate(links)}
    made: dict[str, list[str]] = {step: [] for step in after}
    for chain in chains(after, set(map(str, routed))):
        for sources, targets in zip(chain.stages, chain.stages[1:], strict=False):
            assert len(sources) == 1 or len(targets) == 1
            for target in targets:
                made[target] += sources

    assert made == after


def test_a_long_chain_is_written_in_pieces_that_python_can_read() -> None:
    steps = [StepSpec(name=f"s{at}", use="KeepColumns", after=[f"s{at - 1}"] if at else []) for at in range(2000)]

    assert from_python(to_python(PipelineSpec(steps=steps))).steps == steps


# ---- reading


LOOPS = """
from flows import Pipeline
from steps.columns import GroupColumns, KeepColumns
from steps.llms import OpenAILLM as Chat
from steps.routers import sample_n_steps
from steps.sources import LoadDataFromDicts
from steps.tasks import TextGeneration
import os

MODELS = ["small", "large"]
KEY = os.environ["MY_KEY"]
shared = dict(temperature=0.5)

with Pipeline(name="loops") as pipeline:
    load = LoadDataFromDicts(data=[{"instruction": f"number {n}"} for n in range(2)] + [{"instruction": "x"}])
    answers = []
    for at, model in enumerate(MODELS):
        llm = Chat(model=model, api_key=KEY, generation_kwargs={**shared, "seed": -1})
        answers.append(TextGeneration(name=f"answer_{at}", llm=llm))
    group = GroupColumns(columns=["generation"])
    load >> sample_n_steps(1) >> answers >> group >> KeepColumns(columns=["generation"], input_batch_size=7)

distiset = pipeline.run()
"""


def test_loops_names_and_variables_of_the_environment_are_read_as_python_would_run_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "${MY_KEY}")

    read = from_python(LOOPS)

    assert read == run(LOOPS.replace("distiset = pipeline.run()", ""))
    assert read.step("answer_1").params["llm"] == {
        "use": "OpenAILLM",
        "model": "large",
        "api_key": "${MY_KEY}",
        "generation_kwargs": {"temperature": 0.5, "seed": -1},
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("load = LoadDataFromDicts(data=open('/etc/passwd').read())", "attributes are not read|this call is not read"),
        ("load = LoadDataFromDicts(data=__import__('os').listdir())", "not read"),
        ("load = LoadDataFromDicts(data=[x for x in range(9) if x])", "conditions are not read"),
        ("load = LoadDataFromDicts(lambda: 1)", "this kind of expression is not read"),
        ("load = LoadDataFromDicts([1])", "a step takes its parameters by name"),
        ("lod = 1; load >> 2", "there is no 'load' above"),
        ("1 >> 2", "`>>` connects steps"),
        ("while True: pass", "this kind of statement is not read"),
        ("def f(): pass", "functions and classes are not read"),
        ("import subprocess", "whole modules are not read"),
        ("from os import *", "an import of everything is not read"),
        ("a = [1][2]", "there is no such item"),
        ("a = 1 + 'x'", "this cannot be added"),
        ("a, b = [1]", "not as many values as names"),
        ("a = 2 ** 99", "this kind of expression is not read"),
        ("pipeline.add(1)", "this method is not read"),
        ("load = LoadDataFromDicts(data=[]); load >> load.x", "attributes are not read"),
        ("x = range(10 ** 9)", "this kind of expression is not read"),
        ("x = range(1000000000)", "this call does not work"),
    ],
)
def test_what_is_not_read_is_told_with_its_line_what_was_seen_and_what_to_do(line: str, said: str) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        from_python(in_block(line))

    assert "(line 6, column " in caught.value.message
    assert caught.value.fix


def test_a_line_that_is_no_python_is_named() -> None:
    with pytest.raises(SpecError, match=r"this is not Python: .* \(line 6, column \d+\)"):
        read_python(in_block("load = = 1"))


def test_code_without_a_pipeline_is_told_how_to_write_one() -> None:
    for code in ("", "x = 1", "name: quickstart\nsteps: []"):
        with pytest.raises(SpecError):
            read_python(code)


def test_a_step_made_outside_the_block_is_refused() -> None:
    with pytest.raises(SpecError, match="made outside"):
        from_python(in_block("load >> KeepColumns(columns=['a'])", before="load = LoadDataFromDicts(data=[])"))


def test_nothing_is_imported_and_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "harmful_steps.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Shout: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    spec = from_python(in_block("Shout(loud=True)", before="from harmful_steps import Shout"))

    assert spec.steps == [StepSpec(name="shout_0", use="harmful_steps:Shout", params={"loud": True})]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "(" * 5000 + ")" * 5000,
        "x = " + "-" * 50_000 + "1",
        "x" + ".a" * 50_000,
        "x = " + "1+" * 50_000 + "1",
        "\0",
        "x = 'a'\n" + "x = x + x\n" * 60 + in_block("KeepColumns(columns=[x])"),
        "x = [1]\n" + "x = x + x\n" * 60 + in_block("KeepColumns(columns=x)"),
        "x = [1]\n" + "x = [x, x]\n" * 40 + in_block("KeepColumns(columns=x)"),
        "x = [y for a in range(9999) for b in range(9999) for y in range(9999)]",
        "".join(f"x{at} = enumerate(range(400_000))\n" for at in range(99)),
        "t = 'a' * 1\n",
        "t = 'aaaaaaaaaa'\n" + "t = t + t\n" * 19 + "".join(f"x{at} = t + t\n" for at in range(999)),
        "t = [1, 2]\n" + "t = [*t, *t]\n" * 16 + "".join(f"x{at} = t + t\n" for at in range(999)),
        "x = {}\nx['a'] = x",
        "x = []\nx.append(x)\n" + in_block("KeepColumns(columns=x)"),
    ],
    ids=[
        "brackets",
        "signs",
        "dots",
        "sums",
        "nul",
        "texts",
        "lists",
        "shared",
        "loops",
        "pairs",
        "times",
        "long texts",
        "stars",
        "item",
        "itself",
    ],
)
def test_hostile_code_is_refused_in_words(code: str) -> None:
    with pytest.raises((SpecError, PlanError)):
        from_python(code)


def test_a_misspelt_step_is_left_to_the_plan_as_in_yaml() -> None:
    spec, problems = read_python(in_block("load = LoadDataFromDict(data=[])"))

    assert problems == []
    assert [problem.code for problem in examine(spec)[1]] == ["unknown-step"]
    assert from_python(to_python(spec)) == spec


def test_the_lines_of_each_step_are_known() -> None:
    code = to_python(QUICKSTART)
    lines = code.splitlines()

    found = step_lines(code)

    assert [name for name, _, _ in found] == QUICKSTART.names()
    for name, first, last in found:
        assert lines[first - 1].startswith(f"    {name} = ")
        assert lines[last - 1].endswith(")")
