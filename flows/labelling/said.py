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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flows.labelling.limits import parts_in
from flows.labelling.log import Line
from steps.labels.annotations import MOST_ROUNDS
from steps.labels.questions import Question, QuestionType, names_in
from steps.labels.votes import KINDS, Voter
from steps.wording import quoted

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


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "item": (lambda value: isinstance(value, str) and bool(value.strip()), "a name"),
    "annotator": (lambda value: isinstance(value, str) and bool(value.strip()), "a name"),
    "annotation_id": (lambda value: isinstance(value, str) and bool(value), "a name"),
    "kind": (lambda value: value in KINDS, " or ".join(KINDS)),
    "family": (lambda value: isinstance(value, str), "a text"),
    "confidence": (lambda value: value is None or (type(value) in (int, float) and 0 <= value <= 1), "a number from 0 to 1"),
    "explanation": (lambda value: isinstance(value, str), "a text"),
    "timestamp": (lambda value: value is None or isinstance(value, str), "a text"),
    "round": (lambda value: type(value) is int and 1 <= value <= MOST_ROUNDS, "a whole number from 1"),
    "source": (lambda value: isinstance(value, str), "a text"),
}
"""What parts of an annotation's line are."""


def _check_part(name: str, value: Any) -> None:
    check = _CHECKS.get(name)
    if check is not None and not check[0](value):
        raise ValueError(f"{name!r} is {quoted(value)}, not {check[1]}")


def _check_annotation(of: Any, form: Question) -> None:
    if not isinstance(of, dict):
        raise ValueError("`of` is no object")
    for name, value in of.items():
        _check_part(name, value)
    of["item"], of["annotator"], of["annotation_id"]  # KeyError where one is missing
    of["label"] = form.parse(of["label"])


@dataclass
class Said:
    """All that counts, and who may undo what."""

    lines: dict[str, Line] = field(default_factory=dict)
    """Lines of people by id."""
    marks: dict[tuple[str, str], str] = field(default_factory=dict)
    """The ids of lines by the person who sent them, and the mark that the page gave them."""
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
    parts: Counter[str] = field(default_factory=Counter)
    """How much was said of each item: see `parts_in`."""
    all_parts: int = 0
    unread: list[tuple[int, str]] = field(default_factory=list)
    """Numbers of lines that say nothing here, and why."""
    _told: Counter[str] = field(default_factory=Counter)
    """How many lines there were about each item."""
    _named: Counter[str] = field(default_factory=Counter)
    """How many answers that count name each label."""
    _answers: dict[str, list[Line]] = field(default_factory=dict)
    _of_item: dict[tuple[str, str], list[Line]] = field(default_factory=dict)

    def take(self, lines: Iterable[tuple[int, Line | None]], question: Question) -> set[str]:
        """Take numbered lines in; gives the items of which something else is known now.

        A line that says nothing here counts nowhere, and `unread` has it: it was edited, or is of a later version.
        """
        changed: set[str] = set()
        form = question.model_copy(update={"labels": []})  # what people answered stays theirs when labels are changed
        for number, line in lines:
            try:
                told = self._checked(line, form)
            except (KeyError, TypeError, ValueError) as error:
                lacks = f"it has no {error}" if isinstance(error, KeyError) else str(error)
                self.unread.append((number, lacks))
                continue
            assert line is not None
            before = self._names_by(told)
            item = self._take(line, form.type)
            changed.add(item)
            self._told[item] += 1
            self._named.subtract(before)
            self._named.update(self._names_by(told))
        return changed

    def _checked(self, line: Line | None, form: Question) -> Line:
        """The line that a line is about: itself, or the one that it undoes.

        Raises:
            KeyError, TypeError, ValueError: It is none; it says why.
        """
        if line is None:
            raise ValueError("it is no object of JSON")
        if any(not isinstance(line[name], str) for name in ("id", "by", "mark") if name in line):
            raise ValueError("`id`, `by` and `mark` are texts")
        match line["line"]:
            case "undo":
                if line["undoes"] not in self.lines:
                    raise ValueError("it undoes a line that is not there")
                return self.lines[line["undoes"]]
            case "annotation":
                _check_annotation(line["of"], form)
            case "skip":
                _check_part("item", line["item"])
                _check_part("round", line["round"])
            case "gold":
                _check_part("item", line["item"])
                if line["label"] is not None:
                    line["label"] = form.parse(line["label"])
            case "example":
                _check_part("item", line["item"])
                if line["text"] is not None:
                    _check_part("explanation", line["text"])
            case other:
                raise ValueError(f"{quoted(other)} is no kind of line that is known here")
        return line

    def _take(self, line: Line, question: QuestionType) -> str:
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
            self.parts[item] += (parts := parts_in(line["of"]["label"], question))
            self.all_parts += parts
        else:
            self._of_item.setdefault((kind, item), []).append(line)
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
            self.marks[line.get("by", ""), mark] = line["id"]
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
