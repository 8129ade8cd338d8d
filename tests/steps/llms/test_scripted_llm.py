"""ScriptedLLM: replies in order, then the last one."""

from __future__ import annotations

import doctest

import steps.llms.scripted_llm as scripted_llm
from steps import registry
from steps.llms.scripted_llm import ScriptedLLM
from tests.steps.llms.serving import asking


async def test_replies_come_in_order_then_the_last_again() -> None:
    llm = ScriptedLLM(replies=["a", "b", "c"])

    texts = [(await llm.complete(asking(f"{n} please", n))).texts for n in (2, 1, 2)]

    assert texts == [["a", "b"], ["c"], ["c", "c"]]
    assert [request.chat[0]["content"] for request in llm.requests] == ["2 please", "1 please", "2 please"]


def test_pipelines_cannot_name_it() -> None:
    assert "ScriptedLLM" not in registry.names("llms")


def test_its_example_works() -> None:
    assert doctest.testmod(scripted_llm).failed == 0
