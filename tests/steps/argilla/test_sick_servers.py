"""Servers that answer what Argilla never does: it is told, in bounded time and memory, and never hangs."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from steps.argilla import LoadAnnotationsFromArgilla, WriteLabelsToArgilla, api
from steps.base import Row
from steps.errors import DistilflowError, RunError
from tests.fakes.serving import running

AT = "2026-01-01T00:00:00"
SETTINGS: dict[str, Any] = {"type": "label_selection", "options": [{"value": "good"}, {"value": "bad"}]}
ANSWERS: dict[str, Any] = {
    "me": {"id": "u", "username": "owner", "role": "owner"},
    "me/workspaces": {"items": [{"id": "w", "name": "team"}]},
    "me/datasets": {"items": [{"id": "d", "name": "answers", "status": "ready", "workspace_id": "w"}]},
    "datasets/d/questions": {"items": [{"id": "q", "name": "quality", "settings": SETTINGS}]},
    "datasets/d/fields": {"items": [{"name": "text", "required": True, "settings": {"type": "text"}}]},
    "me/datasets/d/metadata-properties": {"items": [{"name": "round", "settings": {"type": "integer"}}]},
    "datasets/d/vectors-settings": {"items": [{"name": "v", "dimensions": 2}]},
    "users": {"items": [{"id": "u", "username": "owner"}]},
}


def record(at: int, **more: Any) -> dict[str, Any]:
    suggestion: dict[str, Any] = {
        "id": f"s{at}",
        "question_id": "q",
        "value": "good",
        "score": 0.5,
        "agent": "m",
        "updated_at": AT,
    }
    response: dict[str, Any] = {"id": f"r{at}", "user_id": "u", "status": "submitted", "inserted_at": AT, "updated_at": AT}
    response |= {"values": {"quality": {"value": "good"}}}
    parts = {"suggestions": [suggestion], "responses": [response]}
    return {"id": f"i{at}", "external_id": f"e{at}", "fields": {"text": "a"}, "metadata": {"round": 1}, **parts, **more}


PAGE = {"items": [record(0)], "total": 1}
ANSWERS["datasets/d/records"] = PAGE


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAUSES_S", (0.0,))
    monkeypatch.setattr(api, "FIRST_PAUSES_S", (0.0,))


class Sick:
    """A server whose answers are given by path."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = {**ANSWERS, **answers}
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.asked += 1
        found = self.answers.get(scope["path"].removeprefix("/api/v1/"), {"items": []})
        if callable(found):
            found = found(dict(part.split("=") for part in scope["query_string"].decode().split("&") if part))
        headers = [(b"content-type", b"application/json")]
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        if body.startswith(b"\x1f\x8b"):
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def load(url: str, **more: Any) -> list[Row]:
    step = LoadAnnotationsFromArgilla(dataset_name="answers", question="quality", api_url=url, api_key="key", **more)
    try:
        return list(step.generate())
    finally:
        step.unload()


def refused(answers: dict[str, Any], **more: Any) -> str:
    with running(Sick(answers)) as url, pytest.raises(RunError) as told:
        load(url, **more)
    assert told.value.fix
    assert len(str(told.value)) < 2000
    return str(told.value)


def test_a_server_that_is_well_is_read() -> None:
    with running(Sick({})) as url:
        assert [(row["item"], row["annotator"], row["confidence"]) for row in load(url)] == [
            ("e0", "owner", None),
            ("e0", "m", 0.5),
        ]


def bent(value: Any) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Each place of an answer, and what puts something else there."""
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, inner in places:
        yield str(place), lambda to, at=place, part=value: part.__setitem__(at, to)  # type: ignore[misc]
        for where, put in bent(inner):
            yield f"{place}.{where}", put


@pytest.mark.parametrize("to", [None, "text", " ", -1, 1e400, True, [], {}, [[]], {"a": 1}], ids=repr)
@pytest.mark.parametrize("path", ANSWERS)
def test_any_part_of_an_answer_may_be_of_another_kind(path: str, to: Any) -> None:
    server = Sick({})
    with running(server) as url:
        for at, _ in enumerate(list(bent(ANSWERS[path]))):
            edited = json.loads(json.dumps(ANSWERS[path]))
            list(bent(edited))[at][1](to)
            server.answers = {**ANSWERS, path: edited}
            for act in (lambda: load(url, fields=["text"], round_metadata="round"), lambda: write(url)):
                try:
                    act()
                except DistilflowError as error:
                    told = error
                    assert told.fix


def problem_of(act: Callable[[], object]) -> DistilflowError | None:
    """What a person is told; nothing else may come of it."""
    try:
        act()
    except DistilflowError as error:
        return error
    return None


def write(url: str) -> None:
    step = WriteLabelsToArgilla(dataset_name="answers", question="quality", api_url=url, api_key="key")
    try:
        step.open_dataset()
    finally:
        step.unload()


@pytest.mark.parametrize("score", ["high", -1, 7, [0.5, "a"], {}, True, [[]]])
def test_an_odd_score_is_left_out_and_told_and_its_answer_counts(score: Any, caplog: pytest.LogCaptureFixture) -> None:
    odd = record(0)
    odd["suggestions"][0]["score"] = score
    with running(Sick({"datasets/d/records": {"items": [odd], "total": 1}})) as url:
        rows = load(url)
    assert [(row["annotator"], row["confidence"]) for row in rows] == [("owner", None), ("m", None)]
    assert "1 scores are no numbers from 0 to 1" in caplog.text


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (lambda query: {"items": [record(0)], "total": 10**15}, "10000000"),
        (lambda query: {"items": [record(0)], "total": 1000}, "do not fit together"),
        (lambda query: {"items": [record(at) for at in range(250)], "total": 1000}, "do not fit together"),
        (lambda query: {"items": [record(int(query["offset"]))], "total": int(query["offset"]) + 5}, "do not fit together"),
        (lambda query: {"items": [record(at) for at in range(900)], "total": 900}, "do not fit together"),
        (lambda query: {"items": [], "total": 5}, "deleted while they were read"),
        (lambda query: {"items": [record(0)], "total": -5}, "total"),
    ],
)
def test_pages_without_an_end_are_told(page: Any, message: str) -> None:
    assert message in refused({"datasets/d/records": page})


def test_a_page_that_is_too_large_is_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LARGEST_REPLY_BYTES", 100_000)

    def page(query: dict[str, str]) -> Any:
        start, most = int(query["offset"]), int(query["limit"])
        items = [record(at, fields={"text": "x" * 10_000}) for at in range(start, min(30, start + most))]
        return {"items": items, "total": 30}

    with running(Sick({"datasets/d/records": page})) as url:
        assert len(load(url)) == 60


@pytest.mark.parametrize("body", [b"[" * 2_000_000, b" " * 300_000, gzip.compress(b" " * 50_000_000), b"[1,2", b"\xff", b"NaN"])
def test_bodies_that_are_huge_or_no_json_are_told(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LARGEST_REPLY_BYTES", 200_000)
    told = refused({"datasets/d/records": body})
    assert "more than 0 MB" in told or "no Argilla server" in told


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """A server that sends a letter now and then, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.sendall(first)
                        while not ended.wait(0.02):
                            connection.sendall(b"x")
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            listener.close()


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"],
    ids=["", "head", "body"],
)
def test_a_server_that_drips_does_not_hold_a_run_up(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LONGEST_REPLY_S", 0.5)
    begun = time.monotonic()
    with dripping(first) as url, pytest.raises(RunError) as told:
        load(url)
    assert "took more than 0.5 s" in str(told.value) or "cannot be reached" in str(told.value)
    assert time.monotonic() - begun < 10
