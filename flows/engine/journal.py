"""Replies of models, on disk before anybody uses them: what was paid for once is never asked again.

`journal/<writer>.seg`, in the frames of the ledger, one file per process that asks. Replies that arrive within `WINDOW_S` are
written together by a thread, as one frame with one fsync. Only then does the row get its reply, and only then is the request
over for the limiter: whatever ends this process, at most the requests in flight have to be sent again.

A reply is found by what was asked and who asked: the model with its parameters, the chat, whose message comes next, the
number of replies, the schema, the step, the row, and how often that row asked just this before. So three equal steps get
three samples, also when a run goes on. Keys begin with step and row, so all that was ever asked about a row lies together in
an index.

A reply without any text is kept too, since it was paid for, but under a key that nobody asks for: it answers nothing.

Journals of other runs can be looked into as well. What is found there is copied, so a journal holds every reply that its run's
rows were made of, and alone suffices to make them again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from flows.engine.codec import decode, encode
from flows.engine.index import Index, segments
from flows.engine.items import KEY_BYTES
from flows.engine.ledger import SegmentReader, SegmentWriter, StoredFrame, records_in
from flows.engine.tally import Tally
from steps.errors import RowError, RunError
from steps.llms.base import Completion, Request, Speaker, Usage

JOURNAL = "journal"
"""Folder of a run's journal."""
WINDOW_S = 0.010
LARGEST_AMOUNT = 2**53
COPIED = "is_copy"
"""Marks a reply that was found in another journal: this run did not pay for it."""


class NotInJournal(RowError):
    """Models are replayed, and the reply to this row was never kept."""

    code = "not-in-journal"


@dataclass(frozen=True, slots=True)
class Entry:
    """A reply, with all that is worth knowing about it later: who asked whom what, when, and how long it took."""

    step: str
    row: str
    model: str
    chat: Any
    n: int
    schema: Any
    completion: Completion
    at: float
    """Unix time of the reply."""
    seconds: float
    attempts: int
    cost: float | None
    """USD, by the price of that day; None when nobody knew it."""
    have: int = 0
    """Replies that the row had got before; where each row asks for another one, which one this is."""
    speaker: Speaker = "assistant"
    """Whose message was asked for."""
    asked_as: str = ""
    """Which of the task's models it was, by its name there, where a task has several."""
    rides: bool = False
    """It travelled in the request of another row: it counts as none itself, and its tokens are its share of that one's."""

    def to_json(self) -> bytes:
        completion = {
            "texts": self.completion.texts,
            "model_name": self.completion.model_name,
            "usage": _counts(self.completion.usage),
            "finish_reasons": self.completion.finish_reasons,
        }
        asked: dict[str, Any] = {
            "step": self.step,
            "row": self.row,
            "model": self.model,
            "chat": self.chat,
            "n": self.n,
            "schema": self.schema,
        }
        about = {"at": self.at, "seconds": self.seconds, "attempts": self.attempts, "cost": self.cost}
        if self.have:
            asked["have"] = self.have
        if self.speaker != "assistant":
            asked["speaker"] = self.speaker
        if self.asked_as:
            asked["asked_as"] = self.asked_as
        if self.rides:
            asked["rides"] = True
        entry = {**asked, "completion": completion, **about}
        try:
            return orjson.dumps(entry, default=repr, option=_AS_SENT)
        except TypeError:  # half a character, a huge number: rare, and slower to write
            return encode({**entry, "completion": completion})


def _counts(usage: Usage) -> dict[str, int]:
    """What was counted; images only where some were made."""
    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }
    return {**counts, "images": usage.images} if usage.images else counts


def completion_of(entry: dict[str, Any]) -> Completion:
    """The completion in an entry as it was read back."""
    found = entry["completion"]
    return Completion(found["texts"], found["model_name"], Usage(**found["usage"]), found.get("finish_reasons") or [])


def tally_of(entry: dict[str, Any]) -> Tally:
    """What the request of an entry used, as it was read back."""
    used = Tally.of(Usage(**entry["completion"]["usage"]), entry.get("cost"), entry["seconds"])
    return used.riding() if entry.get("rides") is True else used


_COUNTS = frozenset(field.name for field in fields(Usage))


def faults_in(entry: Any) -> list[str]:
    """The parts of an entry that make it of no use; others may have written it, so anything can be in it."""
    if not isinstance(entry, dict) or not isinstance(found := entry.get("completion"), dict):
        return ["completion"]
    texts, usage, reasons = found.get("texts"), found.get("usage"), found.get("finish_reasons")
    is_right = {
        "step": isinstance(entry.get("step"), str),
        "texts": isinstance(texts, list) and bool(texts) and all(isinstance(text, str) for text in texts),
        "model_name": "model_name" in found,
        "usage": isinstance(usage, dict) and usage.keys() <= _COUNTS and all(map(_is_amount, usage.values())),
        "finish_reasons": reasons is None or isinstance(reasons, list),
        "seconds": _is_amount(entry.get("seconds")),
        "cost": entry.get("cost") is None or _is_amount(entry["cost"]),
        "at": entry.get("at") is None or _is_amount(entry["at"]),
        "n": all(type(entry.get(name, 0)) is int for name in ("n", "have")),
    }
    return [name for name, right in is_right.items() if not right]


def _is_amount(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < LARGEST_AMOUNT


def is_readable(entry: Any) -> bool:
    """Whether an entry is one of a journal; others may have written it. One without any text was only paid for."""
    return not set(faults_in(entry)) - {"texts"} and isinstance(entry["completion"].get("texts"), list)


def entry_in(body: bytes) -> dict[str, Any] | None:
    """The entry of a record; None where it cannot be read."""
    try:
        entry = decode(body)
    except ValueError:
        return None
    return entry if is_readable(entry) else None


TAG_BYTES, ROW_BYTES = 2, 8
"""A key begins with the step that asked, then the row: so all replies to a row are found without knowing what was asked."""


@lru_cache(1000)
def step_tag(step: str) -> bytes:
    """How the keys of all replies to a step begin. Few other steps share it: the entry says which one it was."""
    return hashlib.blake2b(step.encode(errors="replace"), digest_size=TAG_BYTES).digest()


ALL_ROWS = b""
"""Stands for the row where all rows of a step share the replies to the same question."""


class Asker(NamedTuple):
    """Who asks, for the keys of replies: a model's identity (`identity_of`), the step, and the row."""

    model: bytes
    step: str
    row: bytes

    @property
    def prefix(self) -> bytes:
        """How the keys of all replies to this row in this step begin, whatever was asked and of which model."""
        return (
            step_tag(self.step) + hashlib.blake2b(self.row + self.step.encode(errors="replace"), digest_size=ROW_BYTES).digest()
        )

    def key(self, request: Request, before: int, retried: int = 0) -> bytes:
        """Key of the reply to a request that this row has sent `before` times already since it was tried for the n-th time."""
        told = [request.chat, request.n, request.have, request.schema, self.step, before, retried]
        if request.speaker != "assistant":  # only then: what was kept before there was a choice is still found
            told.append(request.speaker)
        try:
            asked = orjson.dumps(told, default=repr, option=_OPTIONS)
        except TypeError:  # half a character: the model will say that it cannot be sent
            asked = repr(told).encode()
        size = KEY_BYTES - TAG_BYTES - ROW_BYTES
        return self.prefix + hashlib.blake2b(self.model + self.row + asked, digest_size=size).digest()

    def keys(self, retried: int = 0, asked: Counter[bytes] | None = None) -> Callable[[Request], bytes]:
        """Gives each request of this row its key, in the order in which they are sent: the same request again gets another.

        `asked`: what was sent, where a row asks several models that may be one and the same.
        """
        asked = Counter() if asked is None else asked

        def key(request: Request) -> bytes:
            first = self.key(request, 0, retried)
            before = asked[first]
            asked[first] += 1
            return self.key(request, before, retried) if before else first

        return key


def as_asked_by(request: Request, key: bytes) -> Request:
    """The request for a model that is free: whose reply it draws follows from the key, as a journal tells replies apart."""
    return replace(request, asker=key.hex())


def useless_key(key: bytes) -> bytes:
    """A key that nobody asks for, for a reply of no use: it counts, and is found with the others of its row."""
    begin = TAG_BYTES + ROW_BYTES
    return key[:begin] + os.urandom(KEY_BYTES - begin)


_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
_AS_SENT = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


_Waiting = tuple[bytes, bytes, asyncio.Future[None] | None]
"""A reply to be written: key, JSON, and who waits for that, if anybody does."""


class Journal:
    """The replies of one run, as one process sees them: those of earlier sessions, those of `others`, and those it adds."""

    def __init__(self, folder: Path, writer: str, others: Sequence[Path] = ()) -> None:
        self._folder = folder
        self._others = others
        self._segment = SegmentWriter(folder / f"{writer}.seg")
        self._kept = self._elsewhere = Index(())
        self._reader = SegmentReader()
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._wake = threading.Event()
        self._is_closing = False
        self._broken: RunError | None = None
        self._warn: Callable[[str], None] = lambda text: None
        self._unreadable: set[str] = set()
        self._thread: threading.Thread | None = None

    async def open(
        self, paid: Callable[[dict[str, Any]], None] | None = None, warn: Callable[[str], None] | None = None
    ) -> None:
        """Find what earlier sessions left, and what lies in other journals.

        `paid` is told, in a thread, of each reply that earlier sessions paid for; `warn` of each file with replies that
        cannot be read: those are asked for again.
        """
        if warn is not None:
            self._warn = warn

        def look(frame: StoredFrame) -> None:
            if paid is not None:
                for entry in filter(None, map(entry_in, frame.bodies())):
                    if not entry.get(COPIED):
                        paid(entry)

        def find() -> None:
            self._kept = Index(segments([self._folder]), look)
            self._elsewhere = Index(files_of(self._others))

        await asyncio.to_thread(find)
        self._thread = threading.Thread(target=self._write, args=[asyncio.get_running_loop()], name="journal", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what waits, and end."""
        self._is_closing = True
        self._wake.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        self._segment.close()
        self._reader.close()

    def get(self, key: bytes) -> Completion | None:
        """The reply with this key, if an earlier session got it, or one of the other journals holds it."""
        entry = self.find(key)
        return completion_of(entry) if entry is not None else None

    def find(self, key: bytes) -> dict[str, Any] | None:
        """The entry of such a reply."""
        if (entry := self._entry(self._kept, key)) is not None:
            return entry
        if (entry := self._entry(self._elsewhere, key)) is not None:
            if self._broken is not None:  # a copy that cannot be written: nobody waits for it, so it is said to the next
                raise RunError(self._broken.message, self._broken.fix)
            self._put(key, encode({**entry, COPIED: True}), None)
        return entry

    def holds(self, key: bytes) -> bool:
        """Whether an earlier session kept a reply with this key."""
        return self._kept.get(key) is not None

    def _entry(self, index: Index, key: bytes) -> dict[str, Any] | None:
        if (place := index.get(key)) is None:
            return None
        try:
            entry: dict[str, Any] = decode(self._reader.rows(place))[0]
            faults = faults_in(entry)
        except FileNotFoundError:  # deleted meanwhile: it is another run's, or a preview's
            return None
        except (ValueError, LookupError):
            faults = ["JSON"]
        if faults and place.path not in self._unreadable:
            self._unreadable.add(place.path)
            what = f"the {' and '.join(faults)} of a reply in the journal {place.path} cannot be read"
            self._warn(f"{what}; what it holds of that kind is not used but asked for again")
        return None if faults else entry

    async def keep(self, key: bytes, entry: Entry, *, is_copy: bool = False) -> None:
        """Add a reply; returns when it would survive a power cut. `is_copy`: another run paid for it.

        Raises:
            RunError: It cannot be written. Nothing may be made of the reply then.
        """
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        body = entry.to_json()
        self._put(key, encode({**decode(body), COPIED: True}) if is_copy else body, durable)
        await durable

    def _put(self, key: bytes, body: bytes, durable: asyncio.Future[None] | None) -> None:
        with self._lock:
            self._waiting.append((key, body, durable))
        self._wake.set()

    # ---- the writing thread
    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if not self._is_closing:
                time.sleep(WINDOW_S)  # what arrives meanwhile shares the fsync
            with self._lock:
                batch, self._waiting = self._waiting, []
            if batch:
                self._broken = error = self._commit(batch)
                loop.call_soon_threadsafe(partial(_settle, [future for _, _, future in batch if future], error))
            elif self._is_closing:
                return
            if self._is_closing:
                self._wake.set()

    def _commit(self, batch: list[_Waiting]) -> RunError | None:
        try:
            keys, bodies, _ = map(list, zip(*batch, strict=True))
            self._segment.append(keys, bodies, [1] * len(keys))
            self._segment.sync()
        except Exception as error:  # whatever it is: rows wait for this thread
            reason = getattr(error, "strerror", None) or repr(error)
            what = f"the journal {self._segment.path} cannot be written: {reason}"
            return RunError(what, "make room")
        return None


def _settle(futures: list[asyncio.Future[None]], error: RunError | None) -> None:
    for future in futures:
        if future.done():  # the row was given up meanwhile
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(RunError(error.message, error.fix))


# ---- reading by others


def files_of(journals: Sequence[Path]) -> list[Path]:
    """The files of some journals, each a folder or one file."""
    return [path for journal in journals for path in (segments([journal]) if journal.is_dir() else [journal])]


def entries_in(journals: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """All entries of some journals, oldest first within each file; also while they are written."""
    for path in files_of(journals):
        for record in records_in(path):
            yield from decode(record)


def paid_in(folder: Path) -> Iterator[dict[str, Any]]:
    """The entries of a run's journal that it paid for, not those that were copied from elsewhere; none without a journal."""
    records = (record for path in segments([folder]) for record in records_in(path))
    return (entry for record in records if (entry := entry_in(record[1:-1])) is not None and not entry.get(COPIED))
