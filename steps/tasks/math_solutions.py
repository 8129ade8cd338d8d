"""Solutions in steps: where they begin and end, and whether two answers are the same."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from steps.tasks.lenient_json import without_thoughts

ANSWER_IS = "The answer is:"


class Solution(NamedTuple):
    """The steps, each with its number, and the line with the answer; None where there is none."""

    steps: list[str]
    answer: str | None

    @property
    def lines(self) -> list[str]:
        return self.steps if self.answer is None else [*self.steps, self.answer]


def split_solution(text: str) -> Solution:
    """What a model wrote, as a solution: each step begins with the number that follows the one before ("Step 2:").

    What comes before the first step, and after the line of the answer, is left out.
    """
    said = without_thoughts(text)
    ends = list(_ANSWER.finditer(said))
    body = said[: ends[-1].start()] if ends else said
    answer = _trimmed(said[ends[-1].end() :].strip().partition("\n")[0]) if ends else ""
    starts: list[re.Match[str]] = []
    for found in _STEP.finditer(body):
        if not starts or int(found[1]) == int(starts[-1][1]) + 1:
            starts.append(found)
    stops = [*(start.start() for start in starts), len(body)][1:]
    contents = [(int(start[1]), _trimmed(body[start.end() : stop])) for start, stop in zip(starts, stops, strict=True)]
    steps = [f"Step {number}: {content}" for number, content in contents if content]
    return Solution(steps, f"{ANSWER_IS} {answer}" if answer else None)


def answer_in(text: str) -> str:
    """The answer that a text gives: what follows "The answer is:" or GSM8K's "####", else the text itself."""
    found = list(_ANSWER.finditer(text))
    after = text[found[-1].end() :] if found else text.rpartition("####")[2]
    return _trimmed(after.strip().partition("\n")[0] if found else after)


def is_same_answer(one: str, other: str) -> bool:
    """Whether two answers say the same: numbers by their value, all else by its letters."""
    one, other = _plain(one), _plain(other)
    if one == other:
        return bool(one)
    number = _number(one)
    return number is not None and number == _number(other)


def _trimmed(text: str) -> str:
    return text.strip(_EDGES)


def _plain(answer: str) -> str:
    text = " ".join(answer.casefold().split()).strip(" .*`$")
    text = _BOXED.sub(r"\1", text)
    text = _FRACTION.sub(r"\1/\2", text)
    for mark, plain in _MARKS.items():
        text = text.replace(mark, plain)
    return _THOUSANDS.sub("", text).strip(" .")


def _number(text: str) -> Fraction | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Fraction(text.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        return None


_EDGES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "*_#>"
"""Blanks of every kind, as `str.strip` knows them, and marks of Markdown."""
_STEP = re.compile(r"\bStep\s{1,3}(\d{1,4})[*_ ]{0,4}[:.)]", re.IGNORECASE)
_ANSWER = re.compile(r"\bThe (?:final )?answer is[*_ ]{0,4}:?", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_FRACTION = re.compile(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_MARKS = {"\\$": "", "$": "", "\\%": "%", "\\!": "", "\\(": "", "\\)": ""}
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_NUMBER = re.compile(r"[-+]?\d{1,400}(?:\.\d{1,400})?(?: ?/ ?\d{1,400})?")
