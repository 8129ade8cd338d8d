from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from flows.pipeline import Pipeline
from steps.base import GeneratorStep, GlobalStep, Row, Step
from steps.components import BadParameters
from steps.decorators import step, task
from steps.llms.scripted_llm import ScriptedLLM
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
