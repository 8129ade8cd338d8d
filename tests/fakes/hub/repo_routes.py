"""Routes about whole repositories: who am I, create, delete, list, info, refs and history."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.fakes.hub.context import (
    commit_of,
    hub_of,
    is_on,
    json_body,
    kind_of,
    param,
    readable_repo,
    require_user,
    timestamp,
    user_of,
    web_url,
    writable_repo,
)
from tests.fakes.hub.repo import Commit, HubError, Repo, StoredFile, card_data

API = "/api/{kind}/{namespace}/{name}"


async def whoami(request: Request) -> JSONResponse:
    """Say who a token belongs to and which organizations they may write to."""
    user = require_user(request)
    orgs = [{"type": "org", "name": name, "fullname": name} for name in hub_of(request).orgs]
    access = {"type": "access_token", "accessToken": {"displayName": "test", "role": "write"}}
    return JSONResponse({"type": "user", "name": user, "fullname": user, "orgs": orgs, "auth": access})


async def create(request: Request) -> JSONResponse:
    """Create a repository; an existing one is a 409 that still says where it is."""
    user, body = require_user(request), await json_body(request)
    kind, repo_id = body.get("type", "model"), f"{body.get('organization') or user}/{body['name']}"
    existing = hub_of(request).repos.get((kind, repo_id))
    is_private = body.get("visibility") == "private" or bool(body.get("private"))
    repo = existing or hub_of(request).create_repo(kind, repo_id, user, is_private)
    answer = {"url": web_url(request, repo), "name": repo.id, "id": repo.id}
    if existing:
        return JSONResponse(answer | {"error": f"You already created this {kind} repo"}, 409)
    return JSONResponse(answer)


async def delete(request: Request) -> JSONResponse:
    """Delete a repository and its history."""
    user, body = require_user(request), await json_body(request)
    hub, kind = hub_of(request), body.get("type", "model")
    repo = hub.visible_repo(kind, f"{body.get('organization') or user}/{body['name']}", user)
    hub.check_may_write(user, repo.id)
    del hub.repos[kind, repo.id]
    return JSONResponse({})


async def listing(request: Request) -> JSONResponse:
    """List the repositories of one kind; filters: author, search, limit."""
    kind, user, query = kind_of(request), user_of(request), request.query_params
    author, search = query.get("author"), query.get("search", "")
    found = [
        _summary(repo, repo.at())
        for repo in hub_of(request).repos.values()
        if repo.kind == kind
        and (not repo.is_private or hub_of(request).may_write(user, repo.id))
        and author in (None, repo.id.split("/")[0])
        and search.lower() in repo.id.lower()
    ]
    return JSONResponse(found[: int(query.get("limit", len(found)))])


async def info(request: Request) -> JSONResponse:
    """Describe a repository at a revision: its card, its files and, with `blobs`, their sizes."""
    repo = readable_repo(request)
    commit = commit_of(request, repo)
    siblings = [_sibling(path, file, is_on(request, "blobs")) for path, file in commit.files.items()]
    used = sum(file.size for file in commit.files.values())
    answer = _summary(repo, commit) | {"siblings": siblings, "usedStorage": used}
    return JSONResponse(answer, headers={"X-Repo-Commit": commit.oid})


async def refs(request: Request) -> JSONResponse:
    """List branches, tags and pull requests."""
    repo = readable_repo(request)
    return JSONResponse(
        {
            "branches": _refs_below(repo, "refs/heads/"),
            "tags": _refs_below(repo, "refs/tags/"),
            "converts": [],
            "pullRequests": _refs_below(repo, "refs/pr/"),
        }
    )


async def create_branch(request: Request) -> JSONResponse:
    """Create a branch, from main unless the body has a `startingPoint`."""
    repo, _ = writable_repo(request)
    start = (await json_body(request)).get("startingPoint") or "main"
    return _add_ref(repo, f"refs/heads/{param(request, 'ref')}", repo.at(start))


async def create_tag(request: Request) -> JSONResponse:
    """Tag the revision of the path."""
    repo, _ = writable_repo(request)
    tag = (await json_body(request))["tag"]
    return _add_ref(repo, f"refs/tags/{tag}", repo.at(param(request, "ref")))


async def delete_branch(request: Request) -> JSONResponse:
    """Delete a branch."""
    return _remove_ref(request, "refs/heads/")


async def delete_tag(request: Request) -> JSONResponse:
    """Delete a tag."""
    return _remove_ref(request, "refs/tags/")


async def history(request: Request) -> JSONResponse:
    """List the commits of a revision, newest first."""
    repo = readable_repo(request)
    commits = repo.history(commit_of(request, repo))
    return JSONResponse(
        [
            {
                "id": commit.oid,
                "title": commit.title,
                "message": commit.description,
                "authors": [{"user": commit.author}],
                "date": timestamp(commit.date),
            }
            for commit in commits
        ]
    )


def _summary(repo: Repo, commit: Commit) -> dict[str, Any]:
    card = card_data(commit.files)
    return {
        "_id": commit.oid[:24],
        "id": repo.id,
        "author": repo.id.split("/")[0],
        "sha": commit.oid,
        "createdAt": timestamp(repo.created_at),
        "lastModified": timestamp(commit.date),
        "private": repo.is_private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": list(card.get("tags") or []),
        "cardData": card,
    }


def _sibling(path: str, file: StoredFile, with_blob: bool) -> dict[str, Any]:
    sibling: dict[str, Any] = {"rfilename": path}
    if with_blob:
        sibling |= {"size": file.size, "blobId": file.git_oid}
    if with_blob and file.is_lfs:
        sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": len(file.pointer)}
    return sibling


def _refs_below(repo: Repo, prefix: str) -> list[dict[str, str]]:
    return [
        {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": oid}
        for ref, oid in repo.refs.items()
        if ref.startswith(prefix)
    ]


def _add_ref(repo: Repo, ref: str, commit: Commit) -> JSONResponse:
    if ref in repo.refs:
        raise HubError(409, "Reference already exists")
    repo.refs[ref] = commit.oid
    return JSONResponse({})


def _remove_ref(request: Request, prefix: str) -> JSONResponse:
    repo, _ = writable_repo(request)
    if repo.refs.pop(prefix + param(request, "ref"), None) is None:
        raise HubError(404, "Reference does not exist", "RevisionNotFound")
    return JSONResponse({})


ROUTES = [
    Route("/api/whoami-v2", whoami),
    Route("/api/repos/create", create, methods=["POST"]),
    Route("/api/repos/delete", delete, methods=["DELETE"]),
    Route("/api/{kind}", listing),
    Route(API, info),
    Route(API + "/revision/{revision}", info),
    Route(API + "/refs", refs),
    Route(API + "/branch/{ref}", create_branch, methods=["POST"]),
    Route(API + "/branch/{ref}", delete_branch, methods=["DELETE"]),
    Route(API + "/tag/{ref}", create_tag, methods=["POST"]),
    Route(API + "/tag/{ref}", delete_tag, methods=["DELETE"]),
    Route(API + "/commits/{revision}", history),
]
