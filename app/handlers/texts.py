"""The pipeline as text that can be edited: YAML, or Python. What a text would change, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from app.handlers.drafts import CannotEdit, Draft, View, notice_of, opening_comment, with_text
from app.handlers.line_changes import Line, Lines, line_changes
from app.handlers.outline import ProblemCard, StepCard, problem_card, step_cards
from app.handlers.problem_lines import with_lines
from app.handlers.staleness import staleness
from flows.engine.tally import money
from flows.plan import examine
from flows.runs import RunStore
from flows.spec import PipelineSpec, python, read_spec
from flows.spec import lines as yaml_lines
from flows.spec.changes import Change, changes, count_of
from steps.errors import Problem, SpecError
from steps.wording import counted

Language = Literal["yaml", "python"]
LANGUAGES: tuple[Language, ...] = ("yaml", "python")
LABELS: dict[Language, str] = {"yaml": "YAML", "python": "Python"}


class ChangeRow(TypedDict):
    """One line of the list of changes: whose it is, and what."""

    icon: str
    kind: str
    """done or fail for problems, acc for steps that ask a model, else empty."""
    title: str
    texts: list[str]


class Section(TypedDict):
    """Some of the changes, below a title of their own."""

    title: str
    rows: list[ChangeRow]


class TextState(TypedDict):
    """What the page says of a text while it is written."""

    language: Language
    lines: int
    is_empty: bool
    isChanged: bool
    """Whether it differs from the pipeline as it is applied."""
    problems: list[ProblemCard]
    count: int
    """How many things would change."""
    why_not: str
    """Why it cannot be applied; empty when it can."""
    sections: list[Section]
    diff: list[Line]


@dataclass(frozen=True, slots=True)
class _Read:
    """A text and what can be understood of it."""

    spec: PipelineSpec | None
    problems: list[ProblemCard]
    cards: list[StepCard]
    has_misfits: bool = False
    """Whether parts of it could not be read, and are not in the spec."""


_READERS: dict[Language, Callable[[str], tuple[PipelineSpec, list[Problem]]]] = {
    "yaml": read_spec,
    "python": python.read_python,
}
_LINES: dict[Language, Callable[[str], Lines]] = {"yaml": yaml_lines.step_lines, "python": python.step_lines}


def texts_of(view: View) -> dict[Language, tuple[str, TextState]]:
    """A draft in all languages, and what is said of each. What is no pipeline is no Python."""
    texts: dict[Language, str] = {"yaml": view["text"], "python": _as_python(view["spec"])}
    problems = [view["error"]] if view["error"] else view["problems"]
    return {language: (text, _unchanged(language, text, problems)) for language, text in texts.items()}


def applied(draft: Draft, language: Language, text: str) -> Draft:
    """The draft with the pipeline that a text holds, and one step back.

    Raises:
        CannotEdit: The text holds none.
    """
    try:
        spec, misfits = _READERS[language](text)
    except SpecError as error:
        raise CannotEdit(error.message, error.fix) from error
    change = f"edit of the {LABELS[language]}"
    if language == "yaml":
        return with_text(draft, text, change)
    if misfits:  # the YAML would not have them, and nobody would see them again
        raise CannotEdit(misfits[0].what, misfits[0].fix)
    before = _read("yaml", draft["text"]).spec
    if before is not None and not changes(before, spec):
        return draft
    return with_text(draft, opening_comment(draft["text"]) + spec.to_yaml(), change)


def state_of(draft: Draft, language: Language, text: str, store: RunStore | None = None) -> TextState:
    """What is said of a text that is in the editor; with the runs there are, also what of them it leaves as it is."""
    before = _read("yaml", draft["text"])
    current = draft["text"] if language == "yaml" else _as_python(before.spec.to_dict() if before.spec else None)
    if text == current:
        return _unchanged(language, text, before.problems)
    now = _read(language, text)
    state = _unchanged(language, text, now.problems)
    state["isChanged"], state["why_not"] = True, ""
    state["diff"] = line_changes(current, text, _LINES[language](text) if now.spec else ())
    if now.spec is None:
        state["why_not"] = f"This is no pipeline yet: mend the {LABELS[language]} first"
        return state
    found = changes(before.spec or PipelineSpec(), now.spec)
    state["count"] = count_of(found)
    state["sections"] = [section for section in (_changes(found, before, now), _problems(before, now)) if section["rows"]]
    if store is not None and not now.problems and (after := _after_applying(now.spec, store))["rows"]:
        state["sections"].append(after)
    if language == "python":
        if now.has_misfits:
            state["why_not"] = "Mend what does not fit first: it would be lost"
        elif not found and before.spec is not None:
            state["why_not"] = "The pipeline stays the same: only YAML keeps comments and layout"
    return state


def _unchanged(language: Language, text: str, problems: list[ProblemCard]) -> TextState:
    return TextState(
        language=language,
        lines=len(text.splitlines()),
        is_empty=not text.strip(),
        isChanged=False,
        problems=with_lines(problems, text, _step_lines(language, text)) if problems else [],
        count=0,
        why_not="Nothing was changed",
        sections=[],
        diff=[],
    )


def _step_lines(language: Language, text: str) -> Lines:
    try:
        return _LINES[language](text)
    except SpecError:
        return []


def _as_python(data: dict[str, Any] | None) -> str:
    return python.to_python(PipelineSpec.model_validate(data)) if data else ""


def _read(language: Language, text: str) -> _Read:
    if not text.strip():
        return _Read(None, [], [])
    try:
        spec, misfits = _READERS[language](text)
    except SpecError as error:
        return _Read(None, [notice_of(error)], [])
    plan, found = examine(spec)
    problems = [*misfits, *found]
    cards = step_cards(spec, plan, problems)
    return _Read(
        spec, [problem_card(problem, plan.steps.get(problem.step or "")) for problem in problems], cards, bool(misfits)
    )


def _changes(found: Sequence[Change], before: _Read, now: _Read) -> Section:
    cards = {card["name"]: card for card in (*before.cards, *now.cards)}
    return Section(title="", rows=[_row(change, cards.get(change.step)) for change in found])


def _row(change: Change, card: StepCard | None) -> ChangeRow:
    texts = [difference.words for difference in change.differences]
    if not change.step:
        return ChangeRow(icon="graph", kind="", title="Pipeline", texts=texts)
    kind = "acc" if card and card["asks"] and change.kind != "removed" else ""
    return ChangeRow(icon=card["icon"] if card else "box", kind=kind, title=change.step, texts=texts)


def _after_applying(spec: PipelineSpec, store: RunStore) -> Section:
    """What a run would take over from earlier ones then, and what it would do again."""
    found = staleness(spec.to_yaml(), store)
    fresh = [name for name, state in found["steps"].items() if state == "fresh"]
    again = [name for name, state in found["steps"].items() if state != "fresh"]
    rows = []
    if found["has_run"] and fresh:
        said = f"{', '.join(fresh)}: taken over from earlier runs, at no cost"
        rows.append(ChangeRow(icon="replay", kind="", title=f"{counted(len(fresh), 'step')} kept", texts=[said]))
    if found["has_run"] and again:
        asked = [counted(found["requests"], "request")] if found["requests"] else []
        paid = [f"about {money(found['cost'])}"] if found["cost"] else []
        said = ": ".join(part for part in (", ".join(again), ", ".join([*asked, *paid])) if part)
        rows.append(ChangeRow(icon="again", kind="", title=f"{counted(len(again), 'step')} to run again", texts=[said]))
    return Section(title="After applying", rows=rows)


def _problems(before: _Read, now: _Read) -> Section:
    rows = []
    for icon, kind, verb, some, others in (
        ("done", "done", "fixed", before.problems, now.problems),
        ("warn", "fail", "made", now.problems, before.problems),
    ):
        known = {_key(problem) for problem in others}
        if gone := [problem for problem in some if _key(problem) not in known]:
            rows.append(
                ChangeRow(icon=icon, kind=kind, title=f"{counted(len(gone), 'problem')} {verb}", texts=list(_said(gone)))
            )
    return Section(title="", rows=rows)


def _key(problem: ProblemCard) -> tuple[str, str | None, str]:
    return problem["code"], problem["step"], problem["what"]


def _said(problems: Iterable[ProblemCard]) -> Iterable[str]:
    for problem in problems:
        yield f"{problem['step']}: {problem['what']}" if problem["step"] else problem["what"]
