"""Batches at providers, as a run's folder knows them: what was handed in is on disk before anything is sent.

`batches/<tag>.json` says what a batch is and how far it got; it is replaced whole, with fsync, before each step that cannot be
taken back. Beside it lie, until all is in the journal, `<tag>.requests.jsonl`, what was asked for whom, and, until the
provider has it, `<tag>.input.jsonl`, the file as it is sent.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from flows.engine.items import KEY_BYTES
from steps.errors import RunError
from steps.llms.base import Completion, Request
from steps.llms.batch_apis.api import BatchAPI
from steps.llms.batch_apis.told import Result, lines_of
from steps.llms.http import json_body
from steps.wording import counted

BATCHES = "batches"
"""Folder of a run's batches."""

Progress = Literal["written", "uploaded", "creating", "submitted", "closed"]
"""creating: nobody knows whether the provider has made the batch. Before that it has not, after that it has."""


@dataclass(slots=True)
class Submission:
    """A batch. `keys` are those of the journal, in hexadecimal; in the file each stands behind the tag."""

    tag: str
    step: str
    model: str
    identity: str
    """Of the model, in hexadecimal (`identity_of`)."""
    endpoint: str
    provider: str
    account: str
    """Tells the key that it was sent with from others."""
    price: dict[str, Any] | None
    """USD per million tokens, at the rate of batches; None where nobody knows."""
    keys: list[str]
    count: int = 0
    ceiling: tuple[float, float] = (0.0, 0.0)
    """USD and tokens that its requests may use, all together."""
    progress: Progress = "written"
    at: float = field(default_factory=time.time)
    creating_at: float = 0.0
    uploaded: str = ""
    """What the file is called at the provider."""
    is_copy: bool = False
    """Another run sent it, and counts what it cost."""
    batch: str = ""
    """The id of the batch at the provider."""
    outcome: str = ""
    """How it ended, in words."""
    failed: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Requests that would fail again, whose rows had not come by the end: code, message, and what to do."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"batch {self.batch}" if self.batch else "a batch"

    @property
    def is_nowhere(self) -> bool:
        """Whether the provider has nothing of it that costs."""
        return self.progress in ("written", "uploaded")

    @property
    def where(self) -> str:
        """Where its requests are, in words."""
        are = ("is" if self.count == 1 else "are") if self.batch else "may be"
        at = f"{self.provider} ({self.name})" if self.batch else self.provider
        return f"{counted(self.count, 'request')} of step {self.step!r} {are} at {at}"

    @property
    def since(self) -> float:
        """The Unix time from which on it was there."""
        return self.creating_at or self.at

    def custom_id(self, key: str) -> str:
        return f"{self.tag}-{key}"

    def key_in(self, custom_id: str) -> str:
        """The key in an id of a request; empty if it is none of this batch."""
        tag, _, key = custom_id.partition("-")
        return key if tag == self.tag else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in a batch: by its key, for a row, sent for the n-th time."""

    key: str
    row: str
    request: Request
    attempts: int = 1

    def to_json(self) -> bytes:
        asked = self.request
        told = {"key": self.key, "row": self.row, "attempts": self.attempts, "chat": asked.chat, "n": asked.n}
        told |= {"have": asked.have, "schema": asked.schema, "speaker": asked.speaker, "model": asked.model}
        return orjson.dumps(told, default=repr, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)

    @staticmethod
    def from_json(line: bytes) -> Asked:
        told = orjson.loads(line)
        request = Request(told["chat"], told["n"], told["have"], told["schema"], model=told["model"], speaker=told["speaker"])
        return Asked(told["key"], told["row"], request, told["attempts"])


def new_tag() -> str:
    """A name for a batch that no other has."""
    return secrets.token_hex(8)


class Submissions:
    """The batches of a run, on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / BATCHES

    def all(self) -> list[Submission]:
        """Those of earlier sessions, oldest first. What was never sent is gone.

        Raises:
            RunError: One cannot be read; without it, requests might be sent and paid for again.
        """
        found = []
        for one in self._read():
            if one.is_nowhere:
                self.forget(one)
            else:
                found.append(one)
        kept = {one.tag for one in found if one.progress != "closed"}
        for path in self._folder.glob("*.jsonl"):  # left by a process that died
            if path.name.partition(".")[0] not in kept:
                path.unlink(missing_ok=True)
        return found

    def at_providers(self) -> list[Submission]:
        """Those that are at a provider, or may be, as far as the disk knows. Nothing is changed: the run may be at work.

        Raises:
            RunError: One cannot be read.
        """
        return [one for one in self._read() if one.progress in ("creating", "submitted")]

    def adopt(self, folder: Path) -> None:
        """Take over what another run has at providers: what it asked there is not asked again here. It may collect it too.

        Raises:
            RunError: One cannot be read.
        """
        other = Submissions(folder)
        for one in other.at_providers():
            if self.path(one).exists():
                continue
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(other.requests(one), self.requests(one))
            except FileNotFoundError:  # it has just been collected there
                continue
            one.is_copy = True
            self.save(one)

    def _read(self) -> list[Submission]:
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                said = orjson.loads(path.read_bytes())
                one = Submission(**{**said, "failed": {key: tuple(told) for key, told in said["failed"].items()}})
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                fix = "bring it back; or, to have its requests sent and paid for again, delete it"
                raise RunError(f"{path}, which says what is at a provider, cannot be read: {error}", fix) from error
            found.append(one)
        return sorted(found, key=lambda one: one.at)

    def path(self, one: Submission) -> Path:
        return self._folder / f"{one.tag}.json"

    def without(self, one: Submission) -> str:
        """How to have a run know nothing of a batch."""
        return f"delete {self.path(one)}"

    def requests(self, one: Submission) -> Path:
        return self._folder / f"{one.tag}.requests.jsonl"

    def input(self, one: Submission) -> Path:
        return self._folder / f"{one.tag}.input.jsonl"

    def results(self, one: Submission, part: int) -> Path:
        return self._folder / f"{one.tag}.{part}.results.jsonl"

    def write(self, one: Submission, asked: Iterable[Asked], api: BatchAPI) -> None:
        """Put a batch on disk that is to be sent. Blocks.

        Raises:
            OSError: It cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.requests(one).open("wb") as kept, self.input(one).open("wb") as sent:
            sent.write(api.opening())
            for number, each in enumerate(asked):
                kept.write(each.to_json() + b"\n")
                sent.write((api.separator() if number else b"") + line_of(api, one.custom_id(each.key), each.request))
            sent.write(api.closing())
            for file in (kept, sent):
                file.flush()
                os.fsync(file.fileno())
        self.save(one)

    def save(self, one: Submission) -> None:
        """Put on disk how far a batch is. Blocks until it would survive a power cut."""
        path = self.path(one)
        beside = path.with_suffix(".tmp")
        with beside.open("wb") as file:
            file.write(orjson.dumps(asdict(one)))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self, one: Submission, outcome: str) -> None:
        """Note that nothing of a batch is open any more."""
        one.progress, one.outcome, one.keys = "closed", outcome, []
        self.save(one)
        self.requests(one).unlink(missing_ok=True)
        self.input(one).unlink(missing_ok=True)

    def sent(self, one: Submission) -> None:
        """Let go of the file that the provider has now."""
        self.input(one).unlink(missing_ok=True)

    def forget(self, one: Submission) -> None:
        """Let go of a batch that the provider never got."""
        for path in (self.path(one), self.requests(one), self.input(one)):
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Let go of results: what they hold is in the journal."""
        for path in self._folder.glob("*.results.jsonl"):
            path.unlink(missing_ok=True)


def line_of(api: BatchAPI, custom_id: str, request: Request) -> bytes:
    """One request as the file has it.

    Raises:
        LLMError: It cannot be sent in a batch.
    """
    return json_body(api.line(custom_id, api.told.body(request)))


_KEY_AT = slice(len(b'{"key":"'), len(b'{"key":"') + 2 * KEY_BYTES)
"""Where a line of `Asked.to_json` has the key."""


class AskedRequests:
    """What was asked in a batch, read from its file as it is needed."""

    def __init__(self, path: Path) -> None:
        self._places: dict[str, tuple[int, int]] = {}
        for at, line in lines_of(path):
            self._places[line[_KEY_AT].decode()] = (at, len(line))
        self._keys = list(self._places)
        self._file = path.open("rb")
        self._last: Asked | None = None
        """A request is wanted several times in a row."""

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def get(self, key: str) -> Asked:
        if self._last is None or self._last.key != key:
            at, size = self._places[key]
            self._file.seek(at)
            self._last = Asked.from_json(self._file.read(size))
        return self._last

    def wanted(self, key: str) -> int:
        """Replies that a request asked for."""
        return self.get(key).request.n if key in self else 1

    def at_line(self, number: int) -> str | None:
        """The key of the n-th request, from 1."""
        return self._keys[number - 1] if 0 < number <= len(self._keys) else None

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reply lies that is in the journal, and whose row has not come yet."""

    path: Path
    at: int
    size: int
    wanted: int
    api: BatchAPI

    def read(self) -> Completion:
        with self.path.open("rb") as file:
            file.seek(self.at)
            found = self.api.result(file.read(self.size), lambda custom_id: self.wanted)
        assert found is not None
        assert isinstance(found.reply, Completion)
        return found.reply


class Outcome(NamedTuple):
    """What came of one request, and where that can be read again."""

    asked: Asked
    result: Result
    place: Place
