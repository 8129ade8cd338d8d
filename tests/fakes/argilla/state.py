"""What the fake Argilla knows, and what it does not take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

Item = dict[str, Any]
_SEEN_BY_USERS = ("id", "first_name", "last_name", "username", "role", "api_key", "inserted_at", "updated_at")


class Refusal(Exception):
    """What the server answers in place of what was asked for."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


def _error(status: int, kind: str, **params: Any) -> Refusal:
    return Refusal(status, {"code": f"argilla.api.errors::{kind}", "params": params})


FORBIDDEN = _error(403, "ForbiddenOperationError", detail="Operation not allowed")
UNAUTHORIZED = _error(401, "UnauthorizedError", detail="Could not validate credentials")
FAULT = _error(500, "GenericServerError", type="builtins.AttributeError", message="'NoneType' object has no attribute 'items'")
"""What the real one says where a response was discarded without answers: it cannot index that record."""


def malformed(place: list[Any], message: str) -> Refusal:
    """A request that has not the form that it should have."""
    error = {"type": "value_error", "loc": ["body", *place], "msg": f"Value error, {message}"}
    return _error(422, "ValidationError", errors=[error])


def stamped(**values: Any) -> Item:
    """Something with an id and times."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {"id": str(uuid4()), **values, "inserted_at": now, "updated_at": now}


class Dataset:
    """A data set with what lies in it."""

    def __init__(self, told: Item) -> None:
        kept = {name: told.get(name) for name in ("name", "guidelines", "allow_extra_metadata")}
        about = {"status": "draft", "distribution": told["distribution"], "metadata": None}
        now = stamped()["inserted_at"]
        self.told = stamped(**kept, **about, workspace_id=told["workspace_id"], last_activity_at=now)
        self.fields: list[Item] = []
        self.questions: list[Item] = []
        self.metadata: list[Item] = []
        self.vectors: list[Item] = []
        self.records: dict[str, Item] = {}
        """By the id that the sender gave; in the order in which they came."""

    @property
    def id(self) -> str:
        return str(self.told["id"])

    def add(self, parts: list[Item], told: Item, kind: str) -> Item:
        """A part of the data set, unless there is one of that name."""
        if any(one["name"] == told["name"] for one in parts):
            raise Refusal(409, f"{kind} with name `{told['name']}` already exists for dataset with id `{self.id}`")
        parts.append(stamped(**told, dataset_id=self.id))
        return parts[-1]

    def add_settled(self, parts: list[Item], told: Item, kind: str) -> Item:
        """The same of parts that a data set has from its beginning."""
        if self.told["status"] == "ready":
            raise Refusal(422, f"{kind} cannot be created for a published dataset")
        return self.add(parts, told, kind)

    def publish(self) -> Item:
        if self.told["status"] == "ready":
            raise Refusal(422, "Dataset has already been published")
        for kind, parts in (("fields", self.fields), ("questions", self.questions)):
            if not any(part["required"] for part in parts):
                raise Refusal(422, f"Dataset cannot be published without required {kind}")
        self.told["status"] = "ready"
        return self.told

    # ---- records
    def upsert(self, items: list[Item]) -> list[Item]:
        """Make or change records, all or none."""
        names = [item["external_id"] for item in items]
        if len(set(names)) < len(names):
            raise malformed(["items"], "External IDs must be unique")
        for at, item in enumerate(items):
            for number, suggestion in enumerate(item.get("suggestions") or []):
                scores = suggestion.get("score") if isinstance(suggestion.get("score"), list) else [suggestion.get("score")]
                if any(score is not None and not 0 <= score <= 1 for score in scores or []):
                    raise malformed(["items", at, "suggestions", number, "score"], "score must be between 0 and 1")
        for at, item in enumerate(items):
            if wrong := self._wrong(item):
                raise Refusal(422, f"Record at position {at} is not valid because {wrong}")
        return [self._shown(self._put(item)) for item in items]

    def _put(self, item: Item) -> Item:
        blank = {"fields": {}, "metadata": None, "external_id": item["external_id"], "responses": [], "suggestions": []}
        record = self.records.setdefault(
            item["external_id"], stamped(status="pending", **blank, vectors={}, dataset_id=self.id)
        )
        record |= {key: item[key] for key in ("fields", "metadata") if key in item}
        record["vectors"] |= item.get("vectors") or {}
        for suggestion in item.get("suggestions") or []:
            given = {key: suggestion.get(key) for key in ("question_id", "type", "value", "agent", "score")}
            _put_in(record["suggestions"], "question_id", given)
        for response in item.get("responses") or []:
            given = {key: response.get(key) for key in ("values", "status")}
            _put_in(record["responses"], "user_id", {**given, "record_id": record["id"], "user_id": response["user_id"]})
        self._settle(record)
        return record

    def respond(self, record: Item, user_id: str, told: Item) -> Item:
        """The response of a user."""
        if any(one["user_id"] == user_id for one in record["responses"]):
            raise Refusal(409, f"Response already exists for record with id `{record['id']}` and by user with id `{user_id}`")
        response = stamped(values=told.get("values"), status=told["status"], record_id=record["id"], user_id=user_id)
        record["responses"].append(response)
        self._settle(record)
        return response

    def _settle(self, record: Item) -> None:
        submitted = sum(one["status"] == "submitted" for one in record["responses"])
        record["status"] = "completed" if submitted >= self.told["distribution"]["min_submitted"] else "pending"

    def _shown(self, record: Item) -> Item:
        """A record as the reply to a change has it: fields that it lacks are there, with nothing in them."""
        return {**record, "fields": {field["name"]: record["fields"].get(field["name"]) for field in self.fields}}

    def _wrong(self, item: Item) -> str:
        """Why a record is not taken; empty when it is."""
        fields = item.get("fields")
        if fields is None and item["external_id"] not in self.records:
            return "fields cannot be empty"
        if fields is not None:
            missing = [one["name"] for one in self.fields if one["required"] and fields.get(one["name"]) is None]
            if missing:
                return f"missing required value for field: {missing[0]!r}"
            if extra := [name for name in fields if name not in {one["name"] for one in self.fields}]:
                return f"found fields values for non configured fields: {extra}"
        kinds = {one["name"]: one["settings"]["type"] for one in self.metadata}
        for name, value in (item.get("metadata") or {}).items():
            wanted = {"integer": int, "float": float}.get(kinds.get(name, ""))
            if wanted is not None and not isinstance(value, wanted):
                article = "an integer" if wanted is int else "a float"
                return (
                    f"metadata is not valid: '{name}' metadata property validation failed because '{value}' is not {article}."
                )
        return self._wrong_vector(item.get("vectors") or {}) or self._wrong_suggestion(item.get("suggestions") or [])

    def _wrong_vector(self, vectors: Item) -> str:
        lengths = {one["name"]: one["dimensions"] for one in self.vectors}
        for name, vector in vectors.items():
            if len(vector) != lengths[name]:
                what = f"vector value for vector name={name} must have {lengths[name]} elements, got {len(vector)} elements"
                return f"record does not have valid vectors: {what}"
        return ""

    def _wrong_suggestion(self, suggestions: list[Item]) -> str:
        asked = {one["id"]: one["settings"] for one in self.questions}
        for suggestion in suggestions:
            settings = asked[suggestion["question_id"]]
            labels = [option["value"] for option in settings.get("options") or []]
            if settings["type"] == "label_selection" and suggestion["value"] not in labels:
                what = (
                    f"{suggestion['value']!r} is not a valid label for label selection question.\nValid labels are: {labels!r}"
                )
                return f"record does not have valid suggestions: {what}"
        return ""


def _put_in(parts: list[Item], key: str, given: Item) -> None:
    """Change the part with this key, or add one."""
    for part in parts:
        if part[key] == given[key]:
            part |= given
            return
    parts.append(stamped(**given))


class ArgillaState:
    """Users, workspaces and data sets. There is an owner, and a workspace that is called "team"."""

    def __init__(self) -> None:
        self.users: list[Item] = []
        self.workspaces = [stamped(name="team")]
        self.members: dict[str, list[str]] = {}
        self.datasets: list[Dataset] = []
        self.add_user("owner", role="owner")

    def add_user(self, name: str, role: str = "annotator", workspace: str = "team") -> str:
        """A user who may work in a workspace; returns the key."""
        key = f"{name}.key"
        self.users.append(
            stamped(first_name=name.title() if role == "owner" else name, last_name=None, username=name, role=role, api_key=key)
        )
        if role != "owner":
            self.members.setdefault(workspace, []).append(self.users[-1]["id"])
        return key

    def key_of(self, name: str) -> str:
        return str(next(user["api_key"] for user in self.users if user["username"] == name))

    def user_with(self, key: str | None) -> Item:
        found = next((user for user in self.users if user["api_key"] == key), None)
        if found is None:
            raise UNAUTHORIZED
        return {name: found[name] for name in _SEEN_BY_USERS}

    def dataset(self, name: str) -> Dataset:
        """A data set by its id, or by its name, as tests call it."""
        for dataset in self.datasets:
            if name in (dataset.id, dataset.told["name"]):
                return dataset
        raise Refusal(404, f"Dataset with id `{name}` not found")

    def record(self, name: str) -> tuple[Dataset, Item]:
        """A record by the server's id."""
        for dataset in self.datasets:
            for record in dataset.records.values():
                if record["id"] == name:
                    return dataset, record
        raise Refusal(404, f"Record with id `{name}` not found")
