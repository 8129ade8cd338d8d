from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field, PrivateAttr

from steps.base import Row
from steps.errors import BadReply, ContextTooLong, LLMError, ServerFailed
from steps.llms.base import LLM, Ask, Completion, Request
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.base import Task
from steps.tasks.prometheus_eval import PrometheusEval
from steps.tasks.repairs import SHOWN_CHARS
from steps.tasks.text_generation import TextGeneration

GOOD = '{"rating": 4}'
BETTER = '{"rating": 5}'
BAD = '{"rating": 9}'
WORSE = "four, I think"
ROW = {"instruction": "Say hi", "generation": "hi"}


class Rating(BaseModel):
    rating: int = Field(ge=1, le=5)


class Rate(Task):
    """Rates."""

    inputs = ("instruction",)
    prompt: ClassVar[str] = "Rate: {instruction}"
    Answer = Rating


class TellingLLM(LLM):
    """Replies as a script of (text, finish reason, model name) says; an error in it is raised."""

    script: list[Any]
    _asked: list[Request] = PrivateAttr(default_factory=list)

    async def complete(self, request: Request) -> Completion:
        replies: list[Any] = []
        for _ in range(request.n):
            replies.append(self.script[min(len(self._asked) + len(replies), len(self.script) - 1)])
        self._asked.append(request)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        texts, reasons, names = zip(*replies, strict=True)
        return Completion(list(texts), names[0], finish_reasons=list(reasons))


def rate(*replies: str, row: Row = ROW, **fields: Any) -> tuple[list[Row], list[Request]]:
    llm = ScriptedLLM(replies=list(replies))
    return Rate(llm=llm, **fields).process([row]), llm.requests


def refused(task: Task) -> BadReply:
    with pytest.raises(BadReply) as caught:
        task.process([ROW])
    return caught.value


def test_a_reply_that_can_be_read_is_asked_for_once() -> None:
    rows, requests = rate(GOOD)

    assert (rows[0]["rating"], len(requests)) == (4, 1)


def test_the_model_is_shown_its_reply_and_what_is_wrong_with_it() -> None:
    rows, [first, repair] = rate(BAD, GOOD)

    assert rows[0]["rating"] == 4
    *before, said, complaint = repair.chat
    assert before == first.chat
    assert said == {"role": "assistant", "content": BAD}
    assert complaint["role"] == "user"
    assert "rating: Input should be less than or equal to 5" in complaint["content"]
    assert "corrected JSON" in complaint["content"]


@pytest.mark.parametrize(("most", "asked"), [(0, 1), (1, 2), (2, 3)])
def test_a_reply_that_stays_invalid_is_asked_for_so_often_and_no_more(most: int, asked: int) -> None:
    llm = ScriptedLLM(replies=[BAD, WORSE, '{"rating": 8}', GOOD])

    error = refused(Rate(llm=llm, max_repairs=most))

    assert (len(llm.requests), error.attempts) == (asked, asked)
    assert error.reply == llm.replies[asked - 1]


def test_the_last_repair_shows_the_last_reply_alone() -> None:
    _, [first, _, last] = rate(BAD, WORSE, GOOD, max_repairs=2)

    assert [message["content"] for message in last.chat[:-1]] == [first.chat[0]["content"], WORSE]


def test_a_model_that_repeats_itself_is_not_asked_again() -> None:
    llm = ScriptedLLM(replies=[BAD])

    error = refused(Rate(llm=llm, max_repairs=5))

    assert (len(llm.requests), error.attempts) == (2, 2)


def test_only_the_generation_that_is_bad_is_repaired() -> None:
    rows, requests = rate(GOOD, BAD, BETTER, '{"rating": 1}', num_generations=3, add_raw_output=True)

    assert [row["rating"] for row in rows] == [4, 1, 5]
    assert [request.n for request in requests] == [3, 1]
    assert [row["distilflow_metadata"]["raw_output_rate"] for row in rows] == [GOOD, '{"rating": 1}', BETTER]


def test_grouped_generations_are_repaired_too() -> None:
    [row], _ = rate(GOOD, BAD, BETTER, num_generations=2, group_generations=True, add_raw_output=True)

    assert row["rating"] == [4, 5]
    assert row["distilflow_metadata"]["raw_output_rate"] == [GOOD, BETTER]


def test_the_row_says_which_model_wrote_the_reply_that_was_used() -> None:
    llm = TellingLLM(script=[(BAD, "stop", "small"), (GOOD, "stop", "large")])

    [row] = Rate(llm=llm).process([ROW])

    assert row["model_name"] == "large"


@pytest.mark.parametrize("text", ['{"rating": 1', "", "I think"])
def test_a_reply_that_was_cut_is_not_asked_for_again(text: str) -> None:
    llm = TellingLLM(script=[(text, "length", "m"), (GOOD, "stop", "m")])

    error = refused(Rate(llm=llm))

    assert len(llm._asked) == 1
    assert "finish_reason 'length'" in error.message
    assert "max_new_tokens" in error.fix
    assert (error.reply, error.attempts) == (text, 1)


def test_no_repair_is_paid_for_when_another_reply_of_the_row_was_cut() -> None:
    llm = TellingLLM(script=[(BAD, "stop", "m"), ('{"rating"', "length", "m"), (GOOD, "stop", "m")])

    assert "max_new_tokens" in refused(Rate(llm=llm, num_generations=2)).fix
    assert len(llm._asked) == 1


def test_a_reply_that_is_whole_is_used_though_what_follows_was_cut() -> None:
    llm = TellingLLM(script=[(f"{GOOD}\nLet me expl", "length", "m")])

    assert Rate(llm=llm).process([ROW])[0]["rating"] == 4


def test_a_repair_that_was_cut_is_the_last() -> None:
    llm = TellingLLM(script=[(BAD, "stop", "m"), ('{"rating"', "length", "m"), (GOOD, "stop", "m")])

    assert refused(Rate(llm=llm, max_repairs=3)).attempts == 2
    assert len(llm._asked) == 2


def test_a_reply_that_a_filter_cut_is_not_asked_for_again() -> None:
    llm = TellingLLM(script=[("I", "content_filter", "m"), (GOOD, "stop", "m")])

    assert "content filter" in refused(Rate(llm=llm)).message
    assert len(llm._asked) == 1


def test_a_repair_that_does_not_fit_into_the_context_leaves_the_reason_as_it_was() -> None:
    error = refused(Rate(llm=TellingLLM(script=[(BAD, "stop", "m"), ContextTooLong("too long")])))

    assert (error.reply, error.attempts) == (BAD, 1)
    assert "less than or equal to 5" in error.message


def test_a_server_that_fails_during_a_repair_is_a_failure_of_the_server() -> None:
    with pytest.raises(LLMError, match="500"):
        Rate(llm=TellingLLM(script=[(BAD, "stop", "m"), ServerFailed("500")])).process([ROW])


def test_a_long_reply_is_shown_in_part_and_thoughts_are_not_shown() -> None:
    _, [_, repair] = rate(f"<think>hm</think>{'no ' * SHOWN_CHARS}", GOOD)

    shown = repair.chat[-2]["content"]
    assert shown.startswith("no no")
    assert len(shown) == SHOWN_CHARS + len(" ...")


def test_half_an_emoji_in_a_bad_reply_can_be_sent_back() -> None:
    _, [_, repair] = rate("no \ud83e", GOOD)

    assert repair.chat[-2]["content"] == "no ?"


def test_a_form_of_its_own_is_repaired_in_its_own_words() -> None:
    llm = ScriptedLLM(replies=["Good. 4", "Good. [RESULT] 4"])

    [row] = PrometheusEval(mode="absolute", rubric="helpfulness", llm=llm).process([ROW])

    assert row["result"] == 4
    assert "[RESULT]" in (said := llm.requests[1].chat[-1]["content"])
    assert "JSON" not in said


def test_free_text_is_never_repaired() -> None:
    llm = ScriptedLLM(replies=["{not json", "again"])

    [row] = TextGeneration(llm=llm, max_repairs=3).process([ROW])

    assert (row["generation"], len(llm.requests)) == ("{not json", 1)


def test_a_model_that_can_only_repeat_itself_is_not_asked_again() -> None:
    class RecordedLLM(ScriptedLLM):
        answers_anew: ClassVar[bool] = False

    llm = RecordedLLM(replies=[BAD, GOOD])

    assert refused(Rate(llm=llm)).attempts == 1
    assert len(llm.requests) == 1


async def test_repairs_of_one_row_are_under_way_together() -> None:
    under_way, most = 0, 0

    async def ask(request: Request) -> Completion:
        nonlocal under_way, most
        if request.n == 3:
            return Completion([BAD, WORSE, GOOD], "m")
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return Completion([BETTER], "m")

    asked: Ask = ask
    rows = await Rate(num_generations=3, llm=ScriptedLLM(replies=[GOOD])).answer(ROW, asked)

    assert [row["rating"] for row in rows] == [5, 5, 4]
    assert most == 2


@pytest.mark.parametrize(("wanted", "has_schema"), [(None, False), (True, True), (False, False)])
def test_a_schema_is_sent_where_it_is_known_to_be_enforced_or_wanted(wanted: bool | None, has_schema: bool) -> None:
    _, [request] = rate(GOOD, use_default_structured_output=wanted)

    assert (request.schema is not None) == has_schema
