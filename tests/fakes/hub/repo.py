"""A repository of the fake Hub: files, commits and refs, without HTTP."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import yaml

GIT_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
FRONT_MATTER = re.compile(rb"---\r?\n(.*?)\r?\n---", re.DOTALL)


class HubError(Exception):
    """A refusal of the Hub; the app answers it with `status` and the X-Error-* headers."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True)
class StoredFile:
    """A file's content and whether git holds only an LFS pointer to it."""

    content: bytes
    is_lfs: bool = False

    @property
    def size(self) -> int:
        """The size of the content, not of the pointer."""
        return len(self.content)

    @cached_property
    def sha256(self) -> str:
        """The LFS object id."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        """What git stores instead of the content of an LFS file."""
        version = "version https://git-lfs.github.com/spec/v1"
        return f"{version}\noid sha256:{self.sha256}\nsize {self.size}\n".encode()

    @cached_property
    def git_oid(self) -> str:
        """The git object id, as `git hash-object` prints it."""
        blob = self.pointer if self.is_lfs else self.content
        return hashlib.sha1(b"blob %d\0" % len(blob) + blob).hexdigest()

    @property
    def etag(self) -> str:
        """What clients name their cached copy after."""
        return self.sha256 if self.is_lfs else self.git_oid


Files = Mapping[str, StoredFile]


@dataclass(frozen=True)
class Commit:
    """A complete tree of files and where it came from."""

    oid: str
    files: Files
    parent: str | None
    title: str
    description: str
    author: str
    date: datetime


@dataclass
class Repo:
    """A repository; `refs` maps full ref names ("refs/heads/main") to commit ids."""

    kind: str
    id: str
    owner: str
    is_private: bool = False
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    pull_requests: int = 0

    def __post_init__(self) -> None:
        files = {".gitattributes": StoredFile(GIT_ATTRIBUTES)}
        self.add_commit("refs/heads/main", files, "initial commit", self.owner)

    def add_commit(self, ref: str, files: Files, title: str, author: str, description: str = "") -> Commit:
        """Put a new tree on top of `ref`."""
        parent = self.refs.get(ref)
        oids = sorted((path, file.git_oid) for path, file in files.items())
        identity = repr((self.kind, self.id, len(self.commits), parent, title, oids))
        oid = hashlib.sha1(identity.encode()).hexdigest()
        commit = Commit(oid, dict(files), parent, title, description, author, datetime.now(UTC))
        self.commits[oid] = commit
        self.refs[ref] = oid
        return commit

    def at(self, revision: str = "main") -> Commit:
        """Return the commit of a branch, a tag, a full ref or a commit id."""
        names = (revision, f"refs/heads/{revision}", f"refs/tags/{revision}")
        oid = next((self.refs[name] for name in names if name in self.refs), revision)
        if oid not in self.commits:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def history(self, commit: Commit) -> Iterator[Commit]:
        """Yield the commit and its ancestors, newest first."""
        yield commit
        while commit.parent is not None:
            commit = self.commits[commit.parent]
            yield commit

    def open_pull_request(self, base: Commit) -> str:
        """Start a pull request from `base` and return its ref."""
        self.pull_requests += 1
        ref = f"refs/pr/{self.pull_requests}"
        self.refs[ref] = base.oid
        return ref

    def read(self, path: str, revision: str = "main") -> bytes:
        """Return a file's content; for assertions."""
        return self.at(revision).files[path].content

    def paths(self, revision: str = "main") -> list[str]:
        """List the files, sorted; for assertions."""
        return sorted(self.at(revision).files)


def card_data(files: Files) -> dict[str, Any]:
    """Return the YAML front matter of README.md ({} without one).

    Raises:
        HubError: It is not a YAML mapping; the Hub then refuses the commit.
    """
    readme = files.get("README.md")
    front_matter = FRONT_MATTER.match(readme.content) if readme else None
    if front_matter is None:
        return {}
    try:
        card = yaml.safe_load(front_matter[1]) or {}
    except yaml.YAMLError as error:
        raise HubError(400, f"Invalid metadata in README.md: {error}") from error
    if not isinstance(card, dict):
        raise HubError(400, "Invalid metadata in README.md: must be an object")
    return card
