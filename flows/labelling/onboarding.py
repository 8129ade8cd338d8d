"""Examples that teach a new reviewer: clear-cut items, instructive ones, and those that people chose.

An item is clear-cut where evidence leans heavily one way. It is instructive where several annotators gave an answer that turned
out wrong: that is where the guideline has to be known.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flows.labelling.project import LabelProject
from flows.labelling.scoring import Score
from flows.parquet.values import json_text
from steps.base import Row
from steps.labels.questions import QuestionType, label_text
from steps.wording import counted, listed

Why = Literal["chosen", "clear-cut", "instructive"]
CLEAR = 0.95
LEAST_ANSWERS = 3
RIGHT = 0.8
"""How probable a label must be for those who said otherwise to count as wrong; gold always counts."""
MINORITY = 0.25
"""Share of the answers that a wrong one must have to be instructive."""
EACH = 3
"""Examples of each label, clear-cut and instructive."""
HEADINGS: dict[Why, str] = {"chosen": "Chosen by reviewers", "clear-cut": "Clear-cut", "instructive": "Instructive"}


@dataclass(frozen=True, slots=True)
class Example:
    """An item with its label, and what is to be learned from it."""

    item: str
    label: Any
    why: Why
    text: str
    columns: Row

    def row(self) -> Row:
        return {"item": self.item, **self.columns, "label": self.label, "why": self.why, "explanation": self.text}


def onboarding_set(project: LabelProject) -> list[Example]:
    """The examples of a project: those that people chose, then for each label the clearest and the most instructive ones."""
    with project.reading():
        chosen = project.said.examples()
        found = [
            Example(
                item,
                project.score(item).label,
                "chosen",
                text or _clear(project, item, project.score(item)),
                project.items[item],
            )
            for item, text in chosen.items()
            if item in project.items and project.score(item).answers
        ]
        standing = project.standing
        if standing is None:
            return found
        taken: Counter[tuple[str, Why]] = Counter()
        for item, why, text in _ranked(project, {**standing.scores}):
            label = standing.of(item).label
            kind = (label_key(label), why)
            if item in chosen or taken[kind] >= EACH:
                continue
            taken[kind] += 1
            found.append(Example(item, label, why, text, project.items[item]))
        return found


def known_set(project: LabelProject) -> list[Example]:
    """The same as it was when a strategy was learned last, or an example chosen: quick to ask for again and again."""
    with project.reading():
        key = (project.place[2], *sorted(project.said.examples().items()))
        return project.remembered("onboarding", key, lambda: onboarding_set(project))


def _ranked(project: LabelProject, scores: dict[str, Score]) -> Iterator[tuple[str, Why, str]]:
    """Items that are examples, the best of each kind first."""
    clear: list[tuple[float, str]] = []
    instructive: list[tuple[float, str]] = []
    for item, score in scores.items():
        if score.answers < LEAST_ANSWERS or not (score.is_gold or score.probability >= RIGHT):
            continue
        said = [label_key(one["label"]) for one in project.said.annotations_of(item)]
        against = sum(one != label_key(score.label) for one in said) / len(said)
        if against == 0 and (score.is_gold or score.probability >= CLEAR):
            clear.append((len(said), item))
        elif against >= MINORITY:
            instructive.append((against * (2 if score.is_gold else score.probability), item))
    for _, item in sorted(clear, key=lambda one: -one[0]):
        yield item, "clear-cut", _clear(project, item, scores[item])
    for _, item in sorted(instructive, key=lambda one: -one[0]):
        yield item, "instructive", _instructive(project, item, scores[item])


def _clear(project: LabelProject, item: str, score: Score) -> str:
    said = [label_key(one["label"]) for one in project.said.annotations_of(item)]
    agreed = said.count(label_key(score.label))
    words = in_words(score.label, project.about.question.type)
    text = f"{agreed} of {counted(len(said), 'answer')} {'is' if agreed == 1 else 'are'} {words}."
    return " ".join([text, *_comments(project, item, score, is_for=True)])


def _instructive(project: LabelProject, item: str, score: Score) -> str:
    """Who was wrong, and why it is so all the same: as people said it, where they did."""
    said = Counter(label_key(one["label"]) for one in project.said.annotations_of(item))
    right = said.pop(label_key(score.label), 0)
    other, count = said.most_common(1)[0]
    names = [one["annotator"] for one in project.said.annotations_of(item) if label_key(one["label"]) == other]
    sure = "It is known to be" if score.is_gold else f"It is ({score.probability:.0%})"
    answers = counted(right + sum(said.values()), "answer")
    text = (
        f"{count} of {answers} said {other} ({listed(names[:3])}). {sure} {in_words(score.label, project.about.question.type)}."
    )
    return " ".join([text, *_comments(project, item, score, is_for=True)])


def _comments(project: LabelProject, item: str, score: Score, *, is_for: bool) -> list[str]:
    """What those said who were right."""
    of = [
        one
        for one in project.said.annotations_of(item)
        if one["explanation"] and (label_key(one["label"]) == label_key(score.label)) == is_for
    ]
    people_first = sorted(of, key=lambda one: one["kind"] != "human")
    return [f"{one['annotator']}: {one['explanation']}" for one in people_first[:1]]


def label_key(label: Any) -> str:
    """An answer as one text, equal for equal answers."""
    return (
        json.dumps(label, sort_keys=True) if isinstance(label, (list, dict)) else label_text(label) if label is not None else ""
    )


def in_words(label: Any, question: QuestionType = "label") -> str:
    """An answer in a sentence."""
    if isinstance(label, list):
        names = [str(one.get("label", one)) if isinstance(one, dict) else str(one) for one in label]
        return " > ".join(names) if question == "ranking" else listed(names) or "none"
    return label_text(label) if label is not None else "unknown"


# ---- the nearest of them

_WORD = re.compile(r"\w+")


def words_of(columns: Row) -> Counter[str]:
    """The words of an item."""
    return Counter(word.lower() for value in columns.values() if isinstance(value, str) for word in _WORD.findall(value[:5000]))


def most_alike(examples: Sequence[Example], columns: Row, item: str, count: int = 3) -> list[Example]:
    """The examples that share most words with an item, rare ones above all; none that share nothing."""
    mine = words_of(columns)
    theirs = [(example, words_of(example.columns)) for example in examples if example.item != item]
    rarity = Counter(word for _, words in theirs for word in words)

    def vector(words: Counter[str]) -> dict[str, float]:
        return {word: (1 + math.log(number)) * math.log(1 + len(theirs) / (1 + rarity[word])) for word, number in words.items()}

    own = vector(mine)
    size = math.sqrt(sum(value * value for value in own.values()))
    ranked = []
    for example, words in theirs:
        other = vector(words)
        dot = sum(value * own.get(word, 0) for word, value in other.items())
        norm = math.sqrt(sum(value * value for value in other.values())) * size
        if dot > 0 and norm > 0:
            ranked.append((dot / norm, example))
    return [example for _, example in sorted(ranked, key=lambda one: -one[0])[:count]]


# ---- as files


def as_markdown(project: LabelProject, examples: Sequence[Example]) -> str:
    """The set as a page to hand to a new reviewer. What data holds is shown as it is: nothing in it is Markdown or HTML."""
    question = project.about.question
    lines = [f"# {_line(question.title)}", ""]
    if question.guideline:
        lines += [*(f"{_line(line)}\\" if line.strip() else "" for line in question.guideline.strip().splitlines()), ""]
        lines[-2] = lines[-2].removesuffix("\\")
    if project.labels:
        lines += [f"Answers: {', '.join(map(_line, project.labels))}.", ""]
    for why, heading in HEADINGS.items():
        some = [example for example in examples if example.why == why]
        if not some:
            continue
        lines += [f"## {heading}", ""]
        for example in some:
            lines += [f"### {_line(in_words(example.label, question.type))}: {_line(example.item)}", ""]
            for name, value in example.columns.items():
                lines += [f"**{_line(name)}**", "", *_block(value), ""]
            lines += [_line(example.text), ""]
    return "\n".join(lines)


_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~&@$^]|[:.](?=\S)|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|^\d{3,}[.)]")
"""Signs of Markdown and HTML; some are such at the start of a line, or within a word, as in addresses."""
_FENCES = re.compile(r"^\s*(`{3,})", re.MULTILINE)


def _line(text: str) -> str:
    """A text on one line, with a stroke before each sign that could be one of Markdown or HTML."""
    return _MARKS.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", " ".join(text.split()))


def _block(value: Any) -> list[str]:
    """A value letter by letter, with its lines."""
    text = value if isinstance(value, str) else json_text(value)
    longest = max(map(len, _FENCES.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", text, fence]
