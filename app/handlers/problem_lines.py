"""The line of a pipeline text at which a problem is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.handlers.line_changes import Lines
from app.handlers.outline import ProblemCard

_QUOTED = re.compile(r"'[^']*'")
_LINE = re.compile(r"\bline (\d+)\b")


def with_lines(problems: Sequence[ProblemCard], text: str, steps: Lines) -> list[ProblemCard]:
    """These problems, each with its line as far as it can be told. `steps` says where the steps stand in the text.

    What reads a text names the line in words. All else is about a step, or the pipeline, and quotes what is wrong there:
    the first line that has it, by itself, is shown.
    """
    lines = text.splitlines()
    places = {name: (first, last) for name, first, last in steps}
    return [{**problem, "line": _line_of(problem, lines, places)} for problem in problems]


def _line_of(problem: ProblemCard, lines: Sequence[str], places: dict[str, tuple[int, int]]) -> int | None:
    if not lines:
        return None
    said = _LINE.search(_QUOTED.sub("", problem["what"])) if problem["step"] is None else None
    if said:  # of the text itself; what is wrong in a step may be about a line of something else
        return min(max(1, int(said[1])), len(lines))
    if problem["step"] is not None and problem["step"] not in places:
        return None
    first, last = places[problem["step"]] if problem["step"] is not None else (1, len(lines))
    for quoted in _QUOTED.findall(problem["what"]):
        word = re.escape(quoted[1:-1].rpartition(".")[2])
        alone = re.compile(rf"(?<![\w.-]){word}(?![\w.-])")
        for number in range(first, min(last, len(lines)) + 1):
            if word and alone.search(lines[number - 1]):
                return number
    return first if problem["step"] is not None else None
