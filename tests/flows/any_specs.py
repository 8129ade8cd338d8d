"""Specs of any form, with texts that are easily read as something else."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from flows.spec import CanvasSpec, PipelineSpec, RouterSpec, StepSpec
from flows.spec.model import GroupSpec
from steps.base import StepResources

# texts that YAML of one version or another reads as something else
TRICKY = [
    *("no", "on", "Yes", "null", "~", "", " ", "true", "FALSE", "1", "-0", "012", "0o17", "0x1F", "1_000", "1e5", "1.5", ".5"),
    *(
        "1:30",
        "2024-01-01",
        "2024-01-01T10:00:00Z",
        ".inf",
        ".nan",
        "=",
        "<<",
        "*a",
        "&a",
        "!!int 1",
        "# no",
        "a: b",
        "- a",
        "?",
    ),
    *(
        "a #b",
        "'",
        '"',
        "{",
        "[",
        "|",
        ">",
        "%",
        "@",
        "`",
        "\t",
        "a\tb",
        "\tb",
        "a ",
        " a",
        "a\n",
        "\na",
        "a\n\n",
        "a\n b\n  c",
    ),
    *(" a\nb", "a \nb", "a\t\nb", "a\r\nb", "\x00", "\x07", "\x85", "a\x85b\nc", "\u2028", "a\u2029\nb", "\ufeff", "\x7f\n"),
    *(
        "😀",
        "é\nü",
        "---",
        "...",
        "---\na",
        "...\nb",
        "a\n...\nb",
        "x" * 5000,
        "word " * 100,
        "long\n" * 50,
        "a: b\n# c\n- d\n",
    ),
    *("\U0010ffff", "\n", "\n\n\n", "a\n\tb", "${NAME}", "1__0", "0b11", "+1", "1.", "1e-3", "0.", "-.inf", "NaN"),
]
text = st.sampled_from([tricky for tricky in TRICKY if len(tricky) < 200]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=30
)
number = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
leaf = st.none() | st.booleans() | number | text
value = st.recursive(leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12)
name = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,20}", fullmatch=True)
params = st.dictionaries(text, value, max_size=3)
mappings = st.dictionaries(text, text, max_size=2)
steps = st.builds(
    StepSpec,
    name=name,
    use=text,
    after=st.lists(text, max_size=3),
    params=params,
    input_mappings=mappings,
    output_mappings=mappings,
    pool=st.none() | text,
    batch_size=st.none() | st.integers(1, 10**6),
    resources=st.none() | st.builds(StepResources, replicas=st.integers(1, 9), gpus=st.none() | st.integers(0, 9)),
)
specs = st.builds(
    PipelineSpec,
    name=name,
    description=st.none() | text,
    steps=st.lists(steps.filter(lambda step: step.use), max_size=4),
    routing=st.dictionaries(text, st.builds(RouterSpec, use=text, params=params), max_size=2),
)


# specs whose parts fit together: links, routing and places name steps that exist
plain_name = st.sampled_from(["load", "a", "b-1", "2nd", "class", "print", "Pipeline", "KeepColumns", "llm", "None"])
use = st.sampled_from(
    [
        "LoadDataFromDicts",
        "KeepColumns",
        "TextGeneration",
        "Misspelt",
        "own.steps:Shout",
        "other.steps:Shout",
        "own:Outer.Inner",
    ]
)
odd_use = use | st.sampled_from(
    ["Pipeline", "OpenAILLM", "steps.tasks:TextGeneration", "flows:Pipeline", "os:environ", "no name"]
)
model = st.sampled_from(["OpenAILLM", "ReplayLLM", "own.models:Mine", "Unknown"])
odd_model = model | text | st.sampled_from(["KeepColumns", "steps.llms:Nothing"])


def own_params(model: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    key = st.just("${MY_KEY}")
    llm = st.fixed_dictionaries(
        {"use": model}, optional={"model": text, "api_key": key, "generation_kwargs": params, "odd key": value}
    )
    return st.fixed_dictionaries({}, optional={"llm": llm, "other": value, "columns": value, "class": leaf, "a b": leaf})


@st.composite
def wired_specs(draw: st.DrawFn, *, is_odd: bool = False) -> PipelineSpec:
    """Specs whose links and places name steps that exist, in any order, circles included.

    Odd ones may also have routing without a next step, names of classes that are something else, and parameters called `name`.
    """
    own = own_params(odd_model if is_odd else model)
    own_or_odd = st.dictionaries(st.sampled_from(["name", "pool"]), leaf, max_size=2) | own if is_odd else own
    names = draw(st.lists(plain_name | name, min_size=1, max_size=6, unique=True))
    any_of_them = st.lists(st.sampled_from(names), max_size=4, unique=True)
    made = [
        draw(
            st.builds(
                StepSpec,
                name=st.just(step),
                use=odd_use if is_odd else use,
                after=any_of_them,
                params=own_or_odd,
                input_mappings=mappings,
                pool=st.none() | st.just("gpu"),
                batch_size=st.none() | st.integers(1, 99),
                resources=st.none() | st.builds(StepResources, replicas=st.integers(1, 9)),
            )
        )
        for step in names
    ]
    routers = ["sample_n_steps", "own.routers:By_turns", "Mine", *(["KeepColumns"] if is_odd else [])]
    router = st.builds(RouterSpec, use=st.sampled_from(routers), params=own)
    followed = sorted({before for step in made for before in step.after})
    routed = names if is_odd else followed
    routing = draw(st.dictionaries(st.sampled_from(routed), router, max_size=2)) if routed else {}
    place = st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
    groups = st.dictionaries(name, st.builds(GroupSpec, steps=any_of_them, is_open=st.booleans()), max_size=2)
    canvas = draw(st.builds(CanvasSpec, positions=st.dictionaries(st.sampled_from(names), place, max_size=3), groups=groups))
    return PipelineSpec(name=draw(name), description=draw(st.none() | text), steps=made, routing=routing, canvas=canvas)
