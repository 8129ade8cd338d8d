from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from flows.pipeline import Pipeline
from steps.base import GeneratorStep, GlobalStep, Row, Step
from steps.components import BadParameters
from steps.decorators import step, task
from steps.errors import BadReply
from steps.llms.scripted_llm import ScriptedLLM
from steps.sources import LoadDataFromDicts
from steps.tasks.base import Task
from tests.steps.own_functions import JudgeMood, KeepLong, MeasureText, RankByLength, Repeat, WriteTexts


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")


def test_a_function_is_a_step_of_its_kind_with_its_parameters() -> None:
    assert MeasureText(least=3).least == 3
    assert issubclass(MeasureText, Step)
    assert issubclass(RankByLength, GlobalStep)
    assert issubclass(WriteTexts, GeneratorStep)
    assert issubclass(JudgeMood, Task)
    assert (MeasureText.__name__, MeasureText.summary()) == ("MeasureText", "Counts the characters of a text.")
    assert (MeasureText().needs(), MeasureText().makes()) == (["text"], ["length"])
    with pytest.raises(BadParameters, match="least"):
        KeepLong()


def test_rows_are_the_functions_own_to_change() -> None:
    row: Row = {"text": "hi", "tags": []}

    assert MeasureText(least=3).process([row]) == [{"text": "hi", "tags": ["measured"], "length": 3}]
    assert row == {"text": "hi", "tags": []}


@step(inputs={"text": True, "title": False}, outputs=["rank"], step_type="global")
def RankInPlace(rows: list[Row]) -> Iterator[list[Row]]:
    for rank, row in enumerate(rows[::-1]):
        row["rank"] = rank
    yield rows


def test_all_rows_are_a_list_that_the_function_may_change_and_yield_whole(tmp_path: Path) -> None:
    with Pipeline("ranked") as pipeline:
        _ = LoadDataFromDicts(data=[{"text": "a"}, {"text": "b"}]) >> RankInPlace()

    rows = list(pipeline.run(runs_dir=tmp_path)["default"]["train"])

    assert rows == [{"text": "a", "rank": 1}, {"text": "b", "rank": 0}]
    assert (RankInPlace.inputs, RankInPlace.optional_inputs) == (("text",), ("title",))


def test_one_text_is_no_list_of_columns() -> None:
    with pytest.raises(ValueError, match=r"inputs='text' is one text; write a list: inputs=\['text'\]"):
        step(inputs="text")
    with pytest.raises(ValueError, match="outputs='said' is one text"):
        task(outputs="said")


def test_functions_work_in_a_pipeline_and_its_file_names_them(tmp_path: Path) -> None:
    with Pipeline("functions") as pipeline:
        _ = WriteTexts() >> MeasureText() >> KeepLong(least=1) >> RankByLength() >> JudgeMood()
    pipeline.save(tmp_path / "p.yaml")

    rows = list(Pipeline.from_file(tmp_path / "p.yaml").run(runs_dir=tmp_path / "runs")["default"]["train"])

    assert "use: tests.steps.own_functions:MeasureText" in (tmp_path / "p.yaml").read_text()
    assert [(row["text"], row["length"], row["rank"]) for row in rows] == [("xxx", 3, 1), ("xx", 2, 2), ("x", 1, 3)]
    assert {row["model_name"] for row in rows} == {"rehearsal"}
    assert all(isinstance(row["is_positive"], bool) for row in rows)


def test_a_task_asks_with_the_prompts_of_the_docstring() -> None:
    llm = ScriptedLLM(replies=["Yes!"])

    [row] = JudgeMood(llm=llm).process([{"text": "Sun {x}"}])

    assert JudgeMood().format_input({"text": "Sun {x}"}) == [
        {"role": "system", "content": "You read moods."},
        {"role": "user", "content": "Is this in good spirits, yes or no?\nSun {x}"},
    ]
    assert row["is_positive"] is True
    assert JudgeMood.summary() == "Asks whether a text is in good spirits."
    assert "(rehearsal)" in Repeat().rehearse({"text": "x"}, Random(0))


def test_a_task_whose_function_returns_no_columns_says_so() -> None:
    @task(inputs=["text"], outputs=["said"])
    def Broken(reply: str, row: Row) -> dict[str, str]:
        """Asks.
        ---
        user_message_template: "{text}"
        ---
        """
        return reply  # type: ignore[return-value]

    with pytest.raises(Exception, match="Broken returned str"):
        Broken().process([{"text": "x"}])


@task(inputs=["text"], outputs=["rating"], rehearse=lambda row, rng: str(rng.randint(1, 5)))
def Rate(reply: str, row: Row) -> Row:
    """Asks for a number.
    ---
    user_message_template: "{text}"
    ---
    """
    return {"rating": int(reply)}


@pytest.mark.parametrize("bad", ["four", ""], ids=["a-word", "nothing"])
def test_a_reply_that_the_function_cannot_read_is_asked_for_again(bad: str) -> None:
    llm = ScriptedLLM(replies=[bad, "4"])

    [row] = Rate(llm=llm).process([{"text": "x"}])

    assert (row["rating"], len(llm.requests)) == (4, 2)
    assert "cannot be read: ValueError: invalid literal for int()" in llm.requests[1].chat[-1]["content"]


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda reply, row: {"said": json.loads(reply)["score"]}, "KeyError: 'score'"),
        (lambda reply, row: {"said": re.search("Score: (.)", reply).group(1)}, "AttributeError: 'NoneType'"),  # type: ignore[union-attr]
        (lambda reply, row: {"said": reply.split(";")[1]}, "IndexError: list index out of range"),
        (lambda reply, row: {"said": json.loads(reply) + 1}, "TypeError: "),
    ],
    ids=["key", "no-match", "index", "type"],
)
def test_a_reply_that_stays_unread_is_a_bad_reply_that_shows_its_beginning(read: Callable[[str, Row], Row], said: str) -> None:
    read.__doc__ = "---\nuser_message_template: '{text}'\n---"
    read.__name__ = "Asks"
    made = task(inputs=["text"], outputs=["said"])(read)
    llm = ScriptedLLM(replies=['{"grade": 4}'])

    with pytest.raises(BadReply) as caught:
        made(llm=llm).process([{"text": "x"}])

    assert said in caught.value.message
    assert """begins '{"grade": 4}'""" in caught.value.message
    assert "mend the code that reads it (test_decorators.py, line" in caught.value.fix
    assert caught.value.reply == '{"grade": 4}'


def test_a_rehearsal_that_cannot_be_read_names_rehearse() -> None:
    @task(inputs=["text"], outputs=["rating"])
    def RateUnrehearsed(reply: str, row: Row) -> Row:
        """Asks for a number.
        ---
        user_message_template: "{text}"
        ---
        """
        return {"rating": int(reply)}

    with pytest.raises(BadReply, match="begins '\\(rehearsal\\)") as caught:
        RateUnrehearsed().process([{"text": "x"}])

    assert "@task(..., rehearse=...)" in caught.value.fix
    assert Rate().process([{"text": "x"}])[0]["rating"] in range(1, 6)


def test_a_class_whose_rehearsal_cannot_be_read_is_told_so_too() -> None:
    class RateByClass(Task):
        inputs = ("text",)
        outputs = ("rating",)
        prompt = "{text}"

        def format_output(self, text: str, row: Row) -> Row:
            return {"rating": int(text)}

    with pytest.raises(BadReply) as caught:
        RateByClass().process([{"text": "x"}])

    assert caught.value.fix == "let `rehearse` of its class make up a reply that can be read"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: step()(lambda: []), "is called with the rows"),
        (lambda: task(inputs=["text"])(_one_argument), "_one_argument is called with a reply and the row"),
    ],
)
def test_a_function_that_takes_too_little_is_refused_as_it_is_made(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def _one_argument(reply: str) -> Row:
    """---
    user_message_template: "{text}"
    ---"""
    return {}


@pytest.mark.parametrize(
    ("doc", "said"),
    [
        (None, "no `user_message_template`"),
        ("Asks.", "no `user_message_template`"),
        ("Asks.\n---\n- a\n---", "no `user_message_template`"),
        ("Asks.\n---\nuser_message_template: [\n---", "are no YAML"),
        ("Asks.\n---\nuser_message_template: hi\nuser: hi\n---", "has user; it may have"),
        ("Asks.\n---\nuser_message_template: '{text} {label}'\n---", "takes label, which its inputs do not name"),
    ],
)
def test_a_task_without_usable_prompts_is_refused_as_it_is_made(doc: str | None, said: str) -> None:
    def Asks(reply: str, row: Row) -> Row:
        return {}

    Asks.__doc__ = doc

    with pytest.raises(ValueError, match=said):
        task(inputs=["text"])(Asks)


def test_an_unknown_type_of_step_is_refused() -> None:
    with pytest.raises(ValueError, match="step_type is 'weird'; it is one of normal, global, generator"):
        step(step_type="weird")  # type: ignore[arg-type]
