"""A label project: a folder with what people, LLMs and templates said about items, and the strategies learned from it.

| file | what it holds |
|---|---|
| project.json | question, columns that are shown, rounds |
| items.jsonl | the items and their columns |
| annotations.jsonl | who said what, comments, skips, gold, examples and what was undone; it only grows |
| strategies/, history/ | the strategies by version, and what each said of every item |
| measures.json | how good labels were at the last learning |

Several processes may work on it at once: the files are the truth, and each reads what the others wrote.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import xxhash

from flows.labelling.about import About
from flows.labelling.adding import Added, read_rows
from flows.labelling.disk import disk
from flows.labelling.limits import LONGEST_ANSWER, Limits, parts_in
from flows.labelling.log import Line, Log, bytes_in, encode
from flows.labelling.said import ANNOTATION, EXAMPLE, GOLD, SKIP, UNDO, Said, item_of, short
from flows.labelling.scoring import Score, Standing, settlement_of
from flows.labelling.texts import spelled_out
from flows.labelling.versions import Versions
from steps.base import Row
from steps.errors import RunError
from steps.labels.annotations import Annotation, stable_id
from steps.labels.questions import names_in
from steps.wording import counted, quoted

if TYPE_CHECKING:
    from steps.labels.settling import Settlement
    from steps.labels.strategies.strategy import Strategy

PROJECT = "project.json"
LONGEST_TEXT = 20_000
LONGEST_NAME = 200
HANDLE = 32
"""Digits that stand for an item whose name is longer than names are elsewhere."""
T = TypeVar("T")
_Stamp = tuple[int, int, int]


class UnknownItem(RunError):
    """A project has no such item."""

    code = "unknown-item"


class NothingToUndo(RunError):
    """A person has done nothing that is left to undo."""

    code = "nothing-to-undo"


class OtherProject(RunError):
    """Another project has taken the place of the one that was meant."""

    code = "other-project"


class LabelProject:
    """One project. Its methods may be called from several threads."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.folder = folder
        self.name = folder.name
        self.limits = limits
        self._lock = threading.RLock()
        self._writers = 0
        self._begun = 0
        self._about: tuple[_Stamp, About] | None = None
        self._begin()

    def _begin(self) -> None:
        """Know nothing yet, or no more."""
        self.said = Said()
        self.items: dict[str, Row] = {}
        self.versions = Versions(self.folder, self.limits)
        self._annotations = Log(self.folder / "annotations.jsonl")
        self._items = Log(self.folder / "items.jsonl")
        self._unread_items: list[tuple[int, str]] = []
        self._long: dict[str, str] = {}
        self._memory: dict[str, tuple[Hashable, Any]] = {}
        self._standing: Standing | None = None
        self._read_as: tuple[Hashable, ...] | None = None
        self._begun += 1

    # ---- what there is
    @property
    def about(self) -> About:
        """The settings, as they are on the disk now.

        Raises:
            RunError: They cannot be read.
        """
        path = self.folder / PROJECT
        with self._lock:
            stamp = _stamp_of(path)
            if self._about is None or self._about[0] != stamp:
                self._about = (stamp, About.load(path))
            return self._about[1]

    def refresh(self) -> None:
        """Read what was written since, by whomever; all of it, if the project was edited or replaced meanwhile.

        Raises:
            RunError: The project is gone, or its files cannot be read.
        """
        with self._lock, disk(f"label project {self.name!r} cannot be read"):
            about = self.about
            read_as = (*about.identity, about.question.type)
            if self._read_as not in (None, read_as) or not (self._items.continues() and self._annotations.continues()):
                self._begin()
            self._read_as = read_as
            for number, line in self._items.fresh():
                self._take_item(number, line)
            changed = self.said.take(self._annotations.fresh(), about.question)
            for item in changed:
                self.items.setdefault(item, {})
            if changed and self._standing is not None:
                try:
                    self._standing.again(changed)
                except RunError:  # labels came that the strategy does not know: `standing` says so to whoever asks for it
                    self._standing = None

    def _take_item(self, number: int, line: Line | None) -> None:
        about = {} if line is None else line.get("about", {})
        if line is None or not isinstance(line.get("item"), str) or not isinstance(about, dict):
            self._unread_items.append((number, "it is no object with an `item`, and `about` with its columns"))
        else:
            self.items.setdefault(line["item"], {}).update(about)

    @property
    def identity(self) -> tuple[str, str]:
        """Differs from that of any other project, whatever its name."""
        return self.about.identity

    @property
    def begun(self) -> int:
        """How often it was read from the start: what is remembered of it counts no more when this differs."""
        return self._begun

    def check_is(self, identity: tuple[str, str]) -> None:
        """
        Raises:
            OtherProject: This is not the project that was meant, but one that has its name now.
        """
        if self.identity != identity:
            what = f"another project has the name {self.name!r} since this was begun"
            raise OtherProject(what, "reload the page, and do it again if this project is meant")

    @property
    def unread(self) -> str:
        """Which lines of its files say nothing, in words; empty where all do."""
        found = [("items.jsonl", *one) for one in self._unread_items] + [
            ("annotations.jsonl", *one) for one in self.said.unread
        ]
        if not found:
            return ""
        file, number, why = found[0]
        more = f", and {counted(len(found) - 1, 'line')} more" if len(found) > 1 else ""
        return f"{self.folder / file}, line {number}, is left out{more}: {why}"

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Differs whenever something was said, or learned."""
        with self._lock:
            numbers = self.versions.numbers()
            return self._annotations.place, self._items.place, numbers[-1] if numbers else 0, self._begun

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Have everything as it is on the disk, and as it stays meanwhile as far as this process goes."""
        with self._lock:
            self.refresh()
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The same, and nobody else writes. May be used within itself."""
        with self._lock, self._annotations.writing() if not self._writers else nullcontext():
            self._writers += 1
            try:
                self.refresh()
                yield
            finally:
                self._writers -= 1

    @property
    def labels(self) -> list[str]:
        """The answers to choose from: those of the question, else those that occur, in order."""
        question = self.about.question
        if question.labels:
            return list(question.labels)
        if question.type == "text":
            return []
        with self.reading():
            return sorted(self.said.names(), key=_in_order)

    @property
    def strategy(self) -> Strategy | None:
        """The newest strategy; None before one was learned."""
        standing = self.standing
        return standing.strategy if standing else None

    @property
    def standing(self) -> Standing | None:
        """What the newest strategy makes of all items; None before one was learned.

        Raises:
            RunError: Labels were added that it does not know.
        """
        with self.reading():
            numbers = self.versions.numbers()
            if not numbers or not self.said.count:
                return None
            if self._standing is None or self._standing.strategy.version != numbers[-1]:
                self._standing = Standing(self.versions.get(numbers[-1]), self.said, self.about.question)
            return self._standing

    def score(self, item: str) -> Score:
        """What an item is taken for now."""
        from flows.labelling.scoring import UNKNOWN

        standing = self.standing
        return standing.of(item) if standing else replace(UNKNOWN, answers=sum(1 for _ in self.said.annotations_of(item)))

    def settlement(self, item: str) -> Settlement | None:
        """What the newest strategy makes of an item, and each annotation's part in it.

        Raises:
            UnknownItem: There is no such item.
        """
        with self.reading():
            self.check_item(item)
            strategy = self.strategy
            return settlement_of(item, self.said, self.about.question, strategy) if strategy else None

    def remembered(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        """What is costly to make, made again only when its key is another one."""
        with self._lock:
            if name not in self._memory or self._memory[name][0] != key:
                self._memory[name] = key, make()
            found: T = self._memory[name][1]
            return found

    def item_called(self, handle: str) -> str:
        """The item that `handle_of` names so; an item's own name stands for itself."""
        with self._lock:
            if handle in self.items or len(handle) != HANDLE:
                return handle
            if len(self._long) < len(self.items):
                self._long = {handle_of(item): item for item in self.items}
            return self._long.get(handle, handle)

    def check_item(self, item: str) -> None:
        """
        Raises:
            UnknownItem: There is no such item.
        """
        if item not in self.items:
            raise UnknownItem(f"the project {self.name!r} has no item {quoted(item)}", "choose one of the queue")

    # ---- what people do
    def answer(self, item: str, label: Any, by: str, comment: str = "", mark: str = "") -> Line:
        """Keep a person's answer about an item in the open round; it is on the disk when this returns.

        A later answer of the same person in the same round takes its place. `mark`: what the page calls this answer; sent again
        it counts once.

        Raises:
            UnknownItem: There is no such item.
            RowError: It is no answer to the question.
            RunError: It is none of the labels that are known here, or the person's name is that of an LLM or a template.
        """
        self._check_person(by)
        label = self._read(label)
        at = datetime.now(UTC)
        number = self.about.open_round.number if self.about.open_round else self.last_round
        made = Annotation(
            item=item,
            annotator=by,
            label=label,
            explanation=_text(comment),
            timestamp=at,
            round=number,
            source="review",
            annotation_id=stable_id(item, by, number),
        )
        if self.limits:
            more = parts_in(label, self.about.question.type)
            self.limits.check("parts_of_item", self.said.parts[item] + more)
            self.limits.check("parts", self.said.all_parts + more)
        return self._do({"line": ANNOTATION, "of": short(made.row(self.about.question))}, by, mark)

    def skip(self, item: str, by: str, mark: str = "") -> Line:
        """Keep that a person passed an item over in this round."""
        number = self.about.open_round.number if self.about.open_round else self.last_round
        return self._do({"line": SKIP, "item": item, "round": number}, by, mark)

    def set_gold(self, item: str, label: Any, by: str, mark: str = "") -> Line:
        """Keep the answer that is known to be right; None for not known.

        Raises:
            RowError: It is no answer to the question.
            RunError: It is none of the labels that are known here.
        """
        answer = None if label is None else self._read(label, "gold")
        return self._do({"line": GOLD, "item": item, "label": answer}, by, mark)

    def set_example(self, item: str, text: str | None, by: str, mark: str = "") -> Line:
        """Show an item to new reviewers, with a text that says what is to be learned from it; None for no longer."""
        return self._do({"line": EXAMPLE, "item": item, "text": None if text is None else _text(text)}, by, mark)

    def undo(self, by: str, mark: str = "") -> Line:
        """Undo what a person did last; gives what was undone.

        Raises:
            NothingToUndo: They did nothing, or undid all of it.
        """
        with self.writing():
            if (sent := self._sent(by, mark)) is not None:
                _check_same(sent, {"line": UNDO}, mark)
                return self.said.lines[sent["undoes"]]
            last = self.said.last_of(by)
            if last is None:
                raise NothingToUndo(f"there is nothing left to undo for {by!r}", "only your own answers can be undone here")
            self._append({"line": UNDO, "undoes": last["id"]}, by, mark)
            return last

    def _do(self, line: Line, by: str, mark: str) -> Line:
        self._check_person(by)
        with self.writing():
            if (sent := self._sent(by, mark)) is not None:
                _check_same(sent, line, mark)
                return sent
            self.check_item(item_of(line))
            return self._append(line, by, mark)

    def _sent(self, by: str, mark: str) -> Line | None:
        """What a person did under this mark."""
        name = self.said.marks.get((by, mark)) if mark else None
        return None if name is None else self.said.lines[name]

    def _append(self, line: Line, by: str, mark: str) -> Line:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        kept = {**line, "id": uuid.uuid4().hex, "by": by, "at": now, **({"mark": mark} if mark else {})}
        self._check_room(len(encode(kept)))
        with disk("the answer was not kept"):
            self._annotations.append([kept])
        self.refresh()
        return kept

    def _check_room(self, more: int) -> None:
        """
        Raises:
            TooMuch: The project would hold more than it may on this server.
        """
        if self.limits:
            self.limits.check("folder_bytes", bytes_in(self.folder) + more)

    def _read(self, label: Any, column: str = "label") -> Any:
        """An answer as it is kept: a label that no strategy knows would stop the whole project."""
        question = self.about.question
        answer = question.read(spelled_out(label), column)
        if len(encode({"": answer})) > LONGEST_ANSWER:
            raise RunError(f"the answer has more than {LONGEST_ANSWER:,} characters", "give a shorter one")
        known = [] if question.labels else self.labels
        if known and (unknown := sorted(set(names_in(answer)) - set(known))):
            what = f"{quoted(unknown[0])} is none of the labels of this project"
            raise RunError(what, f"choose one of {', '.join(known[:20])}, or add it in the settings")
        return answer

    def _check_person(self, name: str) -> None:
        if not name.strip() or len(name) > LONGEST_NAME or spelled_out(name) != name:
            raise RunError("an answer needs the name of who gave it", f"give one of up to {LONGEST_NAME} letters")
        voter = self.said.voters.get(name)
        if voter is not None and voter.kind != "human":
            raise RunError(f"{name!r} is the name of {_KINDS[voter.kind]} here", "answer under another name")

    # ---- rows
    def add_rows(self, rows: Iterable[Mapping[str, Any]]) -> Added:
        """Add annotations, gold and items. An annotation that is there already, by its id, is not added again.

        Raises:
            RowError: A row is wrong; then nothing was added.
        """
        with self.writing():
            reading = read_rows(rows, self.about.question, self.said)
            lines, added = reading.lines(self.said)
            items: list[Line] = []
            new = 0
            for item, about in reading.about.items():
                known = self.items.get(item)
                if known is None or any(name not in known or known[name] != value for name, value in about.items()):
                    new += known is None
                    items.append({"item": item, "about": about} if about else {"item": item})
            if self.limits:
                self._check_limits(new, lines, self.limits)
                self._check_room(sum(len(encode(line)) + 1 for line in (*items, *lines)))
            with disk("the rows were not kept"):
                before = self._items.size
                self._items.append(items)
                try:
                    self._annotations.append(lines)
                except OSError:
                    self._items.cut(before)
                    raise
            self.refresh()
        return Added(new, added.annotations, added.replaced, added.known, added.gold)

    def _check_limits(self, items: int, lines: Iterable[Line], limits: Limits) -> None:
        """
        Raises:
            TooMuch: The project would hold more than it may on this server.
        """
        answers = [line["of"] for line in lines if line["line"] == ANNOTATION]
        limits.check("items", len(self.items) + items)
        limits.check("annotations", self.said.count + len(answers))
        parts = Counter(self.said.parts)
        for of in answers:
            parts[of["item"]] += parts_in(of["label"], self.about.question.type)
        limits.check("parts_of_item", max(parts.values(), default=0))
        limits.check("parts", parts.total())

    @property
    def last_round(self) -> int:
        """The highest round that anything was said in, or that was opened."""
        return max([1, *self.said.rounds, *(one.number for one in self.about.rounds)])

    def change(self, change: Callable[[About], About]) -> About:
        """Replace the settings by what `change` makes of them, as nobody else writes."""
        with self.writing():
            changed = change(self.about)
            self._check_room(len(changed.encoded()))
            changed.save(self.folder / PROJECT)
            self._about = None
            return changed


_KINDS = {"llm": "an LLM", "template": "a template"}


def handle_of(item: str) -> str:
    """What an item is called in addresses and requests: its name, or, of a long one, a hash."""
    if len(item) <= LONGEST_NAME:
        return item
    return xxhash.xxh3_128_hexdigest(item.encode("utf-8", "surrogatepass"))


def _stamp_of(path: Path) -> _Stamp:
    """Differs whenever a file was replaced, or written."""
    try:
        found = path.stat()
    except OSError:  # whoever reads it says so
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def _check_same(sent: Line, line: Line, mark: str) -> None:
    """
    Raises:
        RunError: Something else was sent under this mark.
    """
    if sent["line"] != line["line"] or (line["line"] != UNDO and item_of(sent) != item_of(line)):
        what = f"the mark {quoted(mark)} is that of something else that was done here: {sent['line']}"
        raise RunError(what, "give each act a mark of its own")


def _text(text: str) -> str:
    found: str = spelled_out(text.strip()[:LONGEST_TEXT])
    return found


def _in_order(label: str) -> tuple[int, float, str]:
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)
