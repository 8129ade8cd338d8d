"""Tasks that make rows, and tasks that ask in rounds, in a run: paid for once, each row on its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.lineage.why import why
from flows.pipeline import Pipeline
from flows.runs import RunFolder
from steps.columns import KeepColumns, TruncateTextColumn
from steps.llms.openai_llm import OpenAILLM
from steps.sources import LoadDataFromDicts
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.own_tasks import Argue, NameGroups, WriteTopics


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")


def pipeline(url: str, letters: str = "abc", generations: int = 1) -> Pipeline:
    llm = OpenAILLM(model="fake-model", base_url=f"{url}/v1", max_retries=0)
    with Pipeline("argue") as made:
        write = WriteTopics(name="write", letters=letters, llm=llm)
        _ = write >> Argue(name="argue", llm=llm, num_generations=generations)
    return made


def rows_of(made: Pipeline, folder: Path, run_id: str) -> list[dict[str, object]]:
    return list(made.run(run_id=run_id, runs_dir=folder)["default"]["train"])


def test_rows_are_made_and_asked_about_in_rounds(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        rows = rows_of(pipeline(url), tmp_path, "r")

    assert [row["topic"] for row in rows] == [f"echo: topic with {letter}" for letter in "abc"]
    assert all(len(row["said"]) == 3 and row["said"][0] == row["topic"] for row in rows)  # type: ignore[arg-type,index]
    assert set(rows[0]) == {"topic", "last", "said", "model_name"}
    assert fake.stats.requests == 3 + 3 * 2


def test_going_on_and_further_seeds_ask_for_nothing_twice(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("with b", Fault.CONTENT_FILTER)]))
    with running(fake) as url:
        with pytest.warns(UserWarning, match="1 row failed"):
            assert len(rows_of(pipeline(url), tmp_path, "r")) == 2
        [failed] = RunFolder(tmp_path / "r").quarantined()
        assert (failed["step"], failed["code"], failed["row"]) == ("write", "content-filtered", {"letter": "b"})
        fake.behaviour = Behaviour()
        before = fake.stats.requests

        assert [row["topic"] for row in rows_of(pipeline(url, "abcd"), tmp_path, "r")][-1] == "echo: topic with d"

    assert fake.stats.requests - before == 2 * 3  # the row that had failed, and the new one


def test_a_round_that_cannot_be_read_is_asked_again_and_else_the_row_alone_fails(tmp_path: Path) -> None:
    def reply(chat: list[dict[str, str]], number: int, model: str) -> str:
        if len(chat) > 1:
            return "sense"
        return "nonsense" if "with a" in chat[-1]["content"] and "?" in chat[-1]["content"] else chat[-1]["content"]

    fake = FakeOpenAI(Behaviour(reply=reply))
    with running(fake) as url:
        first, second, _ = rows_of(pipeline(url), tmp_path, "r")

    assert first["said"][1] == "sense"  # type: ignore[index]
    assert second["said"][1].endswith("topic with b")  # type: ignore[index]


def test_each_generation_goes_its_own_way(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        rows = rows_of(pipeline(url, "a", generations=6), tmp_path, "r")
        again = rows_of(pipeline(url, "a", generations=6), tmp_path, "again")

    assert len({str(row["said"]) for row in rows}) > 1
    assert rows == again


def test_why_shows_all_rounds_and_what_was_asked_for_the_row(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url:
        rows_of(pipeline(url), tmp_path, "r")

        found = why(RunFolder(tmp_path / "r"), "default", 1)

    asked = {step.step: [one.texts for one in step.replies] for step in found.steps}
    assert [len(texts) for texts in asked.values()] == [0, 1, 2]
    assert found.requests == 3


def test_what_is_planned_of_a_task_that_makes_rows() -> None:
    planned = pipeline("http://localhost:1").plan()

    assert planned.sources == ["write"]
    assert planned.steps["argue"].received == ["topic", "model_name"]


def grouped(url: str) -> Pipeline:
    with Pipeline("grouped") as made:
        load = LoadDataFromDicts(data=[{"n": n, "text": f"{n} {letter}"} for n, letter in enumerate("abababc")])
        llm = OpenAILLM(model="fake-model", base_url=f"{url}/v1", max_retries=0)
        names = {"topic": "text"}
        cut = TruncateTextColumn(column="text", max_length=3)
        keep = KeepColumns(columns=["n", "text"])
        _ = load >> [cut, keep] >> NameGroups(name="groups", llm=llm, input_mappings=names, resources={"replicas": 2})
    return made


def test_groups_are_asked_about_once_and_each_row_gets_the_answer(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.1))
    with running(fake) as url:
        rows = rows_of(grouped(url), tmp_path, "r")
        rows_of(grouped(url), tmp_path, "r")
        found = why(RunFolder(tmp_path / "r"), "default", 2)

    assert fake.stats.requests == 3
    assert [row["group"] for row in rows] == [
        f"echo: name these: {', '.join(str(other['text']) for other in rows if str(other['text'])[-1] == str(row['text'])[-1])}"
        for row in rows
    ]
    assert set(rows[0]) == {"n", "text", "group", "model_name"}
    assert [len(step.replies) for step in found.steps if step.step == "groups"] == [1]


def test_when_a_group_cannot_be_asked_about_its_rows_are_tried_again_alone(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("3 b", Fault.CONTENT_FILTER)]))
    with running(fake) as url:
        with pytest.warns(UserWarning, match="3 rows failed"):
            assert len(rows_of(grouped(url), tmp_path, "r")) == 4
        assert fake.stats.requests == 3
        folder = RunFolder(tmp_path / "r")
        assert [failed["row"]["n"] for failed in folder.quarantined()] == [1, 3, 5]
