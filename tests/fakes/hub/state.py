"""What the fake Hub knows: users, repositories, uploaded objects and the requests it saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.fakes.hub.repo import HubError, Repo

BAD_TOKEN = "Invalid credentials in Authorization header"


class SeenRequest(NamedTuple):
    """One request as the Hub received it; `path` is without the query."""

    method: str
    path: str


class HubState:
    """The Hub's memory.

    Args:
        tokens: User name by access token.
        orgs: Organizations that every user may write to, beside their own namespace.
    """

    def __init__(self, tokens: Mapping[str, str] | None = None, orgs: Iterable[str] = ("my-org",)) -> None:
        self.tokens = dict(tokens or {"hf_test": "tester"})
        self.orgs = tuple(orgs)
        self.repos: dict[tuple[str, str], Repo] = {}
        self.lfs_objects: dict[str, bytes] = {}
        self.requests: list[SeenRequest] = []

    def user_of(self, authorization: str | None) -> str | None:
        """Return who an Authorization header stands for, None without one.

        Raises:
            HubError: The token is unknown. The real Hub then refuses even public reads.
        """
        if not authorization:
            return None
        user = self.tokens.get(authorization.removeprefix("Bearer "))
        if user is None:
            raise HubError(401, BAD_TOKEN)
        return user

    def repo(self, kind: str, repo_id: str) -> Repo:
        """Return a repository; `kind` is "model", "dataset" or "space"."""
        return self.repos[kind, repo_id]

    def visible_repo(self, kind: str, repo_id: str, user: str | None) -> Repo:
        """Return a repository this user may see; private ones look missing to others."""
        repo = self.repos.get((kind, repo_id))
        if repo is None or (repo.is_private and not self.may_write(user, repo_id)):
            # the Hub does not tell strangers whether a repository exists: 401, not 404
            raise HubError(404 if user else 401, "Repository not found", "RepoNotFound")
        return repo

    def may_write(self, user: str | None, repo_id: str) -> bool:
        """Tell whether the repository's namespace belongs to the user."""
        return user is not None and repo_id.split("/")[0] in (user, *self.orgs)

    def create_repo(self, kind: str, repo_id: str, user: str, is_private: bool = False) -> Repo:
        """Make a repository with one commit."""
        self.check_may_write(user, repo_id)
        repo = Repo(kind, repo_id, owner=user, is_private=is_private)
        self.repos[kind, repo_id] = repo
        return repo

    def check_may_write(self, user: str, repo_id: str) -> None:
        """Raise the Hub's 403 unless the namespace belongs to the user."""
        if not self.may_write(user, repo_id):
            namespace = repo_id.split("/")[0]
            raise HubError(403, f'You don\'t have the rights to write under the namespace "{namespace}"')
