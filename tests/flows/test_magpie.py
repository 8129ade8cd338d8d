"""Magpie in a run: turns and answers go to their own endpoints, are paid for once, and can be traced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.compat import convert
from flows.lineage.why import why
from flows.pipeline import Pipeline
from flows.runs import RunFolder
from steps.llms.openai_llm import OpenAILLM
from steps.llms.prices import Price
from steps.llms.user_turns import chat_format
from steps.tasks.magpie_generator import MagpieGenerator
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.compat import distilabel_files


def reply(chat: list[dict[str, Any]], choice: int, model: str) -> str:
    said = chat[-1]["content"]
    return f"Question {said.count('|im_start|')}?<|im_end|>" if said.endswith("user\n") else f"Answer to {said}"


def pipeline(url: str, rows: int, **fields: Any) -> Pipeline:
    llm = OpenAILLM(
        model="fake-model",
        base_url=f"{url}/v1",
        magpie_pre_query_template="qwen2",
        max_retries=0,
        price=Price(input=1, output=1),
    )
    with Pipeline("magpie") as made:
        MagpieGenerator(name="write", num_rows=rows, llm=llm, **fields)
    return made


def rows_of(made: Pipeline, folder: Path, run_id: str) -> list[dict[str, Any]]:
    return list(made.run(run_id=run_id, runs_dir=folder)["default"]["train"])


def test_further_rows_ask_only_for_themselves(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=reply))
    with running(fake) as url:
        made = rows_of(pipeline(url, 3), tmp_path, "r")
        asked = fake.stats.requests
        more = rows_of(pipeline(url, 4), tmp_path, "r")

    assert made == [{"instruction": "Question 1?", "response": "Answer to Question 1?", "model_name": "fake-model"}] * 3
    assert (asked, fake.stats.requests, len(more)) == (6, 8, 4)


def test_a_row_whose_later_turn_failed_does_not_pay_for_the_first_again(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=reply, rules=[Rule("Answer to Question 2?", Fault.CONTENT_FILTER)]))
    with running(fake) as url:
        task = {"n_turns": 2, "system_prompt": "Be brief."}
        with pytest.warns(UserWarning, match="1 row failed"):
            assert rows_of(pipeline(url, 1, **task), tmp_path, "r") == []
        [failed] = RunFolder(tmp_path / "r").quarantined()
        fake.behaviour = Behaviour(reply=reply)
        before = fake.stats.requests
        row, _ = rows_of(pipeline(url, 2, **task), tmp_path, "r")

    assert (failed["code"], failed["row"]) == ("content-filtered", {"number": 0})
    assert [message["content"] for message in row["conversation"]][::2] == ["Question 2?", "Question 4?"]
    assert fake.stats.requests - before == 2 + 4


def test_turns_cost_as_answers_do_and_why_shows_them(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=reply))
    with running(fake) as url:
        rows_of(pipeline(url, 1, n_turns=2), tmp_path, "r")
    usage = RunFolder(tmp_path / "r").report().usage

    [written] = [step for step in why(RunFolder(tmp_path / "r"), "default", 0).steps if step.step == "write"]

    assert (usage.requests, usage.input_tokens + usage.output_tokens) == (
        4,
        fake.stats.input_tokens + fake.stats.output_tokens,
    )
    assert sorted(text for one in written.replies for text in one.texts)[-2:] == ["Question 2?", "Question 4?"]
    assert not any(one.is_repair for one in written.replies)


def test_a_pipeline_of_distilabel_says_all_that_is_needed() -> None:
    llama = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
    template = {"use_magpie_template": True, "magpie_pre_query_template": llama}
    llm = distilabel_files.model("vllm", "ClientvLLM", model="llama", **template)
    task = {"llm": llm, "num_rows": 3, "n_turns": 2, "system_prompt": None}
    theirs = distilabel_files.step("write", "distilabel.steps.tasks.magpie.generator", "MagpieGenerator", **task)

    converted = convert(distilabel_files.pipeline([theirs], {"write": []}))
    ours = MagpieGenerator.model_validate(converted.data["steps"][0]["with"])

    assert (converted.notes, converted.unknown, list(ours.check())) == ([], [], [])
    assert isinstance(ours.llm, OpenAILLM)
    assert chat_format(str(ours.llm.magpie_pre_query_template), None) == chat_format("llama3", None)
