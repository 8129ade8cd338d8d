"""A panel: who is asked what, what comes of it, and what a judge that fails costs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from steps.base import Row, rename_out
from steps.errors import AuthFailed, BadReply, LLMError, MissingKey, MissingValue, ServerFailed, TooFewAnswers
from steps.labels import JudgePanel
from steps.labels.annotations import COLUMNS, annotation_in
from steps.labels.judges import Judge, maker_of
from steps.llms.base import Completion, Request
from steps.llms.scripted_llm import ScriptedLLM

QUESTION = {"title": "Is the answer right?", "labels": ["right", "wrong"]}
ROW: Row = {"id": 7, "instruction": "2+2?", "generation": "4"}


def scripted(*replies: Any) -> ScriptedLLM:
    return ScriptedLLM(replies=[one if isinstance(one, str) else json.dumps(one) for one in replies])


def panel(*judges: Judge | dict[str, Any], **parameters: Any) -> JudgePanel:
    given: dict[str, Any] = {"question": QUESTION, "columns": ["instruction", "generation"], **parameters}
    return JudgePanel(judges=list(judges), **given)


def judge(name: str, *replies: Any, **more: Any) -> Judge:
    return Judge(name=name, llm=scripted(*(replies or [{"answer": "right"}])), **more)


def asked(of: Judge) -> str:
    """What a judge was asked last."""
    assert isinstance(of.llm, ScriptedLLM)
    chat = of.llm.requests[-1].chat
    return "\n".join(str(message["content"]) for message in chat)


class Refusing(ScriptedLLM):
    """Fails each time."""

    kind_of_error: type[LLMError] = ServerFailed

    async def complete(self, request: Request) -> Completion:
        raise self.kind_of_error("no luck", "try again later")


def test_each_answer_is_a_row_with_the_columns_of_an_annotation() -> None:
    ada, bob = judge("ada"), judge("bob", {"answer": "wrong"}, family="b")

    made = panel(ada, bob, item_column="id", round=2).process([ROW])

    assert [(row["annotator"], row["label"], row["item"], row["round"], row["kind"]) for row in made] == [
        ("ada", "right", "7", 2, "llm"),
        ("bob", "wrong", "7", 2, "llm"),
    ]
    assert [row["family"] for row in made] == ["scripted", "b"]
    assert all(set(row) == {*ROW, *COLUMNS, "model_name"} for row in made)
    assert len({row["annotation_id"] for row in made}) == 2
    assert annotation_in(made[0]).annotator == "ada"


@pytest.mark.parametrize("grouped", [False, True], ids=["rows", "grouped"])
def test_rows_keep_the_name_of_the_model_that_wrote_them(grouped: bool) -> None:
    written = {**ROW, "model_name": "the writer"}
    rows: list[Row] = [written, ROW, {**ROW, "model_name": None}]

    made = panel(judge("ada", *[{"answer": "right"}] * 3), group_generations=grouped).process(rows)

    assert [row["model_name"] for row in made] == ["the writer", "scripted", "scripted"]


def test_the_judges_model_can_have_a_column_of_its_own_beside_the_writers() -> None:
    step, written = panel(judge("ada"), output_mappings={"model_name": "judge_model"}), {**ROW, "model_name": "the writer"}

    [made] = step.process([written])
    row = rename_out(made, written, step)

    assert (row["model_name"], row["judge_model"]) == ("the writer", "scripted")


def test_grouped_they_are_a_list_in_one_row() -> None:
    step = panel(judge("ada"), judge("bob"), group_generations=True)

    [made] = step.process([ROW])

    assert [one["annotator"] for one in made["annotations"]] == ["ada", "bob"]
    assert set(made) == {*ROW, "annotations", "model_name"} == {*step.columns_after(list(ROW))}
    assert not step.may_change_rows()


def test_no_judge_sees_what_another_says_or_is_called() -> None:
    ada, bob = judge("ada"), judge("bob", {"answer": "wrong", "explanation": "The sum is off."}, prompt="Be strict.")

    panel(ada, bob, explains=False).process([ROW, ROW])

    for one in (ada, bob):
        assert not any(word in asked(one) for word in ("ada", "bob", "The sum is off"))


def test_a_judge_has_instructions_of_its_own_over_the_row() -> None:
    ada, bob = judge("ada"), judge("bob", prompt="The task was: {{ instruction }} Be strict.")

    panel(ada, bob).process([ROW])

    assert "The task was: 2+2? Be strict." in asked(bob)
    assert "Be strict" not in asked(ada)
    assert all("<generation>\n4\n</generation>" in asked(one) for one in (ada, bob))


def test_judges_without_a_model_ask_that_of_the_step() -> None:
    llm = scripted({"answer": "right"}, {"answer": "wrong"})

    made = panel({"name": "a"}, {"name": "b", "prompt": "Be strict."}, llm=llm).process([ROW])

    assert [row["label"] for row in made] == ["right", "wrong"]
    assert len(llm.requests) == 2


def test_a_template_answers_without_a_model_and_abstains_where_it_says_nothing() -> None:
    rule = {"name": "short", "template": "{% if generation|length < 3 %}right{% endif %}"}

    made = panel(rule, judge("ada")).process([ROW, {**ROW, "generation": "It is four."}])

    assert [(row["annotator"], row["kind"], row["model_name"]) for row in made] == [
        ("short", "template", ""),
        ("ada", "llm", "scripted"),
        ("ada", "llm", "scripted"),
    ]


def test_reasons_and_confidence_are_asked_for_where_they_are_wanted() -> None:
    reply = {"explanation": " It adds up. ", "answer": "right", "confidence": 0.9}
    ada = judge("ada", reply)

    [row] = panel(ada, explains=True, asks_confidence=True).process([ROW])

    assert (row["explanation"], row["confidence"]) == ("It adds up.", 0.9)
    assert asked(ada).index('"explanation"') < asked(ada).index('"answer"'), "the reason is given before the answer"
    with pytest.raises(BadReply, match="'confidence' is 3, not between 0 and 1"):
        panel(judge("bob", {**reply, "confidence": 3}), explains=True, asks_confidence=True, max_repairs=0).process([ROW])


@pytest.mark.parametrize(
    ("question", "reply", "label"),
    [
        ({"labels": ["Right", "wrong"]}, {"answer": " right"}, "Right"),
        ({"type": "multi_label", "labels": ["tone", "form"]}, {"answer": ["form", "TONE", "form"]}, ["form", "tone"]),
        ({"type": "multi_label", "labels": ["tone", "form"]}, {"answer": []}, []),
        ({"type": "rating", "labels": ["1", "2", "3"]}, {"answer": 3}, 3.0),
        ({"type": "ranking", "labels": ["a", "b", "c"]}, {"answer": ["c", "a", "b"]}, ["c", "a", "b"]),
        ({"type": "text"}, {"answer": "Fine."}, "Fine."),
        ({"labels": ["right", "wrong"]}, '```json\n{"answer": "wrong"}\n```', "wrong"),
    ],
)
def test_an_answer_has_the_form_of_its_question(question: dict[str, Any], reply: Any, label: Any) -> None:
    [row] = panel(judge("ada", reply), question=question).process([ROW])

    assert row["label"] == label


@pytest.mark.parametrize(
    ("question", "reply", "seen"),
    [
        ({"labels": ["right", "wrong"]}, {"answer": "maybe"}, "not 'maybe'"),
        ({"type": "multi_label", "labels": ["tone"]}, {"answer": ["tone", "form"]}, "not 'form'"),
        ({"type": "rating", "labels": ["1", "2"]}, {"answer": 1.5}, "ratings are 1, 2"),
        ({"type": "ranking", "labels": ["a", "b", "c"]}, {"answer": ["c", "a"]}, "leaves out 'b'"),
        ({"type": "spans", "labels": ["odd"]}, {"answer": [{"quote": "no such words", "label": "odd"}]}, "does not have the"),
        ({"type": "text"}, {"answer": " "}, "it is a text"),
        ({"labels": ["right", "wrong"]}, {"label": "right"}, "has no 'answer'"),
    ],
)
def test_an_answer_in_another_form_is_told_to_the_judge_who_corrects_it(
    question: dict[str, Any], reply: Any, seen: str
) -> None:
    ada = judge("ada", reply)

    with pytest.raises(BadReply) as caught:
        panel(ada, question=question).process([ROW])

    assert seen in str(caught.value)
    assert seen in asked(ada), "the model was shown what is wrong"
    assert caught.value.reply == json.dumps(reply)


def test_spans_are_quoted_and_found_in_the_first_column() -> None:
    text = "The cat sat. The  CAT ran, the dog too."
    quotes = [
        {"quote": "The cat", "label": "subject"},
        {"quote": "the cat ran", "label": "subject"},
        {"quote": "the dog", "label": "subject"},
        {"quote": ".", "label": "stop"},
        {"quote": ".", "label": "stop"},
    ]
    step = panel(
        judge("ada", {"answer": quotes}),
        question={"type": "spans", "labels": ["subject", "stop"]},
        columns=["generation", "instruction"],
    )

    [row] = step.process([{**ROW, "generation": text}])

    assert [(text[span["start"] : span["end"]], span["start"], span["label"]) for span in row["label"]] == [
        ("The cat", 0, "subject"),
        (".", 11, "stop"),
        ("The  CAT ran", 13, "subject"),
        ("the dog", 27, "subject"),
        (".", 38, "stop"),
    ]


@pytest.mark.parametrize(
    ("question", "template", "label"),
    [
        ({"type": "rating", "labels": ["1", "2"]}, "{{ 2 }}", 2.0),
        ({"type": "multi_label", "labels": ["tone"]}, '["tone"]', ["tone"]),
        ({"type": "ranking", "labels": ["a", "b"]}, '["b", "a"]', ["b", "a"]),
        ({"type": "spans", "labels": ["odd"]}, '[{"quote": {{ "+2"|tojson }}, "label": "odd"}]', [(1, 3)]),
        ({"type": "spans", "labels": ["odd"]}, '[{"start": 0, "end": 1, "label": "odd"}]', [(0, 1)]),
    ],
)
def test_the_text_of_a_template_is_an_answer_of_any_type(question: dict[str, Any], template: str, label: Any) -> None:
    [row] = panel({"name": "rule", "template": template}, question=question).process([ROW])

    found = row["label"]
    assert ([(one["start"], one["end"]) for one in found] if question["type"] == "spans" else found) == label


def test_a_judge_that_fails_is_left_out_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    step = panel(judge("ada"), Judge(name="bob", llm=Refusing(replies=["-"])), {"name": "rule", "template": "maybe"})

    with caplog.at_level(logging.WARNING):
        made = step.process([ROW, ROW, ROW])
        step.unload()

    assert [row["annotator"] for row in made] == ["ada"] * 3
    said = [record.message for record in caplog.records]
    assert [text for text in said if "bob" in text] == [
        "judge 'bob' is left out of a row: [server-failed] no luck",
        "judge 'bob' was left out of 3 rows: [server-failed]",
    ]
    assert "'rule' is left out of a row: [row-failed] the template makes 'maybe', no answer" in "\n".join(said)


def test_with_too_few_answers_the_row_fails_with_what_the_judges_failed_of() -> None:
    bob = Judge(name="bob", llm=Refusing(replies=["-"]))

    with pytest.raises(TooFewAnswers, match="1 judge of 2 answered, at least 2 should: 'bob': no luck") as caught:
        panel(judge("ada"), bob, min_judges=2).process([ROW])

    assert caught.value.fix == "try again later"


def test_when_all_abstain_the_row_fails_and_says_so() -> None:
    with pytest.raises(TooFewAnswers, match="0 judges of 1 answered, at least 1 should: the others abstain"):
        panel({"name": "rule", "template": "{{ '' }}"}).process([ROW])


def test_what_ends_a_run_is_not_left_out() -> None:
    bob = Judge(name="bob", llm=Refusing(replies=["-"], kind_of_error=AuthFailed))

    with pytest.raises(AuthFailed):
        panel(judge("ada"), bob).process([ROW])


def test_a_reply_under_way_is_waited_for_when_another_judge_meets_the_end_of_the_run() -> None:
    came: list[str] = []

    async def ask(request: Request) -> Completion:
        if request.model == "bob":
            raise AuthFailed("no key")
        await asyncio.sleep(0.05)
        came.append(request.model)
        return Completion(['{"answer": "right"}'], "m")

    with pytest.raises(AuthFailed):
        asyncio.run(panel(judge("bob"), judge("ada")).answer(ROW, ask))
    assert came == ["ada"]


def test_judges_are_asked_side_by_side() -> None:
    under_way = most = 0

    async def ask(request: Request) -> Completion:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return Completion(['{"answer": "right"}'], "m")

    made = asyncio.run(panel(*(judge(name) for name in "abcd")).answer(ROW, ask))

    assert (most, len(made)) == (4, 4)


def test_items_without_a_column_are_known_by_what_judges_are_shown() -> None:
    step = panel(judge("ada"))

    first, again, other = (row["item"] for row in step.process([ROW, {**ROW, "id": 8}, {**ROW, "generation": "5"}]))

    assert first == again != other


def test_a_row_with_nothing_to_judge_is_refused_before_anybody_is_asked() -> None:
    ada = judge("ada")

    with pytest.raises(MissingValue, match="hold blanks"):
        panel(ada).process([{**ROW, "instruction": " ", "generation": ""}])
    with pytest.raises(MissingKey, match="no 'why'"):
        panel(ada, {"name": "rule", "template": "{{ why }}"}).process([ROW])
    assert isinstance(ada.llm, ScriptedLLM)
    assert ada.llm.requests == []


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: panel({"name": "a"}, {"name": "a"}), "several judges are called 'a'"),
        (lambda: panel({"name": "a"}, min_judges=2), "`min_judges` is 2, of 1 judge"),
        (lambda: panel({"name": "a"}, question={"type": "rating"}), "names no `labels`: the ratings"),
        (lambda: panel({"name": "a"}, question={"type": "ranking", "labels": ["x"]}), "names no `labels`: the things to rank"),
        (lambda: panel({"name": "a"}, num_generations=2), "each judge answers once"),
        (lambda: panel({"name": "a", "template": "{{ x "}), "`template` of judge 'a'"),
        (lambda: panel({"name": "a", "prompt": "{{ x|oops }}"}), "there is no filter 'oops'"),
    ],
)
def test_parameters_that_do_not_go_together_are_told(make: Callable[[], JudgePanel], complaint: str) -> None:
    [told] = make().check()

    assert complaint in (told if isinstance(told, str) else told[0])


def test_a_judge_is_a_model_or_a_rule() -> None:
    with pytest.raises(ValueError, match="a judge with a `template` asks no model"):
        panel({"name": "a", "template": "right", "prompt": "Be strict."})


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("gpt-4o-mini", "gpt"),
        ("Qwen/Qwen3-8B", "qwen"),
        ("llama3.2", "llama"),
        ("hf/mistralai/Mistral-7B", "mistralai"),
        ("4o", "4o"),
    ],
)
def test_judges_of_one_maker_are_a_family(model: str, maker: str) -> None:
    assert maker_of(model) == maker


def test_one_model_under_several_names_is_one_model() -> None:
    step = panel({"name": "a"}, {"name": "b"}, judge("c"), {"name": "rule", "template": "right"})

    models = step.models()

    assert list(models) == ["a", "b", "c"]
    assert models["a"] is models["b"] is step.llm
    assert models["c"] is not step.llm
    assert not panel(judge("c")).makes_up, "the step's own model, which nobody asks, is the one that makes things up"
    assert step.makes_up


def test_rehearsed_judges_agree_more_than_by_chance_and_not_always() -> None:
    names = ["ada", "bob", "cleo", "dan", "eve"]
    rows = [{**ROW, "instruction": f"question {number}"} for number in range(150)]
    step = panel(*({"name": name} for name in names), question={"labels": ["a", "b", "c", "d"]}, asks_confidence=True)

    made = step.process(rows)

    by_item: dict[str, list[str]] = {}
    for row in made:
        by_item.setdefault(row["item"], []).append(row["label"])
    same = sum(labels[0] == labels[1] for labels in by_item.values()) / len(by_item)
    assert 0.35 < same < 0.9, "by chance it would be a quarter"
    assert step.process(rows) == made, "a rehearsal is the same each time"
    assert len({label for labels in by_item.values() for label in labels}) == 4


def test_a_panel_with_models_of_its_own_survives_being_written_down() -> None:
    llm = {"use": "OpenAILLM", "model": "gpt-4o-mini", "api_key": "${THE_KEY}"}
    step = panel({"name": "a", "llm": llm, "family": "f"}, {"name": "b", "prompt": "Be strict."})

    written = step.model_dump(mode="json")

    assert written["judges"][0]["llm"]["use"] == "OpenAILLM"
    assert written["judges"][0]["llm"]["api_key"] == "${THE_KEY}"
    assert JudgePanel.model_validate(written).model_dump(mode="json") == written
