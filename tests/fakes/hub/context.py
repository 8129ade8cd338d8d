"""What every route asks of a request: which Hub, who, which repository, which commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from tests.fakes.hub.repo import Commit, HubError, Repo
from tests.fakes.hub.state import HubState

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


def hub_of(request: Request) -> HubState:
    """Return the Hub this request came to."""
    hub: HubState = request.app.state.hub
    return hub


def user_of(request: Request) -> str | None:
    """Return who asks, None for anonymous."""
    return hub_of(request).user_of(request.headers.get("authorization"))


def require_user(request: Request) -> str:
    """Return who asks, or refuse anonymous requests."""
    user = user_of(request)
    if user is None:
        raise HubError(401, "Invalid username or password.")
    return user


def param(request: Request, name: str, default: str = "") -> str:
    """Return a part of the path, decoded (see `RouteOnRawPath`)."""
    return unquote(request.path_params.get(name, default))


def kind_of(request: Request) -> str:
    """Return the repository kind of the path; paths without one are about models."""
    segment = param(request, "kind", "models")
    if segment not in KINDS:
        raise HubError(404, "Not Found")
    return KINDS[segment]


def repo_id_of(request: Request) -> str:
    """Return "namespace/name" of the path."""
    return f"{param(request, 'namespace')}/{param(request, 'name')}"


def readable_repo(request: Request) -> Repo:
    """Return the repository of the path if this user may see it."""
    return hub_of(request).visible_repo(kind_of(request), repo_id_of(request), user_of(request))


def writable_repo(request: Request) -> tuple[Repo, str]:
    """Return the repository of the path and the user who may write to it."""
    user = require_user(request)
    repo = readable_repo(request)
    hub_of(request).check_may_write(user, repo.id)
    return repo, user


def commit_of(request: Request, repo: Repo) -> Commit:
    """Return the commit of the path's revision ("main" where the path names none)."""
    return repo.at(param(request, "revision", "main"))


def web_url(request: Request, repo: Repo) -> str:
    """Return the address of the repository's page."""
    prefix = "" if repo.kind == "model" else f"{repo.kind}s/"
    return f"{request.base_url}{prefix}{repo.id}"


def is_on(request: Request, name: str) -> bool:
    """Tell whether a yes/no query parameter is set."""
    return request.query_params.get(name, "").lower() in ("1", "true")


def timestamp(date: datetime) -> str:
    """Write a date the one way the clients parse."""
    return date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def json_body(request: Request) -> dict[str, Any]:
    """Return the request's JSON object, {} for an empty body."""
    return await request.json() if await request.body() else {}
