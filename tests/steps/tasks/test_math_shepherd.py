"""Math-Shepherd: solutions in steps, and labels for the steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.pipeline import Pipeline
from steps.base import Row
from steps.components import BadParameters
from steps.errors import BadReply, MissingValue, RowError
from steps.llms.openai_llm import OpenAILLM
from steps.llms.scripted_llm import ScriptedLLM
from steps.sources.load_data_from_dicts import LoadDataFromDicts
from steps.tasks.math_shepherd_completer import MathShepherdCompleter
from steps.tasks.math_shepherd_generator import MathShepherdGenerator
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running

SOLVED = "Step 1: 3 + 4 = 7.\nStep 2: 7 - 2 = 5.\nThe answer is: 5"
LINES = SOLVED.split("\n")
PROBLEM: Row = {"instruction": "3 + 4 - 2?"}
WRONG = ["Step 1: 3 + 4 = 8.", "Step 2: 8 - 2 = 6.", "Step 3: So 6.", "The answer is: 6"]
ROW: Row = {**PROBLEM, "solutions": [WRONG], "golden_solution": LINES}
RIGHT_END, WRONG_END, NO_END = "Step 2: so 5. The answer is: 5.0", "Step 2: so 6. The answer is: 6", "Step 2: hm"


# ---- solving
def solved(*replies: str, **fields: Any) -> tuple[list[Row], ScriptedLLM]:
    llm = ScriptedLLM(replies=list(replies))
    return MathShepherdGenerator(llm=llm, **fields).process([PROBLEM]), llm


def test_a_golden_solution_is_a_list_of_steps_and_the_answer() -> None:
    assert solved(SOLVED)[0] == [{**PROBLEM, "golden_solution": LINES, "model_name": "scripted"}]


def test_several_solutions_are_samples_of_one_question() -> None:
    other = "Step 1: Guess. The answer is: 6"

    [row], llm = solved(SOLVED, other, M=2)

    assert row["solutions"] == [LINES, ["Step 1: Guess.", "The answer is: 6"]]
    assert [one.n for one in llm.requests] == [2]


def test_one_sample_is_a_list_too() -> None:
    assert solved(SOLVED, M=1)[0][0]["solutions"] == [LINES]


def test_each_generation_has_all_its_samples() -> None:
    rows, llm = solved(*[f"Step 1: x. The answer is: {at}" for at in range(4)], M=2, num_generations=2, add_raw_output=True)

    assert [[lines[-1][-1] for lines in row["solutions"]] for row in rows] == [["0", "1"], ["2", "3"]]
    assert rows[1]["distilflow_metadata"]["raw_output_math_shepherd_generator"] == llm.replies[2:]


@pytest.mark.parametrize(
    ("reply", "what"), [("The answer is: 5", "lacks steps"), (LINES[0], "lacks a last line 'The answer is:'"), ("", "lacks")]
)
def test_a_reply_that_is_no_solution_is_refused_with_its_text(reply: str, what: str) -> None:
    with pytest.raises(BadReply, match=what) as caught:
        MathShepherdGenerator().format_output(reply, PROBLEM)

    assert caught.value.reply == reply


def test_only_the_bad_sample_is_asked_for_again() -> None:
    [row], llm = solved(SOLVED, "hm", SOLVED, M=2)

    assert row["solutions"] == [LINES, LINES]
    assert [one.n for one in llm.requests] == [2, 1]


# ---- what the model is told
def test_rules_and_examples_stand_in_the_system_prompt() -> None:
    chat = MathShepherdGenerator(extra_rules="RULES", few_shots="SHOTS").format_input(PROBLEM)

    assert [message["role"] for message in chat] == ["system", "user"]
    assert chat[0]["content"].endswith("RULES\n\nSHOTS")
    assert "<problem>\n3 + 4 - 2?\n</problem>" in chat[1]["content"]


def test_the_form_is_asked_for_whatever_the_system_prompt_says() -> None:
    [user] = MathShepherdGenerator(system_prompt=None).format_input(PROBLEM)

    assert '"The answer is:"' in user["content"]


def test_a_system_prompt_of_distilabel_can_be_filled_in() -> None:
    prompt = "Tutor.\n{{ extra_rules }}{{ few_shots }}{{ structured_prompt }}"
    task = MathShepherdGenerator(system_prompt=prompt, extra_rules=None, few_shots=None)

    assert not list(task.check())
    assert task.format_input(PROBLEM)[0]["content"] == "Tutor."


@pytest.mark.parametrize(("prompt", "what"), [("{{ rules }}", "uses 'rules'"), ("{% if %}", "system_prompt: ")])
def test_a_system_prompt_that_cannot_be_filled_in_is_refused(prompt: str, what: str) -> None:
    assert what in str(list(MathShepherdCompleter(system_prompt=prompt).check()))


# ---- labels
def labelled(*replies: str, row: Row | None = None, **fields: Any) -> tuple[list[list[str]], ScriptedLLM]:
    llm = ScriptedLLM(replies=list(replies))
    [made] = MathShepherdCompleter(llm=llm, **fields).process([row or ROW])
    solutions: list[list[str]] = made["solutions"]
    return solutions, llm


def test_a_step_is_good_if_the_right_answer_can_be_reached_from_it() -> None:
    [solution], llm = labelled(RIGHT_END, WRONG_END)

    assert solution == ["Step 1: 3 + 4 = 8. +", "Step 2: 8 - 2 = 6. -", "Step 3: So 6. The answer is: 6 -"]
    assert ["Step 2: 8" in one.chat[-1]["content"] for one in llm.requests] == [False, True]
    assert not any("Step 3: So" in one.chat[-1]["content"] for one in llm.requests)


def test_one_completion_that_arrives_is_enough() -> None:
    [solution], llm = labelled(WRONG_END, NO_END, RIGHT_END, WRONG_END, WRONG_END, WRONG_END, N=3)

    assert [step[-1] for step in solution] == ["+", "-", "-"]
    assert [one.n for one in llm.requests] == [3, 3]


def test_the_last_step_is_labelled_by_the_answer_and_asks_nobody() -> None:
    row = {**ROW, "solutions": [["Step 1: So.", "The answer is: $5"], ["The answer is: 6"], ["Step 1: So?"], []]}

    solutions, llm = labelled(RIGHT_END, row=row)

    assert solutions == [["Step 1: So. The answer is: $5 +"], ["The answer is: 6 -"], ["Step 1: So? -"], []]
    assert llm.requests == []


def test_solutions_that_begin_alike_share_their_completions() -> None:
    other = [*WRONG[:2], "Step 3: Or 5.", "The answer is: 5"]

    solutions, llm = labelled(RIGHT_END, WRONG_END, row={**ROW, "solutions": [WRONG, other]})

    assert [[step[-1] for step in solution] for solution in solutions] == [["+", "-", "-"], ["+", "-", "+"]]
    assert len(llm.requests) == 2


def test_tags_may_be_others() -> None:
    [solution], _ = labelled(RIGHT_END, tags=["good", "bad"])

    assert [step.rpartition(" ")[2] for step in solution] == ["good", "good", "bad"]


@pytest.mark.parametrize("tags", [["+"], ["+", "+"], ["+", " "], ["+", "-", "?"]], ids=str)
def test_tags_are_two_and_different(tags: list[str]) -> None:
    with pytest.raises(BadParameters, match="tags"):
        MathShepherdCompleter(tags=tags)


def test_a_row_whose_completions_have_no_answers_is_marked() -> None:
    with pytest.raises(BadReply, match=r"none of 2 completions after 'Step 1: 3 \+ 4 = 8\.'") as caught:
        labelled(NO_END, N=2)

    assert caught.value.reply == NO_END


@pytest.mark.parametrize("golden", ["#### 5", "The answer is: 5", 5, ["5"]], ids=str)
def test_a_golden_solution_may_be_an_answer_alone(golden: Any) -> None:
    assert labelled(RIGHT_END, row={**ROW, "golden_solution": golden})[0][0][0].endswith("+")


def test_solutions_may_be_texts() -> None:
    [solution], _ = labelled(RIGHT_END, row={**ROW, "solutions": [SOLVED]})

    assert solution == ["Step 1: 3 + 4 = 7. +", "Step 2: 7 - 2 = 5. The answer is: 5 +"]


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"solutions": []}, RowError),
        ({"solutions": "Step 1"}, RowError),
        ({"solutions": [5]}, RowError),
        ({"solutions": [[None]]}, RowError),
        ({"golden_solution": []}, RowError),
        ({"golden_solution": "The answer is:"}, RowError),
        ({"golden_solution": ["hello", "\x0c"]}, RowError),
        ({"golden_solution": ["hello", "**\u2028**"]}, RowError),
        ({"golden_solution": None}, MissingValue),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_labelled_is_marked(broken: Row, error: type[RowError]) -> None:
    with pytest.raises(error, match="solution"):
        labelled(RIGHT_END, row={**ROW, **broken})


def test_the_row_is_left_as_it_was_and_generations_are_others() -> None:
    replies = [RIGHT_END, RIGHT_END, WRONG_END, WRONG_END]
    rows = MathShepherdCompleter(llm=ScriptedLLM(replies=replies), num_generations=2).process([ROW])

    assert [[step[-1] for step in row["solutions"][0]] for row in rows] == [["+", "+", "-"], ["-", "-", "-"]]
    assert ROW["solutions"] == [WRONG]


# ---- from problem to labels
def test_a_rehearsal_goes_from_problems_to_labels_of_both_kinds() -> None:
    golden = MathShepherdGenerator(name="golden").process([{"instruction": f"problem {at}"} for at in range(10)])
    rows = MathShepherdCompleter().process(MathShepherdGenerator(M=3).process(golden))

    assert {step[-1] for row in rows for solution in row["solutions"] for step in solution} == {"+", "-"}


def test_in_a_run_each_step_is_one_request_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    def reply(chat: list[dict[str, Any]], choice: int, model: str) -> str:
        return RIGHT_END if choice == 2 else WRONG_END

    def run(url: str, tags: list[str]) -> list[str]:
        llm = OpenAILLM(model="fake-model", base_url=f"{url}/v1")
        with Pipeline("shepherd") as pipeline:
            _ = LoadDataFromDicts(data=[ROW]) >> MathShepherdCompleter(name="label", llm=llm, N=3, tags=tags)
        found: list[str] = pipeline.run(run_id="r", runs_dir=tmp_path)["default"]["train"][0]["solutions"][0]
        return found

    fake = FakeOpenAI(Behaviour(reply=reply))
    with running(fake) as url:
        first, again = run(url, ["+", "-"]), run(url, ["good", "bad"])

    assert [step[-1] for step in first] == ["+", "+", "-"]
    assert [step.rpartition(" ")[2] for step in again] == ["good", "good", "bad"]
    assert fake.stats.requests == 2
