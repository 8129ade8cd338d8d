from __future__ import annotations

import io

import orjson
import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.comparing import compare_versions
from flows.labelling.exporting import Segment, What, annotation_rows, export_bytes, label_rows
from flows.labelling.learning import learn_anew
from flows.labelling.onboarding import as_markdown, most_alike, onboarding_set
from flows.labelling.unsure import why_unsure
from flows.labelling.versions import UnknownVersion
from steps.errors import RunError
from steps.labels.questions import Question
from steps.labels.settling import Pull, Settlement
from tests.flows.labelling.crowds import crowd


def test_a_round_and_a_segment_are_exported_alone(project: LabelProject) -> None:
    project.add_rows([{"item": "q0", "annotator": "zoe", "label": "wrong", "round": 4}])

    later = list(annotation_rows(project, Segment(rounds=(4,))))
    assert [(row["annotator"], row["instruction"][:8]) for row in later] == [("zoe", "Question")]
    stars = list(annotation_rows(project, Segment(annotators=("ann-1",), column="topic", value="stars")))
    assert ({row["topic"] for row in stars}, {row["annotator"] for row in stars}, len(stars)) == ({"stars"}, {"ann-1"}, 20)
    assert [row["item"] for row in label_rows(project, Segment(rounds=(4,)))] == ["q0"]
    with pytest.raises(RunError, match="nothing was said"):
        export_bytes(project, "annotations", "jsonl", Segment(rounds=(9,)))


@pytest.mark.parametrize("what", ["annotations", "labels"])
def test_both_forms_hold_the_same_rows(project: LabelProject, what: What) -> None:
    lines = [orjson.loads(line) for line in export_bytes(project, what, "jsonl").splitlines()]
    table = pq.read_table(io.BytesIO(export_bytes(project, what, "parquet")))

    assert table.num_rows == len(lines) == (300 if what == "annotations" else 60)
    assert [row["item"] for row in lines] == table.column("item").to_pylist()
    assert [row["label"] for row in lines] == table.column("label").to_pylist()


def test_exported_annotations_make_the_same_project_again(projects: LabelProjects, project: LabelProject) -> None:
    project.answer("q3", "wrong", "zoe", "no root is right")
    rows = [orjson.loads(line) for line in export_bytes(project, "annotations", "jsonl").splitlines()]
    again = projects.create("again", project.about.question, rows)

    assert sorted(map(repr, again.said.annotations())) == sorted(map(repr, project.said.annotations()))
    assert again.said.gold() == project.said.gold()


def test_labels_keep_what_each_version_said_of_them(project: LabelProject) -> None:
    for at in range(20):
        project.answer(f"q{at}", "wrong", "zoe")
    learn_anew(project, measures=False)

    row = next(label_rows(project))
    assert [told["version"] for told in row["history"]] == [1, 2]
    assert row["strategy"]["version"] == 2
    assert row["annotation_ids"]
    assert row["explanation"]


def test_nothing_learned_is_told_in_words(projects: LabelProjects) -> None:
    with pytest.raises(RunError, match="has no strategy yet"):
        export_bytes(projects.create("bare", Question(), crowd(3)), "labels", "jsonl")


def test_the_onboarding_set_has_clear_instructive_and_chosen_items(project: LabelProject) -> None:
    project.set_example("q7", "Only the sign is off: partly.", "zoe")
    examples = onboarding_set(project)

    assert {example.why for example in examples} == {"chosen", "clear-cut", "instructive"}
    assert next(example for example in examples if example.why == "chosen").text == "Only the sign is off: partly."
    for example in examples:
        said = [one["label"] for one in project.said.annotations_of(example.item)]
        if example.why == "clear-cut":
            assert set(said) == {example.label}
        if example.why == "instructive":
            assert any(label != example.label for label in said)
    page = as_markdown(project, examples)
    assert page.startswith("# Is the answer correct?\n\nA right part counts as partly.\n")
    assert "Only the sign is off: partly." in page


def test_an_example_is_no_more_when_it_is_taken_back(project: LabelProject) -> None:
    project.set_example("q7", "Look at the sign.", "zoe")
    project.set_example("q7", None, "zoe")
    assert not any(example.why == "chosen" for example in onboarding_set(project))
    project.undo("zoe")
    assert any(example.why == "chosen" for example in onboarding_set(project))


def test_the_most_alike_share_rare_words(project: LabelProject) -> None:
    examples = onboarding_set(project)
    alike = most_alike(examples, {"instruction": "a question about bread"}, "q999")

    assert alike
    assert all("bread" in example.columns["instruction"] for example in alike)
    assert most_alike(examples, {"instruction": "zzz"}, "q999") == []


def test_two_versions_are_compared_item_by_item(project: LabelProject) -> None:
    first = project.strategy
    project.change(lambda about: about.model_copy(update={"strategy": "majority"}))
    learn_anew(project, measures=False)
    found = compare_versions(project, 1, 2)

    assert [one["name"] for one in found["versions"]] == [first.name if first else "", "majority"]
    assert found["changed"] == len(found["changes"])
    assert all(change["before"] != change["after"] for change in found["changes"])
    assert found["gold"] == len(project.said.gold())
    assert found["difference"]["accuracy"]["low"] <= found["difference"]["accuracy"]["value"]
    assert compare_versions(project, 1, 1)["changed"] == 0
    with pytest.raises(UnknownVersion, match="there are: v1, v2"):
        compare_versions(project, 1, 7)


def pulled(*pulls: tuple[str, str, float], label: str = "partly") -> Settlement:
    told = [Pull(name, name, said, pull) for name, said, pull in pulls]
    return Settlement("label", "q", label, 0.52, {"partly": 0.52, "wrong": 0.48}, told)


@pytest.mark.parametrize(
    ("settlement", "words"),
    [
        (pulled(("ann", "partly", 1.9)), "only ann answered (right: ann in 90% of cases)."),
        (pulled(("ann", "partly", 0.2), ("bob", "partly", 0.1)), "although all 2 agree: they are wrong often enough together"),
        (
            pulled(("ann", "wrong", 0.9), ("bob", "wrong", 0.8)),
            "because all 2 say wrong, and have said so of much that is partly (right: ann in 90% of cases).",
        ),
        (pulled(("ann", "partly", 0.2), ("bob", "wrong", -0.1)), "none of the 2 answers says much"),
        (
            pulled(("ann", "partly", 1.9), ("bob", "wrong", -1.4)),
            "ann says partly and bob says wrong, and both weigh about as much (right: ann in 90% of cases)",
        ),
        (
            pulled(("ann", "partly", 1.2), ("bob", "wrong", -2.1), ("cy", "partly", 1.1)),
            "because bob says wrong and ann and cy say partly, and both sides weigh about as much",
        ),
        (
            pulled(("ann", "partly", 3.0), ("bob", "wrong", -0.9), ("cy", "wrong", -0.9)),
            "because 2 answers stand against ann, who weighs most: ann says partly and bob and cy say wrong.",
        ),
        (
            pulled(("ann", "partly", 1.5), ("bob", "wrong", -0.9), ("cy", "partly", 1.2)),
            "because 1 of 3 answers speaks against partly, though with less weight: ann and cy say partly and bob says wrong.",
        ),
        (
            pulled(("ann", "wrong", -1.5), ("bob", "correct", -1.4)),
            "every answer speaks against partly, and no other label is more probable: ann says wrong and bob says correct.",
        ),
        (
            pulled(("ann", "wrong", -1.8), ("bob", "correct", -1.4), ("cy", "partly", 1.5)),
            "more speaks against partly than for it, but no other label is more probable: ann says wrong, cy says partly,",
        ),
        (pulled(("ann", "partly", 1.5), ("bob", "wrong", 0.1)), "because they differ: ann says partly and bob says wrong."),
    ],
)
def test_why_an_item_is_unsure_is_said_by_what_was_seen(settlement: Settlement, words: str) -> None:
    assert words in why_unsure(settlement, {"ann": 0.9})


def test_where_votes_are_counted_nobody_is_called_wrong() -> None:
    """A majority knows of nobody's errors: its items are unsure where answers are few, or differ."""
    agreed = pulled(("ann", "partly", 0.5), ("bob", "partly", 0.5))
    against = pulled(("ann", "partly", 0.33), ("bob", "partly", 0.33), ("cy", "wrong", -0.33))

    assert why_unsure(agreed, {"ann": 0.9}, by_shares=True) == "Unsure although all 2 agree: so few answers tell little."
    told = why_unsure(against, {"ann": 0.9}, by_shares=True)
    assert told == "Unsure because they differ: ann and bob say partly and cy says wrong."


HOSTILE = [
    "<script>alert(1)</script>",
    "<!-- hidden -->",
    "[click](javascript:alert(1))",
    "![](http://evil.example/pixel.png)",
    "# a heading\n\n- a list\n\n    code",
    "```\nout of the fence\n```\n<b>bold</b>",
    "~~~~\n````\n`````",
    "a | b\n--|--\n1 | 2",
    "title\n=====",
    "http://evil.example www.evil.example me@evil.example",
    "&lt;b&gt; &amp;amp;",
    "two  \nlines\\\nand \\* strokes",
    "1234. one",
    "12) one",
    "- one",
    "---",
    "1. one\n2) two\n+ three",
    "[ref]: http://evil.example",
    "> quoted\n***",
    "$x$ and `code` and *em* and __strong__ and ~~gone~~",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_data_holds_is_shown_in_the_page_as_it_is(projects: LabelProjects, text: str) -> None:
    """Wherever it stands: in a cell, a name of a column, an item, a label, an explanation, the guideline."""
    label = " ".join(text.split())
    rows = [
        {"item": f"{text} {at}", "annotator": f"{text} {by}", "label": label, "explanation": text, "text": text, f"{text} 2": 7}
        for at in range(2)
        for by in range(3)
    ]
    project = projects.create("hostile", Question(title=text, guideline=text), rows)
    learn_anew(project)
    page = as_markdown(project, onboarding_set(project))

    tree = MarkdownIt("gfm-like", {"linkify": False}).parse(page)
    seen = [token for one in tree for token in (one, *(one.children or []))]
    assert {token.type for token in seen} <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "text_special"),
        *("fence", "strong_open", "strong_close", "hardbreak"),
    }
    assert any(token.type == "fence" and token.content == f"{text}\n" for token in seen)
    shown = ["".join(child.content for child in token.children or []) for token in tree if token.type == "inline"]
    assert label in shown[0]
    assert any(f"{label}: {label} 0" in one for one in shown)
    assert any(f"{label} 0: {label}" in one for one in shown)
