"""The card says what is true, and nobody's text breaks it."""

from __future__ import annotations

import re

import yaml

from flows.card import Left, Reason, addressed, render_card, with_configs
from flows.engine.events import StepProgress
from flows.engine.options import RunOptions
from flows.engine.tally import Tally
from flows.parquet import Column
from flows.runs import RunReport
from flows.spec import PipelineSpec, RouterSpec, StepSpec

NASTY = "a|b `c` <script>alert(1)</script>\n# head\n```\n--- [x](javascript:y) @me \u202e"


def spec(**changes: object) -> PipelineSpec:
    steps = [
        StepSpec(name="load", use="LoadDataFromDicts"),
        StepSpec(name="answer", use="TextGeneration", after=["load"]),
        StepSpec(name="other", use="TextGeneration", after=["load"]),
        StepSpec(name="judge", use="UltraFeedback", after=["answer", "other"]),
        StepSpec(name="pairs", use="FormatTextGenerationDPO", after=["judge"]),
    ]
    routing = {"load": RouterSpec(use="sample_n_steps", params={"n": 1})}
    return PipelineSpec(name="demo", steps=steps, routing=routing).model_copy(update=changes)


USAGE = Tally(1200, 5000, 70000, known_cost=0.04275)


def report(**changes: object) -> RunReport:
    steps = {
        "load": StepProgress(made=1200),
        "answer": StepProgress(taken=1200, made=1190, failed=10, usage=USAGE),
    }
    models = {"answer": "gpt-4o-mini", "other": "recorded: llama"}
    full = RunReport(run_id="r", pipeline="demo", state="finished", steps=steps, models=models, rows={"default": 1190})
    return full.model_copy(update={"quarantined": 10, **changes})


def card(**changes: object) -> str:
    columns = {"default": [Column("instruction", "string", "Say hi"), Column("n", "int64")]}
    reasons = [Reason("answer", "bad-reply", "the reply is not JSON", 10)]
    return render_card(spec(), report(**changes), columns, reasons=reasons)


def test_artifacts_are_listed_with_what_their_steps_say_of_them() -> None:
    columns = {"default": [Column("n", "int64")]}
    plot = Left("judge", "Text Clusters", [f"{at}.png" for at in range(7)], {"type": "image", "clusters": {"a|b": 3}})
    odd = Left("load", NASTY[:40], [], {NASTY: NASTY})

    text = render_card(spec(), report(), columns, artifacts=[plot, odd])

    named = "`0.png`, `1.png`, `2.png`, `3.png`, `4.png`, 2 more"
    assert f'| `judge` | `Text Clusters` | {named} | type: image, clusters: {{"a\\|b": 3}} |' in text
    [line] = [line for line in text.splitlines() if line.startswith("| `load` | a")]
    assert "<script>" not in line
    assert "### Artifacts" not in card()


def test_the_head_is_what_the_hub_reads() -> None:
    head = yaml.safe_load(card().split("---\n")[1])

    assert head == {
        "size_categories": ["1K<n<10K"],
        "tags": ["synthetic", "distilflow", "rlaif", "dpo"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": "default/train-00000-of-00001.parquet"}],
            }
        ],
    }


def test_the_card_tells_how_the_rows_were_made() -> None:
    text = card()

    assert "| `answer` | `TextGeneration` | 1,200 | 1,190 | 10 | `gpt-4o-mini` |" in text
    assert "| `gpt-4o-mini` | `answer` | 1,200 | 5,000 | 70,000 | \\$0.0428 |" in text
    assert "| `answer` | `bad-reply` | 10 | the reply is not JSON |" in text
    assert "10 rows could not be processed" in text
    assert "*recorded*: the replies were read from a file" in text
    assert "[arXiv:2310.01377](https://arxiv.org/abs/2310.01377), for `UltraFeedback`" in text
    assert "distilflow run pipeline.yaml" in text
    assert "licen" not in text.lower()


def test_the_graph_shows_branches_and_routing() -> None:
    graph = card().split("```mermaid\n")[1].split("```")[0]

    assert 's0["load<br>LoadDataFromDicts"]' in graph
    assert 's0 -->|"sample_n_steps n=1"| s1' in graph
    assert "s1 --> s3" in graph
    assert "s2 --> s3" in graph


def test_a_rehearsal_is_never_passed_off_as_a_model() -> None:
    text = card(is_rehearsal=True, models={"answer": "rehearsal"})

    assert "> **⚠️ Rehearsal: made up, not by a model.**" in text
    assert "| **rehearsal: made up, not by a model** | `answer` |" in text
    assert "- rehearsal\n" in text
    assert "made-up" not in card()


def test_nobodys_text_breaks_the_card() -> None:
    steps = [StepSpec(name="load", use='x"]; click <b> ```')]
    columns = {"default": [Column(NASTY, "string", NASTY), Column("b", "image or file", {"bytes": b"123", "path": None})]}
    text = render_card(
        spec(description=NASTY, steps=steps, routing={}),
        report(models={"load": NASTY}),
        columns,
        reasons=[Reason(NASTY, NASTY, NASTY, 3)],
        notes=[NASTY],
    )

    assert "<script" not in text
    assert "\u202e" not in text
    assert "[x](" not in text
    fences = re.findall(r"^```\w*$", text, re.MULTILINE)
    assert fences == ["```mermaid", "```", "```python", "```", "```console", "```"]
    assert [line for line in text.splitlines() if line.startswith("# ")] == ["# demo"]
    for line in text.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 5, 7), line
    assert "(3 bytes)" in text
    assert 's0["load<br>x#34;#93;#59; click #60;b#62; #96;#96;#96;"]' in text


def test_a_card_says_where_it_lies() -> None:
    text = addressed(card(), "me/data")

    assert 'load_dataset("me/data")' in text
    assert "path/to/this/folder" not in text


def test_leaves_that_are_not_default_are_named() -> None:
    text = render_card(spec(), report(rows={"a": 1, "b": 2}), {"a": [], "b": []}, "me/data")

    assert 'load_dataset("me/data", "a")' in text


def test_a_part_is_called_a_part() -> None:
    assert "stopped early" in card(state="stopped")
    assert "first 1,000 rows of each source" in card(options=RunOptions(max_rows=1000))


def test_configurations_are_replaced_and_those_of_others_stay() -> None:
    old = "---\nlanguage: en\ndataset_info: {}\nconfigs:\n- config_name: default\n---\n# Mine\n\n---\nrest\n"
    entries = [{"config_name": "default", "data_files": []}]

    new = with_configs(old, entries, [{"config_name": "default"}, {"config_name": "kept"}, "junk"])

    assert yaml.safe_load(new.split("---\n")[1]) == {"language": "en", "configs": [*entries, {"config_name": "kept"}]}
    assert new.endswith("---\n# Mine\n\n---\nrest\n")
    assert with_configs("# No head\n", entries).endswith("---\n# No head\n")


def test_a_broken_head_is_replaced() -> None:
    assert "tags: [" not in with_configs("---\ntags: [\n---\nbody\n", [])
