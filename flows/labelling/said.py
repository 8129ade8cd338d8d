"""What has been said in a project, put together from the lines of its log.

| line | what it says |
|---|---|
| annotation | somebody answered about an item; a later one of the same id takes its place |
| skip | somebody passed an item over in a round |
| gold | an answer is known to be right, or no longer (`label` null) |
| example | an item is shown to new reviewers, with a text, or no longer (`text` null) |
| undo | one of the lines above counts no more |

Lines of people have an id, so that they can be undone, and a mark that their page made, so that one that was sent twice counts
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flows.labelling.log import Line
from steps.labels.questions import names_in
from steps.labels.votes import Voter

ANNOTATION, SKIP, GOLD, EXAMPLE, UNDO = "annotation", "skip", "gold", "example", "undo"
DEFAULTS: dict[str, Any] = {
    "kind": "human",
    "family": "",
    "confidence": None,
    "explanation": "",
    "timestamp": None,
    "round": 1,
    "source": "",
}
"""What an annotation has where its line says nothing."""


def short(annotation: dict[str, Any]) -> Line:
    """An annotation as a line keeps it: without what is as usual."""
    return {name: value for name, value in annotation.items() if name not in DEFAULTS or value != DEFAULTS[name]}


def whole(line: Line) -> dict[str, Any]:
    """The annotation of a line, with all its columns."""
    return {**DEFAULTS, **line["of"]}


@dataclass
class Said:
    """All that counts, and who may undo what."""

    lines: dict[str, Line] = field(default_factory=dict)
    """Lines of people by id."""
    marks: dict[str, str] = field(default_factory=dict)
    """The ids of lines by the mark of the page that sent them."""
    undone: set[str] = field(default_factory=set)
    by_person: dict[str, list[str]] = field(default_factory=dict)
    """The ids of what each person did, oldest first."""
    by_item: dict[str, list[str]] = field(default_factory=dict)
    """The ids of annotations of each item, in the order in which they first came."""
    voters: dict[str, Voter] = field(default_factory=dict)
    count: int = 0
    """How many annotations count."""
    rounds: set[int] = field(default_factory=set)
    """The rounds in which anything was said."""
    _told: Counter[str] = field(default_factory=Counter)
    """How many lines there were about each item."""
    _named: Counter[str] = field(default_factory=Counter)
    """How many answers that count name each label."""
    _answers: dict[str, list[Line]] = field(default_factory=dict)
    _of_item: dict[tuple[str, str], list[Line]] = field(default_factory=dict)

    def take(self, lines: Iterable[Line]) -> set[str]:
        """Take lines in; gives the items of which something else is known now."""
        changed: set[str] = set()
        for line in lines:
            try:
                told = self.lines[line["undoes"]] if line["line"] == UNDO else line
                list(names_in(_label_in(told)))  # one that cannot be read counts nowhere
                before = self._names_by(told)
                item = self._take(line)
                changed.add(item)
                self._told[item] += 1
                self._named.subtract(before)
                self._named.update(self._names_by(told))
            except (KeyError, TypeError, ValueError):  # written by hand, or by a later version: it says nothing here
                continue
        return changed - {""}

    def _take(self, line: Line) -> str:
        kind = line["line"]
        if kind == UNDO:
            undone = self.lines[line["undoes"]]
            if undone["line"] == ANNOTATION and line["undoes"] not in self.undone:
                name = undone["of"]["annotation_id"]
                self.undone.add(line["undoes"])
                self.count -= self.annotation(name) is None
            self.undone.add(line["undoes"])
            self._remember(line)
            return item_of(undone)
        item = item_of(line)
        if kind == ANNOTATION:
            name = line["of"]["annotation_id"]
            if name not in self._answers:
                self._answers[name] = []
                self.by_item.setdefault(item, []).append(name)
            self.count += self.annotation(name) is None
            self._answers[name].append(line)
            self._know(line["of"])
        elif kind in (SKIP, GOLD, EXAMPLE):
            self._of_item.setdefault((kind, item), []).append(line)
        else:
            return ""
        self._remember(line)
        return item

    def _know(self, annotation: dict[str, Any]) -> None:
        self.rounds.add(annotation.get("round", 1))
        name, family = annotation["annotator"], annotation.get("family", "")
        known = self.voters.get(name)
        if known is None or (family and not known.family):
            self.voters[name] = Voter(name, annotation.get("kind", "human"), family)

    def _remember(self, line: Line) -> None:
        if "id" not in line:
            return
        self.lines[line["id"]] = line
        if mark := line.get("mark"):
            self.marks[mark] = line["id"]
        if line["line"] != UNDO and "by" in line:
            self.by_person.setdefault(line["by"], []).append(line["id"])

    # ---- what counts
    def names(self) -> set[str]:
        """All labels that answers and gold name, as texts."""
        return {name for name, times in self._named.items() if times > 0}

    def _names_by(self, line: Line) -> list[str]:
        """The labels that are named where a line says something: by what counts there now."""
        if line["line"] == ANNOTATION:
            counts = self.annotation(line["of"]["annotation_id"])
            return [] if counts is None else list(names_in(_label_in(counts)))
        return list(names_in(self.gold_of(line["item"]))) if line["line"] == GOLD else []

    def annotation(self, name: str) -> Line | None:
        """The line that an annotation has its answer from; None if all of them were undone."""
        return self._last(self._answers.get(name, ()))

    def annotations_of(self, item: str) -> Iterator[dict[str, Any]]:
        """The annotations of an item, in the order in which they first came."""
        for name in self.by_item.get(item, ()):
            if (line := self.annotation(name)) is not None:
                yield whole(line)

    def annotations(self) -> Iterator[dict[str, Any]]:
        """All annotations, item by item."""
        for item in self.by_item:
            yield from self.annotations_of(item)

    def told_of(self, item: str) -> int:
        """Differs whenever more was said of an item, or undone."""
        return self._told[item]

    def skips_of(self, item: str) -> list[Line]:
        """Who passed it over."""
        return [line for line in self._of_item.get((SKIP, item), ()) if line.get("id") not in self.undone]

    def gold_of(self, item: str) -> Any:
        """The answer that is known to be right; None where none is."""
        line = self._last(self._of_item.get((GOLD, item), ()))
        return None if line is None else line["label"]

    def gold(self) -> dict[str, Any]:
        """All answers that are known to be right."""
        found = {item: self.gold_of(item) for kind, item in self._of_item if kind == GOLD}
        return {item: label for item, label in found.items() if label is not None}

    def examples(self) -> dict[str, str]:
        """Items that people chose as examples, with what they wrote of them."""
        found = {item: self._last(lines) for (kind, item), lines in self._of_item.items() if kind == EXAMPLE}
        return {item: line["text"] for item, line in found.items() if line is not None and line["text"] is not None}

    def last_of(self, person: str) -> Line | None:
        """What a person did last and has not undone."""
        for name in reversed(self.by_person.get(person, ())):
            if name not in self.undone:
                return self.lines[name]
        return None

    def _last(self, lines: Iterable[Line]) -> Line | None:
        return next((line for line in reversed(list(lines)) if line.get("id") not in self.undone), None)


def item_of(line: Line) -> str:
    """The item that a line is about."""
    return str(line["of"]["item"] if line["line"] == ANNOTATION else line["item"])


def _label_in(line: Line) -> Any:
    if line["line"] == ANNOTATION:
        return line["of"]["label"]
    return line["label"] if line["line"] == GOLD else None
