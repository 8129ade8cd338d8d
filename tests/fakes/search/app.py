"""The search server as a web app."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.search.documents import Document, Index, UnknownQuery, merge
from tests.fakes.search.queries import search

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
"""The client looks for this header before it trusts an answer."""


class FakeSearch:
    """An index per data set, in memory."""

    def __init__(self) -> None:
        self.indices: dict[str, Index] = {}

    def build_app(self) -> Starlette:
        """Return the web app, for `running` or any ASGI server."""
        return Starlette(
            routes=[
                Route("/", self._greet, methods=["GET", "HEAD"]),
                Route("/_bulk", self._change_many, methods=["POST", "PUT"]),
                Route("/{index}", self._handle_index, methods=["HEAD", "PUT", "DELETE"]),
                Route("/{index}/_mapping", self._extend, methods=["PUT"]),
                Route("/{index}/_update/{name}", self._update, methods=["POST"]),
                Route("/{index}/_search", self._search, methods=["POST"]),
            ]
        )

    async def _greet(self, _: Request) -> Response:
        version = {"number": "8.8.2", "build_flavor": "default", "minimum_wire_compatibility_version": "7.17.0"}
        return _answer({"name": "fake", "cluster_name": "fake", "version": version, "tagline": "You Know, for Search"})

    async def _handle_index(self, request: Request) -> Response:
        name = request.path_params["index"]
        if request.method == "HEAD":
            return Response(status_code=200 if name in self.indices else 404, headers=PRODUCT)
        if request.method == "DELETE":
            self.indices.pop(name, None)
            return _answer({"acknowledged": True})
        if name in self.indices:
            return _refusal("resource_already_exists_exception", f"index [{name}] already exists", 400)
        self.indices[name] = Index((await request.json())["mappings"].get("properties", {}))
        return _answer({"acknowledged": True, "shards_acknowledged": True, "index": name})

    async def _extend(self, request: Request) -> Response:
        if (index := self._index(request)) is None:
            return _missing(request)
        index.properties.update((await request.json())["properties"])
        return _answer({"acknowledged": True})

    async def _change_many(self, request: Request) -> Response:
        lines = iter([json.loads(line) for line in (await request.body()).splitlines() if line.strip()])
        items = [self._change(kind, told, lines) for action in lines for kind, told in action.items()]
        return _answer({"took": 0, "errors": any("error" in item for one in items for item in one.values()), "items": items})

    def _change(self, kind: str, told: dict[str, Any], lines: Any) -> dict[str, Any]:
        about = {"_index": told["_index"], "_id": told["_id"]}
        index = self.indices.get(told["_index"])
        if kind == "delete":
            gone = index.documents.pop(told["_id"], None) if index else None
            return {kind: {**about, "status": 404 if gone is None else 200}}
        document = next(lines)
        if index is None:
            return {kind: {**about, "status": 404, "error": {"type": "index_not_found_exception", "reason": told["_index"]}}}
        is_new = index.put(told["_id"], document)
        return {kind: {**about, "status": 201 if is_new else 200, "result": "created" if is_new else "updated"}}

    async def _update(self, request: Request) -> Response:
        index, name = self._index(request), request.path_params["name"]
        if index is None or name not in index.documents:
            return _refusal("document_missing_exception", f"[{name}]: document missing", 404)
        told = await request.json()
        if "doc" in told:
            merge(index.documents[name], told["doc"])
        else:
            _take_response(index.documents[name], told["script"])
        return _answer({"_index": request.path_params["index"], "_id": name, "result": "updated"})

    async def _search(self, request: Request) -> Response:
        if (index := self._index(request)) is None:
            return _missing(request)
        told = await request.json()
        try:
            if unknown := told.keys() - {"query", "sort", "from", "size", "track_total_hits", "_source"}:
                raise UnknownQuery(f"a search with {sorted(unknown)} is not known here")
            found = search(index, told.get("query"), told.get("sort") or [])
        except UnknownQuery as error:
            return _refusal("parsing_exception", str(error), 400)
        start = int(told.get("from") or request.query_params.get("from") or 0)
        size = int(told.get("size") or request.query_params.get("size") or 10)
        hits = [{"_index": "", "_id": one.name, "_score": one.score} for one in found[start : start + size]]
        total = {"value": len(found), "relation": "eq"}
        return _answer({"took": 0, "timed_out": False, "hits": {"total": total, "max_score": None, "hits": hits}})

    def _index(self, request: Request) -> Index | None:
        return self.indices.get(request.path_params["index"])


def _take_response(document: Document, script: Any) -> None:
    """What the two scripts do with which the server keeps the responses of a record: put one, or take it out."""
    response = script["params"]["response"]
    kept = [one for one in document.get("responses") or [] if one["id"] != response["id"]]
    document["responses"] = [*kept, response] if "responses.add" in script["source"] else kept


def _answer(content: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(content, status, PRODUCT)


def _refusal(kind: str, reason: str, status: int) -> JSONResponse:
    cause = {"type": kind, "reason": reason}
    return _answer({"error": {**cause, "root_cause": [cause]}, "status": status}, status)


def _missing(request: Request) -> JSONResponse:
    return _refusal("index_not_found_exception", f"no such index [{request.path_params['index']}]", 404)
