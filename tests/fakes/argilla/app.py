"""The fake Argilla as a web app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.argilla.state import FORBIDDEN, ArgillaState, Dataset, Item, Refusal

NO_TEXT = {"description": None}


class Seen(NamedTuple):
    """A request as the server received it; `path` is without the query."""

    method: str
    path: str
    body: Any = None


class FakeArgilla(ArgillaState):
    """An Argilla server in memory; its state can be read, and set, while it serves."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Seen] = []
        self.answer_with: Callable[[Seen], Refusal | None] = lambda request: None
        """What it answers in place of what it would, for each request; after it did what was asked for."""

    def build_app(self) -> Starlette:
        """Return the web app, for `running` or any ASGI server."""
        return Starlette(
            routes=[
                self._route("GET", "/me", lambda told: told.user),
                self._route("GET", "/me/workspaces", self._my_workspaces),
                self._route("GET", "/me/datasets", self._my_datasets),
                self._route("POST", "/datasets", self._add_dataset, 201),
                self._route("GET", "/datasets/{id}", lambda told: self._dataset(told).told),
                self._route("GET", "/datasets/{id}/fields", lambda told: _items(self._dataset(told).fields)),
                self._route("POST", "/datasets/{id}/fields", self._add_field, 201),
                self._route("GET", "/datasets/{id}/questions", lambda told: _items(self._dataset(told).questions)),
                self._route("POST", "/datasets/{id}/questions", self._add_question, 201),
                self._route("PUT", "/datasets/{id}/publish", lambda told: self._dataset(told).publish()),
                self._route("GET", "/me/datasets/{id}/metadata-properties", lambda told: _items(self._dataset(told).metadata)),
                self._route("POST", "/datasets/{id}/metadata-properties", self._add_metadata, 201),
                self._route("GET", "/datasets/{id}/vectors-settings", lambda told: _items(self._dataset(told).vectors)),
                self._route("POST", "/datasets/{id}/vectors-settings", self._add_vectors, 201),
                self._route("PUT", "/datasets/{id}/records/bulk", self._upsert),
                self._route("GET", "/datasets/{id}/records", self._records),
                self._route("POST", "/records/{id}/responses", self._respond, 201),
                self._route("GET", "/users", self._users),
                self._route("GET", "/workspaces/{id}/users", self._members),
            ]
        )

    def _route(self, method: str, path: str, answer: Callable[[Asked], Any], status: int = 200) -> Route:
        async def handle(request: Request) -> Response:
            body = await request.json() if await request.body() else None
            seen = Seen(request.method, request.url.path.removeprefix("/api/v1"), body)
            self.requests.append(seen)
            try:
                user = self.user_with(request.headers.get("X-Argilla-Api-Key"))
                content = answer(Asked(user, body, request.path_params.get("id", ""), request))
                if (other := self.answer_with(seen)) is not None:
                    raise other
            except Refusal as refusal:
                return JSONResponse({"detail": refusal.detail}, refusal.status)
            return JSONResponse(content, status)

        return Route(f"/api/v1{path}", handle, methods=[method])

    def _dataset(self, told: Asked) -> Dataset:
        return self.dataset(told.id)

    def _my_workspaces(self, told: Asked) -> Item:
        mine = [one for one in self.workspaces if told.is_owner or told.user["id"] in self.members.get(one["name"], [])]
        return _items(mine)

    def _my_datasets(self, told: Asked) -> Item:
        workspace = told.request.query_params["workspace_id"]
        return _items([one.told for one in self.datasets if one.told["workspace_id"] == workspace])

    def _add_dataset(self, told: Asked) -> Item:
        told.check_may_change()
        name, workspace = told.body["name"], told.body["workspace_id"]
        if any((one.told["name"], one.told["workspace_id"]) == (name, workspace) for one in self.datasets):
            raise Refusal(409, f"Dataset with name `{name}` already exists for workspace with id `{workspace}`")
        self.datasets.append(Dataset(told.body))
        return self.datasets[-1].told

    def _add_field(self, told: Asked) -> Item:
        dataset = self._dataset(told)
        return dataset.add_settled(dataset.fields, told.body, "Field")

    def _add_question(self, told: Asked) -> Item:
        dataset, settings = self._dataset(told), dict(told.body["settings"])
        if settings["type"] in ("label_selection", "multi_label_selection", "ranking", "span"):
            settings["options"] = [{**option, **NO_TEXT} for option in settings["options"]]
        if settings["type"] in ("label_selection", "multi_label_selection", "span"):
            settings["visible_options"] = None
        kept = {name: told.body.get(name) for name in ("name", "title", "description", "required")}
        return dataset.add_settled(dataset.questions, {**kept, "settings": settings}, "Question")

    def _add_metadata(self, told: Asked) -> Item:
        dataset, settings = self._dataset(told), told.body["settings"]
        limits = {"values": None} if settings["type"] == "terms" else {"min": None, "max": None}
        kept = {name: told.body[name] for name in ("name", "title")}
        seen = {"settings": {**settings, **limits}, "visible_for_annotators": told.body["visible_for_annotators"]}
        return dataset.add(dataset.metadata, {**kept, **seen}, "Metadata property")

    def _add_vectors(self, told: Asked) -> Item:
        dataset = self._dataset(told)
        return dataset.add(dataset.vectors, told.body, "Vector settings")

    def _upsert(self, told: Asked) -> Item:
        told.check_may_change()
        return {"items": self._dataset(told).upsert(told.body["items"]), "updated_item_ids": []}

    def _records(self, told: Asked) -> Item:
        told.check_may_change()
        dataset, query = self._dataset(told), told.request.query_params
        start, include = int(query["offset"]), query.getlist("include")
        left_out = {"vectors", *({"responses", "suggestions"} - set(include))}
        page = list(dataset.records.values())[start : start + int(query["limit"])]
        items = [{key: value for key, value in record.items() if key not in left_out} for record in page]
        return {"items": items, "total": len(dataset.records)}

    def _respond(self, told: Asked) -> Item:
        dataset, record = self.record(told.id)
        return dataset.respond(record, told.user["id"], told.body)

    def _users(self, told: Asked) -> Item:
        told.check_may_change()
        return _items(self.users)

    def _members(self, told: Asked) -> Item:
        told.check_may_change()
        [workspace] = [one for one in self.workspaces if one["id"] == told.id]
        return _items([user for user in self.users if user["id"] in self.members.get(workspace["name"], [])])


class Asked(NamedTuple):
    """Who asks what."""

    user: Item
    body: Any
    id: str
    request: Request

    @property
    def is_owner(self) -> bool:
        return bool(self.user["role"] == "owner")

    def check_may_change(self) -> None:
        if self.user["role"] == "annotator":
            raise FORBIDDEN


def _items(found: list[Item]) -> Item:
    return {"items": found}
