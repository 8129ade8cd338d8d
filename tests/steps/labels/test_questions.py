"""Answers to questions of each type, as rows and files have them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from steps.errors import RowError
from steps.labels import ConsolidateLabels, LoadAnnotations
from steps.labels.questions import Question, QuestionType

SPANS = [{"start": 0, "end": 6, "label": "error"}]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("multi_label", ["toxic", "spam"]),
        ("multi_label", []),
        ("ranking", ["b", "a"]),
        ("spans", SPANS),
    ],
)
def test_a_list_may_be_a_text_that_holds_json(kind: QuestionType, answer: Any) -> None:
    assert Question(type=kind).read(json.dumps(answer)) == Question(type=kind).read(answer) == answer


def test_a_label_that_looks_like_json_is_a_label_where_the_question_has_it() -> None:
    assert Question(type="multi_label", labels=["[x]", "y"]).read("[x]") == ["[x]"]


def shown_in_the_docs() -> list[tuple[str, str]]:
    text = (Path(__file__).parents[3] / "docs" / "labels.md").read_text(encoding="utf-8")
    table = [line.split(" | ") for line in text.splitlines() if re.search(r"\| `\{type: ", line)]
    return [(row[1].strip("`"), label) for row in table for label in re.findall(r"`([\[{\"0-9][^`]*)`", row[2])]


def test_the_docs_show_each_type_with_answers_that_it_takes() -> None:
    shown = [(Question.model_validate(yaml.safe_load(question)), json.loads(label)) for question, label in shown_in_the_docs()]

    assert {question.type for question, _ in shown} == set(get_args(QuestionType))
    for question, label in shown:
        assert question.read(label) == (["b", "a"] if isinstance(label, dict) else label)


def test_one_label_of_several_needs_no_list() -> None:
    assert Question(type="multi_label").read("spam") == ["spam"]


@pytest.mark.parametrize(
    ("question", "answer", "why", "example"),
    [
        ({"type": "rating", "labels": ["1", "2"]}, "vier", "'vier' is no number", "such as 2"),
        ({"type": "rating"}, [4], "[4] is no number", "such as 4"),
        ({"type": "ranking", "labels": ["x", "y"]}, "x > y", "a ranking is a list", '["x", "y"] (in a cell of a CSV file too)'),
        ({"type": "ranking"}, {"better": "x"}, "has no 'worse'", '["b", "a"]'),
        ({"type": "multi_label", "labels": ["x", "y"]}, "['x']", "begins like JSON, and is none", '["x", "y"]'),
        ({"type": "multi_label", "labels": ["x", "y"]}, "x;y", "it has 'x', 'y', not 'x;y'", '["x", "y"]'),
        ({"type": "spans", "labels": ["z"]}, '["z"]', "'z' has no 'start'", '[{"start": 0, "end": 6, "label": "z"}]'),
        ({"type": "spans"}, 5, "spans are a list", '"label": "error"'),
        ({"labels": ["x"]}, "q", "it has 'x', not 'q'", "such as 'x'"),
    ],
)
def test_what_is_no_answer_is_told_in_words_with_an_example(
    question: dict[str, Any], answer: Any, why: str, example: str
) -> None:
    with pytest.raises(RowError) as told:
        Question(**question).read(answer)

    assert why in told.value.message
    assert example in told.value.fix


def test_lists_in_cells_of_a_file_are_settled_as_lists(tmp_path: Path) -> None:
    lines = ["item,annotator,label", '1,ann,"[""toxic"", ""spam""]"', '1,bob,"[""toxic""]"', "2,ann,[]"]
    (tmp_path / "said.csv").write_text("\n".join(lines))

    loaded = list(LoadAnnotations(data_files=str(tmp_path / "said.csv")).generate())
    settled = ConsolidateLabels(question=Question(type="multi_label"), strategy="majority").process(loaded)

    assert {row["item"]: row["label"] for row in settled} == {"1": ["spam", "toxic"], "2": []}
