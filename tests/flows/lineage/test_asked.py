"""The requests of a step: newest first, paged, with what became of each, while the run goes on and after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.engine.events import Progress
from flows.lineage.asked import AskedPage, asked
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from steps.errors import RunError
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Messages
from tests.fakes.serving import running

GOOD, BAD = ({"answers": [{"rationale": "x", "rating": rating}]} for rating in (5, 9))


def steps(url: str, rows: int) -> list[dict[str, Any]]:
    data = [{"instruction": f"question {i}", "generations": ["a"]} for i in range(rows)]
    llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "max_concurrency": 1, "price": {"input": 1, "output": 1}}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "judge", "use": "UltraFeedback", "after": "load", "with": {"llm": llm}},
        {"name": "echo", "use": "TextGeneration", "after": "judge", "with": {"llm": llm}},
        {"name": "end", "use": "KeepColumns", "after": "echo", "with": {"columns": ["generation"]}},
    ]


def run(folder: Path, made: list[dict[str, Any]], run_id: str = "r", **more: Any) -> RunFolder:
    spec, problems = spec_from({"distilflow": 1, "name": "test", "steps": made})
    assert not problems
    return run_inline(plan(spec), folder, run_id=run_id, **more)


def judging(messages: Messages, choice: int, model: str) -> str:
    """Bad about every third question; corrected for all but question 3."""
    text = " ".join(str(message["content"]) for message in messages)
    if "question" not in text or "Rate" not in text:
        return f"about {messages[-1]['content']}"
    is_bad = any(f"question {i}" in text for i in (0, 3))
    is_repair = any(message["role"] == "assistant" for message in messages)
    return json.dumps(BAD if is_bad and (not is_repair or "question 3" in text) else GOOD)


def test_requests_come_newest_first_with_what_became_of_them(tmp_path: Path) -> None:
    with running(FakeOpenAI(Behaviour(reply=judging))) as url:
        done = run(tmp_path, steps(url, 5))
    found = asked(done, "judge")

    assert (found.total, found.pages, found.is_made_again) == (7, 1, False)
    at = [one.at for one in found.items if one.at is not None]
    assert at == sorted(at, reverse=True)
    of_0 = [one for one in found.items if one.row == "0"]
    assert [(one.is_repair, "rating" in one.problem) for one in of_0] == [(True, False), (False, True)]
    of_3 = [one for one in found.items if one.row == "3"]
    assert [(one.is_repair, bool(one.problem)) for one in of_3] == [(True, True), (False, True)]
    assert all(one.problem == "" for one in found.items if one.row in "124")
    assert all(one.cost and one.input_tokens and one.chat[-1]["role"] == "user" for one in found.items)
    assert asked(done, "echo").total == 4


def test_pages_are_cut_without_a_gap_also_over_sessions(tmp_path: Path) -> None:
    with running(FakeOpenAI(Behaviour(reply=judging))) as url:
        run(tmp_path, steps(url, 3))
        done = run(tmp_path, steps(url, 8))
    pages = [asked(done, "echo", page, size=3) for page in (1, 2, 3, 9, -1)]

    assert [(page.page, page.pages, page.total) for page in pages] == [(1, 3, 7), (2, 3, 7), (3, 3, 7), (3, 3, 7), (1, 3, 7)]
    shown = [one.chat[-1]["content"] for page in pages[:3] for one in page.items]
    assert sorted(shown) == [f"question {i}" for i in (0, 1, 2, 4, 5, 6, 7)]
    assert set(shown[-3:]) == {"question 0", "question 1", "question 2"}


def test_requests_are_seen_while_the_run_goes_on(tmp_path: Path) -> None:
    seen: list[AskedPage] = []

    def look(event: object) -> None:
        if isinstance(event, Progress) and event.steps["judge"].made >= 2:
            seen.append(asked(RunFolder(tmp_path / "r"), "judge"))

    with running(FakeOpenAI(Behaviour(reply=judging, latency_s=0.1))) as url:
        run(tmp_path, steps(url, 8), on_event=look)

    totals = [page.total for page in seen]
    assert totals == sorted(totals)
    assert 2 <= totals[0] < totals[-1] == 10


def test_rehearsals_are_asked_once_more(tmp_path: Path) -> None:
    data = [{"instruction": f"question {i}"} for i in range(3)]
    made: list[dict[str, Any]] = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": "TextGeneration", "after": "load"},
    ]
    found = asked(run(tmp_path, made), "answer")

    assert (found.total, found.is_made_again, len(found.items)) == (3, True, 3)
    assert all(one.is_free and one.texts and one.chat for one in found.items)


def test_a_rehearsed_panel_is_asked_once_more_about_rows_that_keep_the_model_that_wrote_them(tmp_path: Path) -> None:
    question = {"title": "Is it right?", "labels": ["yes", "no"]}
    panel = {"question": question, "columns": ["generation"], "judges": [{"name": "ada"}]}
    made: list[dict[str, Any]] = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"generation": "4", "model_name": "the writer"}]}},
        {"name": "judge", "use": "JudgePanel", "after": "load", "with": panel},
    ]
    found = asked(run(tmp_path, made), "judge")

    assert [one.model for one in found.items] == ["rehearsal"]


def test_steps_that_ask_nobody_are_refused(tmp_path: Path) -> None:
    with running(FakeOpenAI(Behaviour(reply=judging))) as url:
        done = run(tmp_path, steps(url, 1))
    with pytest.raises(RunError, match="asks no model"):
        asked(done, "load")
    with pytest.raises(RunError, match="no step"):
        asked(done, "../judge")
