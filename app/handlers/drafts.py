"""The pipeline that is being built: its text, what was changed, and what the page shows of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from app.handlers.outline import ProblemCard, StepCard, problem_card, step_cards
from app.handlers.wrong_entries import WrongEntries, WrongEntry, as_problem, standing
from flows.models import with_llm
from flows.plan import Plan, examine
from flows.spec import PipelineSpec, read_spec, spec_from
from steps.errors import DistilflowError, PlanError, Problem, SpecError
from steps.models import Model

UNDO_STEPS = 50
MOST_KEPT = 2_000_000
"""Characters of a pipeline that the browser can keep: it gives a site 5 MB, and they are stored encrypted."""


class File(TypedDict):
    """Where a pipeline is kept, and as what."""

    name: str
    """What it is kept as; empty where nothing is kept yet."""
    version: str | None
    """The content that was last read or written; None for an example that was not changed, and in a browser."""
    saved_at: float | None
    problem: str
    """Why it is not saved: "changed-on-disk", or in words; empty where it is."""


class Draft(TypedDict):
    """What a browser tab works on. `undo` and `redo` hold (name of the change, text before or after it)."""

    text: str
    selected: str | None
    undo: list[tuple[str, str]]
    redo: list[tuple[str, str]]
    file: File
    wrong: WrongEntries


class View(TypedDict):
    """What the build page shows of a draft."""

    name: str
    description: str
    text: str
    error: ProblemCard | None
    steps: list[StepCard]
    problems: list[ProblemCard]
    wrong: list[WrongEntry]
    """Fields whose entries cannot be understood; each is among the problems too."""
    selected: str | None
    why_no_run: str
    why_no_rehearsal: str
    canvas: dict[str, Any]
    """Where steps were moved by hand, and which are drawn as one."""
    spec: dict[str, Any] | None
    """The pipeline as plain data."""
    result: list[dict[str, Any]]
    facts: dict[str, Any]
    undo: str
    redo: str
    notice: ProblemCard | None
    file: File
    is_kept: bool
    """Whether it is there after a reload: saved, or small enough for the browser."""
    form: int | None
    """Number of the form that belongs to this view, where a new one is under way."""
    answers: int
    """Number of the page's change that it answers; 0 for none."""


class CannotEdit(DistilflowError):
    """The change cannot be made; the draft stays as it was."""

    code = "cannot-edit"


# ---- opening and changing


def new_draft(
    text: str = "", selected: str | None = None, file: File | None = None, wrong: WrongEntries | None = None
) -> Draft:
    return Draft(text=text, selected=selected, undo=[], redo=[], file=file or new_file(), wrong=wrong or {})


def new_file(name: str = "") -> File:
    """What is not saved yet."""
    return File(name=name, version=None, saved_at=None, problem="")


def with_text(draft: Draft, text: str, change: str, *, is_field: bool = False) -> Draft:
    """The draft with another text, and a way back. Changes of one field, one after the other, are one step back."""
    if text == draft["text"]:
        return draft
    goes_on = is_field and bool(draft["undo"]) and draft["undo"][-1][0] == change and not draft["redo"]
    undo = draft["undo"] if goes_on else [*draft["undo"], (change, draft["text"])][-UNDO_STEPS:]
    return {**draft, "text": text, "undo": undo, "redo": []}


def undo(draft: Draft) -> Draft:
    """The draft before its last change."""
    if not draft["undo"]:
        return draft
    *rest, (change, text) = draft["undo"]
    redo = [*draft["redo"], (change, draft["text"])]
    return {**draft, "text": text, "undo": rest, "redo": redo}


def redo(draft: Draft) -> Draft:
    """The draft before the last `undo`."""
    if not draft["redo"]:
        return draft
    *rest, (change, text) = draft["redo"]
    undo = [*draft["undo"], (change, draft["text"])]
    return {**draft, "text": text, "undo": undo, "redo": rest}


def select(draft: Draft, step: str | None) -> Draft:
    return {**draft, "selected": step}


def edit_step(draft: Draft, step: str, change: str, edit: Callable[[dict[str, Any]], None]) -> Draft:
    """The draft after `edit` changed the data of one step.

    Raises:
        CannotEdit: The text is no pipeline, there is no such step, or the step would not be one any more.
    """

    def edit_pipeline(data: dict[str, Any]) -> None:
        edit(step_in(data, step))

    return edit_data(draft, change, edit_pipeline, is_field=True)


def edit_data(draft: Draft, change: str, edit: Callable[[dict[str, Any]], None], *, is_field: bool = False) -> Draft:
    """The draft after `edit` changed the data of the pipeline.

    Raises:
        CannotEdit: The text is no pipeline, or would not be one any more.
    """
    spec, _ = _read(draft["text"])
    if spec is None and draft["text"].strip():
        raise CannotEdit("the YAML is no pipeline yet", "mend it first")
    data = (spec or PipelineSpec()).to_dict()
    data.setdefault("steps", [])
    before = repr(data)  # which tells 1 from 1.0 and from true
    edit(data)
    if repr(data) == before:  # somebody only passed by: the text stays as it was written
        return draft
    try:
        changed, problems = spec_from(data)
    except SpecError as error:
        raise CannotEdit(error.message, error.fix) from error
    if problems:
        raise CannotEdit(problems[0].what, problems[0].fix)
    return with_text(draft, f"{opening_comment(draft['text'])}{changed.to_yaml()}", change, is_field=is_field)


def step_in(data: dict[str, Any], name: str) -> dict[str, Any]:
    """The data of a step in that of its pipeline.

    Raises:
        CannotEdit: There is none of this name.
    """
    found = next((step for step in data["steps"] if step["name"] == name), None)
    if found is None:
        raise CannotEdit(f"there is no step {name!r} to change", "it may have been deleted in another tab; reload the page")
    step: dict[str, Any] = found
    return step


# ---- looking


def view(draft: Draft, notice: ProblemCard | None = None) -> View:
    """What the page shows of a draft; also of one that is no pipeline (yet)."""
    spec, error = _read(draft["text"])
    shown = View(
        name="",
        description="",
        text=draft["text"],
        error=error,
        steps=[],
        problems=[],
        wrong=[],
        selected=None,
        why_no_run=_why_nothing(draft["text"]),
        why_no_rehearsal=_why_nothing(draft["text"]),
        canvas={"positions": {}, "groups": {}},
        spec=None,
        result=[],
        facts={},
        undo=draft["undo"][-1][0] if draft["undo"] else "",
        redo=draft["redo"][-1][0] if draft["redo"] else "",
        notice=notice,
        file=draft["file"],
        is_kept=draft["file"]["version"] is not None or len(draft["text"]) <= MOST_KEPT,
        form=None,
        answers=0,
    )
    if spec is None:
        return shown
    plan, problems = check(draft["text"], spec)
    shown["wrong"] = [*standing(draft["wrong"], spec).values()]
    problems += map(as_problem, shown["wrong"])
    shown["name"], shown["description"] = spec.name, spec.description or ""
    shown["steps"] = step_cards(spec, plan, problems)
    shown["canvas"] = spec.canvas.model_dump(mode="json")
    shown["spec"] = spec.to_dict()
    shown["problems"] = [problem_card(problem) for problem in problems]
    names = spec.names()
    shown["selected"] = draft["selected"] if draft["selected"] in names else (shown["steps"][0]["name"] if names else None)
    shown["why_no_run"] = _fix_first(len(problems))
    shown["why_no_rehearsal"] = _fix_first(sum(1 for problem in problems if problem.code != "model-not-ready"))
    shown["result"] = [{"leaf": leaf, "columns": plan.steps[leaf].sent} for leaf in plan.leaves]
    shown["facts"] = {
        "steps": len(spec.steps),
        "asks": len(plan.llms),
        "models": _models(plan),
        "paid": sum(not llm.is_free for _, llm in plan.every_llm),
        "reaches": _reaches(plan),
    }
    return shown


def check(text: str, spec: PipelineSpec | None = None) -> tuple[Plan, list[Problem]]:
    """The plan of a pipeline text and everything that is wrong with it.

    Raises:
        SpecError: It is no pipeline.
    """
    read, problems = read_spec(text)
    plan, found = examine(spec or read)
    return plan, [*problems, *found]


def spec_to_run(draft: Draft, is_rehearsal: bool = False) -> PipelineSpec:
    """The pipeline as it can run now; as a rehearsal every task asks the model that is free.

    Raises:
        SpecError: The text is no pipeline.
        PlanError: It has problems.
    """
    plan, problems = check(draft["text"])
    problems += map(as_problem, standing(draft["wrong"], plan.spec).values())
    if is_rehearsal and not [problem for problem in problems if problem.code != "model-not-ready"]:
        rehearsal = with_llm(plan.spec, "rehearsal")
        _, problems = examine(rehearsal)
        if not problems:
            return rehearsal
    if problems:
        raise PlanError(problems)
    return plan.spec


def notice_of(error: DistilflowError) -> ProblemCard:
    """An error in the words of a notice."""
    if isinstance(error, PlanError) and error.problems:
        return problem_card(error.problems[0])
    return problem_card(Problem(error.code, "", error.message, error.fix))


def _read(text: str) -> tuple[PipelineSpec | None, ProblemCard | None]:
    if not text.strip():
        return None, None
    try:
        spec, _ = read_spec(text)
    except SpecError as error:
        return None, notice_of(error)
    return spec, None


def opening_comment(text: str) -> str:
    """The comment lines that a pipeline file starts with: they say what it is for, and stay when it is edited."""
    lines = []
    for line in text.splitlines(keepends=True):
        if not line.startswith("#"):
            break
        lines.append(line)
    return "".join(lines)


def _why_nothing(text: str) -> str:
    return "Mend the YAML first" if text.strip() else "Start or open a pipeline first"


def _fix_first(problems: int) -> str:
    return f"Fix {problems} problem{'s' if problems != 1 else ''} first" if problems else ""


def _models(plan: Plan) -> list[str]:
    return list(dict.fromkeys(llm.model_name for _, llm in plan.every_llm))


def _reaches(plan: Plan) -> bool:
    """Whether already looking at its rows asks something beyond this machine: that is done only when a person wants it."""
    return any(planned.step.reaches for planned in plan.steps.values())


def secret_fields(model: type[Model]) -> list[str]:
    """Parameters of a model class that hold keys."""
    properties = model.model_json_schema()["properties"]
    return [name for name, schema in properties.items() if schema.get("writeOnly")]
