"""Journals as people name them: found by run, folder or file, and written as one file that can be shared.

The shared file is JSON lines, a reply on each: `key` (by which a run finds it), `step`, `row`, `messages` (the chat),
`generation` (the reply, a list where it has several texts), `model`, `model_name`, `schema`, `n`, tokens, times. Beside the
Distiset it lets everybody make the rows again for nothing; `ReplayLLM` and other programs read it too. It holds prompts and
replies, never keys. With replies only it is a fraction as large, and a replay needs no more: the key stands for what was asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from flows.engine.codec import decode, encode
from flows.engine.index import segments
from flows.engine.items import KEY_BYTES
from flows.engine.journal import COPIED, JOURNAL, entry_in, faults_in, files_of
from flows.engine.ledger import SegmentWriter, frames_in
from flows.runs import RunFolder, RunStore, UnknownRun
from steps.errors import SpecError
from steps.shipped import here_or_shipped

SHARED = "replies.jsonl"
"""Name of a journal beside the Distiset that was made of it."""
PIPELINE = "pipeline.yaml"
LINES_AT_ONCE = 200
NAMES_SHOWN = 3


class NotAJournal(SpecError):
    """What was named as a journal is none."""

    code = "not-a-journal"


@dataclass(frozen=True, slots=True)
class Source:
    """A journal that somebody named: its folder or file, the pipeline beside it, and the run that it belongs to, if any."""

    path: Path
    pipeline: Path | None = None
    run: RunFolder | None = None


def find_journal(name: str | Path, store: RunStore) -> Source:
    """The journal of a run (by its id, or its folder), a folder of segments, or one file.

    Raises:
        NotAJournal: It is none of these.
    """
    try:
        run = store.get(str(name))
    except UnknownRun:
        path = here_or_shipped(name)
    else:
        path = run.path
    try:
        return _found(str(name), path.absolute())
    except NotAJournal as error:
        known = ", ".join(other.run_id for other in store.all()[:5]) or "none"
        error.fix = f"name a run, its folder, or a file that `distilflow journal` wrote; newest runs in {store.folder}: {known}"
        raise


def find_journals(names: Sequence[str | Path], store: RunStore) -> tuple[Path, ...]:
    """The journals of these names, for `RunOptions`.

    Raises:
        NotAJournal: One of them is none.
    """
    return tuple(find_journal(name, store).path for name in names)


def _found(name: str, path: Path) -> Source:
    if not name.strip():
        raise NotAJournal("an empty name is no journal")
    if RunFolder(path).exists():
        run = RunFolder(path)
        if not segments([run.path / JOURNAL]):
            raise NotAJournal(f"run {run.run_id!r} has no journal: no model that costs anything has answered in it")
        return Source(path / JOURNAL, path / PIPELINE, run)
    if not path.exists():
        raise NotAJournal(f"{name!r} is neither a run nor a file or folder here")
    beside = next((file for file in (path.parent / PIPELINE, path.parent.parent / PIPELINE) if file.is_file()), None)
    try:
        if path.is_dir():
            _check_folder(name, path)
            above = RunFolder(path.parent)
            return Source(path, beside, above if path.name == JOURNAL and above.exists() else None)
        _check_file(name, path)
    except OSError as error:
        raise NotAJournal(f"{name!r} cannot be read: {error.strerror}") from error
    return Source(path, beside)


def _check_folder(name: str, folder: Path) -> None:
    if not (found := segments([folder])):
        inside = sorted(entry.name for entry in folder.iterdir())
        shown = ", ".join(inside[:NAMES_SHOWN]) + (", ..." if len(inside) > NAMES_SHOWN else "")
        raise NotAJournal(f"the folder {name!r} holds no journal; {f'it has {shown}' if inside else 'it is empty'}")
    _check_file(name, found[0])


def _check_file(name: str, path: Path) -> None:
    """Check by its first reply: nobody waits here until all of it is read."""
    with path.open("rb") as file:
        begin = file.read(64)
    if not begin:
        raise NotAJournal(f"{name!r} is empty")
    if is_shared(path):
        if next(replies_in(path), None) is None:
            raise NotAJournal(f"{name!r} is empty")
        return
    frame = next(frames_in(path), None)
    if frame is None:
        raise NotAJournal(f"{name!r} is no journal; it begins with {begin[:20]!r}")
    entry = decode(frame.bodies()[0])
    if not (isinstance(entry, dict) and {"step", "chat", "completion"} <= entry.keys()):
        raise NotAJournal(f"{name!r} holds finished rows, not replies of models")


# ---- one file, for everybody


def share(journal: Path, target: Path, *, replies_only: bool = False) -> int:
    """Write all replies of a journal into one file, and return how many; a file that is there is replaced.

    `replies_only`: without what was asked, which a replay does not need.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    seen: set[bytes] = set()
    try:
        with part.open("wb") as file:
            for key, entry in entries_of(journal):
                if key not in seen and entry["completion"]["texts"]:  # one without was only paid for
                    seen.add(key)
                    line = _line(key, entry)
                    file.write(encode(_without_question(line) if replies_only else line) + b"\n")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return len(seen)


def entries_of(journal: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Key and entry of each reply in a journal, a folder or a file of either kind."""
    for path in files_of([journal]):
        if is_shared(path):
            yield from replies_in(path)
            continue
        for frame in frames_in(path):
            for number, body in enumerate(frame.bodies()):
                if (entry := entry_in(body)) is None:
                    raise NotAJournal(f"a reply in {path} cannot be read", "leave this file out")
                yield frame.keys[number * KEY_BYTES : (number + 1) * KEY_BYTES], entry


def _line(key: bytes, entry: dict[str, Any]) -> dict[str, Any]:
    completion = entry["completion"]
    texts = completion["texts"]
    told = {name: value for name, value in entry.items() if name not in ("chat", "completion", COPIED)}
    answer = {name: value for name, value in completion.items() if name != "texts"}
    asked = {} if entry.get("chat") is None else {"messages": entry["chat"]}  # a journal of replies only
    return {"key": key.hex(), **asked, "generation": texts[0] if len(texts) == 1 else texts, **told, **answer}


def _without_question(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in _REPLY if name in line}


_REPLY = ("key", "step", "row", "generation", "model", "model_name", "finish_reasons")
_OPTIONAL: dict[str, Any] = {"usage": {}, "finish_reasons": []}
"""What the completion on a line may lack, and what it is then."""


def replies_in(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Key and entry of each line of a shared journal.

    Raises:
        NotAJournal: A line is no reply; it says which.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                told = decode(line)
                key = bytes.fromhex(told.pop("key"))
                texts = told.pop("generation")
                completion = {"texts": [texts] if isinstance(texts, str) else texts}
                completion["model_name"] = told.pop("model_name")
                completion |= {name: told.pop(name, absent) for name, absent in _OPTIONAL.items()}
                told.setdefault("seconds", 0.0)
                entry = {"step": told.pop("step"), "chat": told.pop("messages", None), **told, "completion": completion}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                missing = f"it has no {error}" if isinstance(error, KeyError) else "it is no JSON object of one"
                raise NotAJournal(f"line {number} of {path} is no reply of a journal: {missing}") from error
            if len(key) != KEY_BYTES:
                raise NotAJournal(f"line {number} of {path} has a key of {len(key)} bytes, not {KEY_BYTES}")
            if faults := ["generation" if name == "texts" else name for name in faults_in(entry)]:
                raise NotAJournal(
                    f"line {number} of {path} is no reply of a journal: its {' and '.join(faults)} cannot be read"
                )
            yield key, entry


def is_shared(path: Path) -> bool:
    """Whether a file of a journal is one that `share` wrote."""
    return path.suffix == ".jsonl"


def usable(journals: Sequence[Path], folder: RunFolder) -> tuple[Path, ...]:
    """The journals as the engine reads them: shared ones are taken into the run's folder, once.

    Raises:
        NotAJournal: One is gone, or a line in it is no reply.
    """
    return tuple(_taken_in(path, folder) if is_shared(path) else _present(path, folder) for path in journals)


def _present(path: Path, folder: RunFolder) -> Path:
    if not path.exists():
        raise NotAJournal(
            f"the journal {path} is gone; this run was asked to look into it",
            f"bring it back, or do without it: --journal {folder.run_id}",
        )
    return path


def _taken_in(path: Path, folder: RunFolder) -> Path:
    try:
        state = path.stat()
    except FileNotFoundError:
        return _present(path, folder)
    place = hashlib.blake2b(os.fsencode(path.resolve()), digest_size=6).hexdigest()  # copies of a folder keep names and times
    target = folder.path / "journals" / f"{path.stem}-{place}-{state.st_size:x}-{state.st_mtime_ns:x}.seg"
    if target.exists():
        return target
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    writer = SegmentWriter(part)
    replies = replies_in(path)
    while some := list(islice(replies, LINES_AT_ONCE)):
        writer.append([key for key, _ in some], [encode(entry) for _, entry in some], [1] * len(some))
    writer.close()
    part.replace(target)
    return target


# ---- previews

PREVIEWS = ".previews"
PREVIEW_BYTES = 64 * 2**20
PREVIEW_FILES = 500


def previews_of(runs_dir: Path) -> Path:
    """The journal that the previews of a runs folder write, and its runs look into."""
    return runs_dir / PREVIEWS / JOURNAL


def trim(journal: Path, most_bytes: int = PREVIEW_BYTES, most_files: int = PREVIEW_FILES) -> None:
    """Drop the oldest files of a journal beyond these bounds."""
    found = []
    for path in segments([journal]):
        with contextlib.suppress(FileNotFoundError):
            state = path.stat()
            found.append((state.st_mtime_ns, state.st_size, path))
    kept = 0
    for number, (_, size, path) in enumerate(sorted(found, reverse=True)):
        kept += size
        if number >= most_files or kept > most_bytes:
            path.unlink(missing_ok=True)
