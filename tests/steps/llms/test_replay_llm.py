"""ReplayLLM: recordings are found, or the row says which one is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

import steps.llms.replay_llm as replay_llm
from steps.errors import MissingKey, RowError, RunError
from steps.llms.base import LLM, Request
from steps.llms.replay_llm import NoRecording, ReplayLLM

RECORDINGS = [
    {"instruction": "Say hi", "generation": "hi"},
    {"instruction": "Say hi", "generation": "hi again"},
    {"instruction": "Count", "generation": ["one", "two"]},
    {"instruction": "Rate", "generation": {"rating": 4}},
    {"instruction": "List", "generation": [1, 2]},
    {"instruction": "Nothing", "generation": None},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "recorded.jsonl", RECORDINGS)


def write(path: Path, recordings: list[Any]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(recording) + b"\n" for recording in recordings))
    return path


def about(instruction: Any, n: int = 1, **columns: Any) -> Request:
    row = {"instruction": instruction, **columns}
    return Request([{"role": "user", "content": f"Please: {instruction}"}], n=n, row=row)


@asynccontextmanager
async def replaying(path: Path, **fields: Any) -> AsyncIterator[ReplayLLM]:
    llm = ReplayLLM(path=str(path), **fields)
    await llm.load()
    try:
        yield llm
    finally:
        await llm.unload()


@pytest.mark.parametrize(
    ("request_", "texts"),
    [
        (about("Say hi"), ["hi"]),
        (about("  Say hi\n"), ["hi"]),
        (about("Say hi", n=2), ["hi", "hi again"]),
        (about("Count"), ["one"]),
        (about("Count", n=2), ["one", "two"]),
        (about("Rate"), ['{"rating":4}']),
        (about("List"), ["[1,2]"]),
    ],
    ids=["text", "white-space", "samples-on-two-lines", "first-sample", "samples", "dict", "list-of-numbers"],
)
async def test_the_recorded_reply_is_given(path: Path, request_: Request, texts: list[str]) -> None:
    async with replaying(path) as llm:
        completion = await llm.complete(request_)

    assert completion.texts == texts
    assert completion.model_name == "recorded"


async def test_it_says_whose_replies_they_are(path: Path) -> None:
    async with replaying(path, recorded_model="text-davinci-003") as llm:
        assert (await llm.complete(about("Say hi"))).model_name == "recorded: text-davinci-003"


async def test_a_row_without_a_recording_says_which_where_and_of_how_many(path: Path) -> None:
    async with replaying(path) as llm:
        with pytest.raises(NoRecording) as caught:
            await llm.complete(about("Sing"))

    assert isinstance(caught.value, RowError)
    assert caught.value.message == (f"nothing is recorded for instruction 'Sing' in {str(path)!r} (it has 6 recordings)")


@pytest.mark.parametrize(
    ("instruction", "n", "said", "fix"),
    [
        ("Say hi", 3, "2 of 3 replies are recorded", "set num_generations to 2"),
        ("Nothing", 1, "0 of 1 replies", "record a reply"),
    ],
)
async def test_too_few_samples_are_not_made_up(path: Path, instruction: str, n: int, said: str, fix: str) -> None:
    async with replaying(path) as llm:
        with pytest.raises(NoRecording, match=said) as caught:
            await llm.complete(about(instruction, n))

    assert fix in caught.value.fix


async def test_a_row_without_the_column_says_so(path: Path) -> None:
    async with replaying(path) as llm:
        with pytest.raises(MissingKey, match=r"'instruction', which this row lacks; it has \['prompt'\]"):
            await llm.complete(Request([{"role": "user", "content": "x"}], row={"prompt": "x"}))


async def test_several_columns_of_any_kind_select(tmp_path: Path) -> None:
    recorded = [{"q": "a", "options": ["x ", 1], "out": "first"}, {"q": "a", "options": ["y"], "out": "second"}]
    path = write(tmp_path / "r.jsonl", recorded)
    async with replaying(path, match=["q", "options"], reply="out") as llm:
        texts = [(await llm.complete(about("", q="a", options=options))).texts for options in (["y"], ["x", 1])]

    assert texts == [["second"], ["first"]]


async def test_messages_select_whatever_the_row_is(tmp_path: Path) -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"content": "Hi \n", "role": "user"}]
    path = write(tmp_path / "r.jsonl", [{"messages": chat, "generation": "hello"}])
    async with replaying(path, by="messages") as llm:
        asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
        completion = await llm.complete(Request(asked))
        with pytest.raises(NoRecording, match="nothing is recorded for messages 'Hi'"):
            await llm.complete(Request(asked[1:]))

    assert completion.texts == ["hello"]


async def test_a_large_file_stays_on_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_llm, "MAPPED_BYTES", 10)
    async with replaying(path) as llm:
        assert (await llm.complete(about("List"))).texts == ["[1,2]"]
        assert llm._recordings is not None
        assert not isinstance(llm._recordings.content, bytes)


async def test_no_last_line_break_blank_lines_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"instruction": "a", "generation": "A"}\r\n\n{"instruction": "b", "generation": "B"}')
    async with replaying(path) as llm:
        assert [(await llm.complete(about(letter))).texts for letter in "ab"] == [["A"], ["B"]]

    assert llm.problems() == []


async def test_recordings_without_the_column_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", [{"instruction": "a", "generation": "A"}, {"generation": "B"}])
    async with replaying(path) as llm:
        with pytest.raises(NoRecording, match=r"it has 2 recordings, 1 of them without 'instruction'"):
            await llm.complete(about("b"))


async def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"instruction": "a", "generation": "A"}\n{"instruc\n')
    with pytest.raises(RunError, match="line 2"):
        await ReplayLLM(path=str(path)).load()


async def test_a_file_that_is_gone_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No such file"):
        await ReplayLLM(path=str(tmp_path / "none.jsonl")).load()


async def test_two_steps_share_one_replay(path: Path) -> None:
    async with replaying(path) as llm:
        await llm.load()
        await llm.unload()
        assert (await llm.complete(about("Say hi"))).texts == ["hi"]

    with pytest.raises(RuntimeError, match="load"):
        await llm.complete(about("Say hi"))


# ---- problems
def test_relative_paths_start_at_the_working_directory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)

    assert ReplayLLM(path=path.name).problems() == []
    [problem] = ReplayLLM(path="none.jsonl").problems()
    assert problem == f"there is no file 'none.jsonl' in {path.parent}"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"match": ["prompt"]}, "no column 'prompt'; the first has ['instruction', 'generation']"),
        ({"reply": "output"}, "no column 'output'"),
        ({"by": "messages"}, "no column 'messages'"),
    ],
)
def test_a_column_that_the_file_lacks_is_known_beforehand(path: Path, fields: dict[str, Any], said: str) -> None:
    [problem] = ReplayLLM(path=str(path), **fields).problems()

    assert said in problem


@pytest.mark.parametrize("content", ["", "[1]\n", "not json\n"])
def test_a_file_of_something_else_is_known_beforehand(tmp_path: Path, content: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(content)

    [problem] = ReplayLLM(path=str(path)).problems()

    assert "first line" in problem


def test_it_survives_the_round_trip(path: Path) -> None:
    llm = ReplayLLM(path=str(path), recorded_model="m")

    assert LLM.model_validate(llm.model_dump(mode="json")) == llm
