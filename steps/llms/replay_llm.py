"""Recorded replies instead of a model: a pipeline runs on real text, for free, the same every time."""

from __future__ import annotations

import asyncio
import hashlib
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, PrivateAttr

from steps.components import LOCAL_FILES
from steps.errors import Complaint, MissingKey, RowError, RunError
from steps.llms.base import LLM, Completion, Request
from steps.shipped import here_or_shipped

MAPPED_BYTES = 64 * 2**20  # larger files stay on disk: only where each recording starts is kept in memory


class NoRecording(RowError):
    """Nothing was recorded for this row, or not enough."""

    code = "no-recording"


class ReplayLLM(LLM):
    """Answers with replies that were recorded in a file, and costs nothing.

    The file is JSON lines. A recording belongs to a row when their `match` columns are equal (or, by "messages", when
    its `messages` are the chat that is sent), white space around texts aside. Several that match are samples, in their
    order. A list of texts in the reply column is several samples; any other value that is no text is given as JSON.

    Example:
        >>> from pathlib import Path
        >>> from steps.tasks import TextGeneration
        >>> _ = Path("recordings.jsonl").write_text('{"instruction": "2+2?", "generation": "4"}')
        >>> task = TextGeneration(llm=ReplayLLM(path="recordings.jsonl"))
        >>> [row["generation"] for row in task.process([{"instruction": "2+2?"}])]
        ['4']
    """

    is_free: ClassVar[bool] = True
    answers_anew: ClassVar[bool] = False

    path: str = Field(
        min_length=1, description="File of recordings (.jsonl).", examples=["recordings.jsonl"], json_schema_extra=LOCAL_FILES
    )
    by: Literal["column", "messages"] = Field(
        default="column", description="What selects a recording: columns of the row, or the chat itself."
    )
    match: list[str] = Field(
        default_factory=lambda: ["instruction"], min_length=1, description="Columns that row and recording share."
    )
    reply: str = Field(default="generation", description="Column of the file that holds the reply.")
    recorded_model: str | None = Field(default=None, description="Model that wrote the replies, for `model_name`.")

    _recordings: _Recordings | None = PrivateAttr(default=None)
    _users: int = PrivateAttr(default=0)

    @property
    def model_name(self) -> str:
        return f"recorded: {self.recorded_model}" if self.recorded_model else "recorded"

    @property
    def endpoint(self) -> str:
        return f"{type(self).__name__}:{self._file.absolute()}"

    def fingerprint(self) -> str:
        """Hash of the file: other recordings are other answers."""
        with self._file.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()

    @property
    def lacks(self) -> str:
        return "" if self._file.is_file() else "a file of recordings"

    def problems(self) -> Sequence[Complaint]:
        path = self._file
        if not path.is_file():
            return [f"there is no file {self.path!r} in {Path.cwd()}"]
        with path.open("rb") as file:
            line = next((line for line in file if line.strip()), b"")
        try:
            first = _parse(line)
        except ValueError:
            return [f"the first line of {self.path!r} is not a JSON object"]
        return [
            f"the recordings in {self.path!r} have no column {column!r}; the first has {list(first)}"
            for column in (*self._keys, self.reply)
            if column not in first
        ]

    @property
    def _file(self) -> Path:
        return here_or_shipped(self.path)

    @property
    def _keys(self) -> list[str]:
        return ["messages"] if self.by == "messages" else self.match

    # ---- life
    async def load(self) -> None:
        """Read the file. An LLM that several steps share is loaded by each of them, and read once."""
        self._users += 1
        if self._recordings is None:
            self._recordings = await asyncio.to_thread(_Recordings.read, self._file, self._keys)

    async def unload(self) -> None:
        self._users -= 1
        if not self._users:
            self._recordings = None

    async def complete(self, request: Request) -> Completion:
        """Look the row's recording up.

        Raises:
            NoRecording: There is none, or it has fewer samples than asked for.
            MissingKey: The row lacks a column that selects the recording.
        """
        if self._recordings is None:
            raise RuntimeError("load() must be awaited before complete()")
        values = self._selecting(request)
        recordings = self._recordings.find(values)
        seen = _shown(request.chat[-1].get("content") if self.by == "messages" else values[0])
        if not recordings:
            raise NoRecording(
                f"nothing is recorded for {self._keys[0]} {seen} in {self.path!r} ({self._recordings.described()})",
                "record this row, drop it before this step, or ask a model (RehearsalLLM is free)",
            )
        samples = [text for recording in recordings for text in _samples(recording.get(self.reply))]
        if len(samples) < request.n:
            raise NoRecording(
                f"{len(samples)} of {request.n} replies are recorded for {self._keys[0]} {seen} in {self.path!r}, "
                f"column {self.reply!r}",
                f"set num_generations to {len(samples)}" if samples else "record a reply, or drop this row earlier",
            )
        return Completion(samples[: request.n], self.model_name, finish_reasons=["stop"] * request.n)

    def _selecting(self, request: Request) -> list[Any]:
        if self.by == "messages":
            return [request.chat]
        if missing := [column for column in self.match if column not in request.row]:
            raise MissingKey(
                f"recordings are selected by {', '.join(map(repr, missing))}, which this row lacks; it has "
                f"{sorted(request.row)}",
                "name other columns in `match`",
            )
        return [request.row[column] for column in self.match]


@dataclass(slots=True)
class _Recordings:
    """Where each recording starts in the file, by a hash of what selects it."""

    content: bytes | mmap.mmap
    starts: dict[bytes, int]
    more: dict[bytes, list[int]]
    """Further ones with the same hash, of the few that have any."""
    recordings: int
    skipped: int
    keys: list[str]

    @classmethod
    def read(cls, path: Path, keys: list[str]) -> _Recordings:
        content = _content(path)
        found = cls(content, {}, {}, 0, 0, keys)
        for number, (start, line) in enumerate(_lines(content), 1):
            if not line.strip():
                continue
            try:
                recording = _parse(line)
            except ValueError as error:
                raise RunError(
                    f"line {number} of {str(path)!r} is not a JSON object: {line[:80]!r}", "mend or delete this line"
                ) from error
            found.recordings += 1
            if all(key in recording for key in keys):
                digest = _digest([recording[key] for key in keys])
                if found.starts.setdefault(digest, start) != start:
                    found.more.setdefault(digest, []).append(start)
            else:
                found.skipped += 1
        return found

    def find(self, values: list[Any]) -> list[dict[str, Any]]:
        digest = _digest(values)
        if digest not in self.starts:
            return []
        return [self._read(start) for start in (self.starts[digest], *self.more.get(digest, ()))]

    def _read(self, start: int) -> dict[str, Any]:
        end = self.content.find(b"\n", start)
        return _parse(self.content[start : end if end >= 0 else None])

    def described(self) -> str:
        without = f", {self.skipped} of them without {' and '.join(map(repr, self.keys))}" if self.skipped else ""
        return f"it has {self.recordings} recording{'s' if self.recordings != 1 else ''}{without}"


def _content(path: Path) -> bytes | mmap.mmap:
    try:
        if path.stat().st_size <= MAPPED_BYTES:
            return path.read_bytes()
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise RunError(f"the recordings in {str(path)!r} cannot be read: {error.strerror}", "correct `path`") from error


def _lines(content: bytes | mmap.mmap) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end + 1
        yield start, content[start:end]
        start = end


def _parse(line: bytes) -> dict[str, Any]:
    parsed = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def _digest(values: list[Any]) -> bytes:
    canonical = orjson.dumps(_stripped(values), default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).digest()


def _stripped(value: Any) -> Any:
    """The value without white space around its texts; texts that JSON cannot hold are made such that it can."""
    if isinstance(value, str):
        return value.strip().encode(errors="replace").decode()
    if isinstance(value, list | tuple):
        return [_stripped(item) for item in value]
    if isinstance(value, dict):
        return {key: _stripped(item) for key, item in value.items()}
    return value


def _samples(reply: Any) -> list[str]:
    if reply is None:
        return []
    if isinstance(reply, str):
        return [reply]
    if isinstance(reply, list) and reply and all(isinstance(sample, str) for sample in reply):
        return reply
    return [orjson.dumps(reply).decode()]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
