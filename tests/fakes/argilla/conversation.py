"""Requests that our steps send, in an order in which each can be answered: they are put to the real server and to the fake.

`recorded.json` holds the real server's replies, without ids, times and keys; `python -m tests.fakes.argilla.record` writes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

RECORDED = Path(__file__).with_name("recorded.json")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?")


class Asked(NamedTuple):
    """A request. `{name}` in it is what an earlier one `kept` under that name; `as_user` asks as an annotator."""

    method: str
    path: str
    body: Any = None
    kept: str = ""
    """Name under which the id in the reply is known later."""
    as_user: bool = False


def _text_field(name: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "title": name, "required": required, "settings": {"type": "text", "use_markdown": False}}


def _question(name: str, settings: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "title": name.title(), "required": required, "settings": settings}


def _options(*labels: str) -> list[dict[str, str]]:
    return [{"value": label, "text": label} for label in labels]


def _upsert(*items: dict[str, Any]) -> Asked:
    return Asked("PUT", "datasets/{dataset}/records/bulk", {"items": list(items)})


_DRAFT = {
    "name": "answers",
    "workspace_id": "{workspace}",
    "allow_extra_metadata": True,
    "guidelines": "Read first.",
    "distribution": {"strategy": "overlap", "min_submitted": 2},
}
_RESPONSE = {"values": {"quality": {"value": "good"}, "why": {"value": "It is right."}}, "status": "submitted"}
_SUGGESTED = {"question_id": "{quality}", "type": "model", "value": "bad", "score": 0.75, "agent": "judge"}

CONVERSATION: list[Asked] = [
    Asked("GET", "me"),
    Asked("GET", "me/workspaces"),
    Asked("GET", "me/datasets?workspace_id={workspace}"),
    Asked("POST", "datasets", _DRAFT, kept="dataset"),
    Asked("POST", "datasets", _DRAFT),
    Asked("POST", "datasets", _DRAFT, as_user=True),
    Asked("POST", "datasets/{dataset}/fields", _text_field("instruction")),
    Asked("POST", "datasets/{dataset}/fields", _text_field("instruction")),
    Asked("POST", "datasets/{dataset}/fields", _text_field("generation", required=False)),
    Asked("PUT", "datasets/{dataset}/publish"),
    Asked(
        "POST",
        "datasets/{dataset}/questions",
        _question("quality", {"type": "label_selection", "options": _options("bad", "good")}, required=True),
        kept="quality",
    ),
    Asked("POST", "datasets/{dataset}/questions", _question("why", {"type": "text", "use_markdown": False}), kept="why"),
    Asked(
        "POST",
        "datasets/{dataset}/questions",
        _question("stars", {"type": "rating", "options": [{"value": 1}, {"value": 2}]}),
        kept="stars",
    ),
    Asked(
        "POST", "datasets/{dataset}/questions", _question("order", {"type": "ranking", "options": _options("a", "b")}), "order"
    ),
    Asked("GET", "datasets/{dataset}"),
    Asked("PUT", "datasets/{dataset}/publish"),
    Asked("PUT", "datasets/{dataset}/publish"),
    Asked("POST", "datasets/{dataset}/fields", _text_field("late")),
    Asked("GET", "datasets/{dataset}/fields"),
    Asked("GET", "datasets/{dataset}/questions"),
    Asked(
        "POST",
        "datasets/{dataset}/metadata-properties",
        {"name": "uncertainty", "title": "uncertainty", "settings": {"type": "float"}, "visible_for_annotators": True},
    ),
    Asked(
        "POST",
        "datasets/{dataset}/metadata-properties",
        {"name": "uncertainty", "title": "uncertainty", "settings": {"type": "float"}, "visible_for_annotators": True},
    ),
    Asked("GET", "me/datasets/{dataset}/metadata-properties"),
    Asked("POST", "datasets/{dataset}/vectors-settings", {"name": "meaning", "title": "meaning", "dimensions": 2}),
    Asked("GET", "datasets/{dataset}/vectors-settings"),
    _upsert(
        {
            "external_id": "r1",
            "fields": {"instruction": "Name a river.", "generation": "The Rhine."},
            "metadata": {"uncertainty": 0.5},
            "suggestions": [_SUGGESTED],
            "vectors": {"meaning": [0.5, 1.0]},
        },
        {"external_id": "r2", "fields": {"instruction": "Name a lake."}},
    ),
    _upsert({"external_id": "r1", "metadata": {"uncertainty": 0.25, "topic": "water"}}),
    _upsert({"external_id": "r1", "suggestions": [{**_SUGGESTED, "value": "good"}]}),
    _upsert({"external_id": "r2", "suggestions": [{"question_id": "{stars}", "type": "model", "value": 2}]}),
    _upsert({"external_id": "r3", "suggestions": [_SUGGESTED]}),
    _upsert({"external_id": "r3", "fields": {"generation": "No instruction."}}),
    _upsert({"external_id": "r1", "metadata": {"uncertainty": 1}}),
    _upsert({"external_id": "r1", "suggestions": [{**_SUGGESTED, "value": "ugly"}]}),
    _upsert({"external_id": "r1", "suggestions": [{**_SUGGESTED, "score": 2}]}),
    _upsert({"external_id": "r1", "vectors": {"meaning": [0.5]}}),
    _upsert({"external_id": "r1", "responses": [{"user_id": "{user}", **_RESPONSE}]}),
    _upsert({"external_id": "r1"}, {"external_id": "r1"}),
    Asked("GET", "datasets/{dataset}/records?limit=1&offset=0&include=responses&include=suggestions", kept="record"),
    Asked("POST", "records/{record}/responses", _RESPONSE, as_user=True),
    Asked("GET", "datasets/{dataset}/records?limit=5&offset=1&include=responses&include=suggestions", kept="second"),
    Asked("POST", "records/{second}/responses", {"values": {}, "status": "discarded"}, as_user=True),
    Asked("GET", "datasets/{dataset}/records?limit=5&offset=1&include=responses"),
    Asked("GET", "datasets/{dataset}/records?limit=5&offset=2&include=responses"),
    Asked("GET", "datasets/{dataset}/records?limit=5&offset=0", as_user=True),
    Asked("GET", "users", as_user=True),
    Asked("GET", "users"),
    Asked("GET", "workspaces/{workspace}/users"),
    Asked("GET", "me/datasets?workspace_id={workspace}"),
    Asked("GET", "datasets/{missing}/fields"),
]


class Reply(NamedTuple):
    asked: str
    status: int
    content: Any


class Talk:
    """A conversation with one server: ids that are known, and how they are called in what is kept."""

    def __init__(self, owner: httpx.Client, user: httpx.Client, workspace: str, user_id: str) -> None:
        self._clients = {False: owner, True: user}
        self._known = {"workspace": workspace, "user": user_id, "missing": "00000000-0000-4000-8000-000000000000"}
        self._named: dict[str, str] = {}

    def replies(self) -> Iterator[Reply]:
        """What the server says, request by request."""
        for asked in CONVERSATION:
            response = self._clients[asked.as_user].request(
                asked.method, self._filled(asked.path), json=self._filled(asked.body)
            )
            content: Any = response.json() if response.content else None
            if asked.kept and content:
                found = content if "id" in content else content["items"][0]
                self._known[asked.kept] = found["id"]
            yield Reply(f"{asked.method} {asked.path}", response.status_code, self._scrubbed(content))

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda name: self._known[name[1]], value)
        if isinstance(value, dict):
            return {key: self._filled(one) for key, one in value.items()}
        return [self._filled(one) for one in value] if isinstance(value, list) else value

    def _scrubbed(self, value: Any) -> Any:
        """A reply without what differs from server to server: ids are numbered as they come, times and keys are stars."""
        if isinstance(value, str):
            numbered = _UUID.sub(lambda one: self._named.setdefault(one[0], f"id-{len(self._named) + 1}"), value)
            return _TIME.sub("*", numbered)
        if isinstance(value, dict):
            return {key: "*" if key == "api_key" else self._scrubbed(one) for key, one in value.items()}
        return [self._scrubbed(one) for one in value] if isinstance(value, list) else value


def recorded() -> list[Reply]:
    """What the real server said."""
    return [Reply(*one) for one in json.loads(RECORDED.read_text(encoding="utf-8"))]
