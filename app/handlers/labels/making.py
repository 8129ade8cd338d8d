"""How label projects come about: from a file, from a run, from the sample that is offered where there is none."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

from app.handlers.labels.learners import Learners
from flows.labelling import LabelProject, LabelProjects
from flows.labelling.importing import question_of_run, reviewable_leaves, rows_of_run, rows_of_text
from flows.labelling.limits import ELSEWHERE
from flows.runs import RunFolder, RunStore
from steps.base import Row
from steps.errors import DistilflowError, RunError
from steps.labels.annotations import ANNOTATOR, COLUMNS, GOLD, ITEM, LABEL
from steps.labels.questions import Question, label_text, number_in

MOST_PUBLIC_BYTES = 2_000_000
MOST_PUBLIC_PROJECTS = 500
MOST_LABELS = 50
RUNS_LOOKED_AT = 50


class Making:
    """Makes projects. On a server that is open to everybody, they are small, and nobody can guess their names."""

    def __init__(self, projects: LabelProjects, learners: Learners, *, is_public: bool) -> None:
        self._projects = projects
        self._learners = learners
        self._is_public = is_public

    def from_text(self, name: str, text: str, file: str, question: Question) -> LabelProject:
        """A project of a file's rows.

        Raises:
            SpecError, RowError: The file, or a row of it, is wrong.
            ProjectExists: There is one of this name.
        """
        self._check_size(text)
        return self._make(name or file.rpartition(".")[0] or "labels", rows_of_text(text, file), question, f"file {file}")

    def from_run(self, run: RunFolder, leaf: str | None = None) -> LabelProject:
        """The project of a run: the one that there is, or a new one of its annotations.

        Raises:
            RunError: It has no annotations.
        """
        source = f"run {run.run_id}"
        if (known := self._projects.made_from(source)) is not None:
            return self._projects.get(known)
        rows = rows_of_run(run, leaf)
        question = question_of_run(run) or guessed_question(rows)
        return self._make(self._projects.free_name(run.report().pipeline), rows, question, source)

    def add_text(self, project: LabelProject, text: str, file: str) -> dict[str, int]:
        """Add the rows of a file; what is there already is left as it is.

        Raises:
            SpecError, RowError: The file, or a row of it, is wrong; then nothing was added.
        """
        self._check_size(text)
        added = project.add_rows(rows_of_text(text, file))
        if added.changed:
            self._learners.start(project.name, opens_round=True)
        return {name: getattr(added, name) for name in ("items", "annotations", "replaced", "known", "gold")}

    def _make(self, name: str, rows: list[Row], question: Question, source: str) -> LabelProject:
        if self._is_public:
            if len(self._projects.names()) >= MOST_PUBLIC_PROJECTS:
                raise RunError("this server keeps no more label projects", ELSEWHERE)
            name = f"{self._projects.free_name(name)[:40]}-{secrets.token_hex(16)}"
        elif not name.isascii() or " " in name:
            name = self._projects.free_name(name)
        project = self._projects.create(name, question, rows, source)
        self._learners.start(project.name, opens_round=True)
        return project

    def _check_size(self, text: str) -> None:
        if self._is_public and len(text) > MOST_PUBLIC_BYTES:
            raise RunError(f"this file has more than {MOST_PUBLIC_BYTES:,} characters, as much as it may here", ELSEWHERE)


def guessed_question(rows: list[Row]) -> Question:
    """The question that rows seem to answer: its type by what their answers look like."""
    answers = [row[LABEL] for row in rows[:1000] if row.get(LABEL) is not None]
    if answers and all(
        isinstance(one, list) and all(isinstance(part, dict) and "start" in part for part in one) for one in answers
    ):
        return Question(type="spans", title="Which spans are there?")
    if any(isinstance(one, list) for one in answers):
        return Question(type="multi_label", title="Which labels fit?")
    if answers and all(isinstance(one, float) or (isinstance(one, int) and not isinstance(one, bool)) for one in answers):
        return Question(type="rating", title="How good is it?")
    return Question()


def looked_at(text: str, file: str) -> dict[str, Any]:
    """What a file holds, before a project is made of it.

    Raises:
        SpecError: It is no file of annotations.
    """
    rows = rows_of_text(text, file)
    answers = Counter(_short(row[LABEL]) for row in rows if row.get(ANNOTATOR) is not None and row.get(LABEL) is not None)
    columns = dict.fromkeys(column for row in rows[:1000] for column in row)
    own = {*COLUMNS, GOLD}
    return {
        "rows": len(rows),
        "items": len({str(row.get(ITEM)) for row in rows}),
        "annotations": answers.total(),
        "annotators": len({str(row[ANNOTATOR]) for row in rows if row.get(ANNOTATOR) is not None}),
        "labels": sorted(answers, key=lambda label: -answers[label])[:MOST_LABELS],
        "gold": sum(row.get(GOLD) is not None for row in rows),
        "columns": [column for column in columns if column not in own],
        "type": guessed_question(rows).type,
        "are_numbers": bool(answers) and all(_is_number(label) for label in answers),
    }


def _short(value: Any) -> str:
    try:
        return label_text(value)
    except ValueError:
        return "several"


def _is_number(text: str) -> bool:
    try:
        number_in(text)
    except ValueError:
        return False
    return True


def runs_to_review(store: RunStore, projects: LabelProjects, known: set[str] | None = None) -> list[dict[str, Any]]:
    """Runs that a project can be made from, newest first. `known`: the only ones that may be told of."""
    made = {about.made_from: name for name, about in reversed(projects.abouts().items())}
    found = []
    for run in store.all()[:RUNS_LOOKED_AT]:
        if known is not None and run.run_id not in known:
            continue
        try:
            leaves = reviewable_leaves(run)
            report = run.report() if leaves else None
        except (DistilflowError, OSError):
            continue
        if report is not None:
            rows = sum(report.rows.get(leaf, 0) for leaf in leaves)
            project = made.get(f"run {run.run_id}") if known is None else None
            found.append(
                {
                    "id": run.run_id,
                    "pipeline": report.pipeline,
                    "rows": rows,
                    "started_at": report.started_at,
                    "project": project,
                }
            )
    return found


def project_of_run(run: RunFolder, projects: LabelProjects) -> dict[str, Any]:
    """Whether labels of a run can be reviewed, and in which project they are already."""
    try:
        can = bool(reviewable_leaves(run))
    except DistilflowError:
        can = False
    return {"can": can, "project": projects.made_from(f"run {run.run_id}") if can else None}


def entries(projects: LabelProjects, names: list[str] | None = None) -> list[dict[str, Any]]:
    """What a list shows of each project, the newest first. `names`: the only ones that may be told of."""
    found: list[dict[str, Any]] = []
    for name in projects.names():
        if names is not None and name not in names:
            continue
        try:
            project = projects.get(name)
            about = project.about
        except DistilflowError as error:
            found.append({"name": name, "problem": f"{error.message}. {error.fix}".rstrip(". ")})
            continue
        opened = about.open_round
        found.append(
            {
                "name": name,
                "question": about.question.title,
                "items": len(project.items),
                "annotations": project.said.count,
                "gold": len(project.said.gold()),
                "round": opened.number if opened else None,
                "made_from": about.made_from,
                "version": max(project.versions.numbers(), default=0),
            }
        )
    return found
