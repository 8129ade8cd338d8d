"""`labels`: projects of labels to review, made, learned, queued, compared and exported without the app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from flows.cli.console import out, show_aligned, tell
from flows.cli.flags import RunsDir
from flows.runs import RUNS, RunStore
from steps.errors import DistilflowError, SpecError
from steps.labels.questions import QuestionType
from steps.wording import counted, listed

if TYPE_CHECKING:
    from flows.labelling import LabelProject, LabelProjects
    from flows.labelling.exporting import Form, Segment

labels = typer.Typer(
    help="Label projects: import annotations, learn a strategy, see what to review, export.", no_args_is_help=True
)

LabelsDir = Annotated[Path, typer.Option(help="Folder that holds all label projects.")]
Project = Annotated[str, typer.Argument(help="Name of the label project.")]
Rounds = Annotated[list[int] | None, typer.Option("--round", help="Only what was said in this round. May be repeated.")]
Annotators = Annotated[list[str] | None, typer.Option("--annotator", help="Only what this annotator said. May be repeated.")]
Topic = Annotated[str | None, typer.Option(metavar="COLUMN=VALUE", help="Only items whose column has this value.")]
LABELS = Path("labels")
_TYPES = get_args(QuestionType)


def _store(folder: Path) -> LabelProjects:
    from flows.labelling import LabelProjects

    return LabelProjects(folder)


def _opened(store: LabelProjects, name: str) -> LabelProject:
    found = store.get(name)
    _tell_of_unread(found)
    return found


def _tell_of_unread(project: LabelProject) -> None:
    if project.unread:
        tell(f"{project.unread}. Fix: mend the line, or delete it.")


@labels.command("list")
def list_projects(labels_dir: LabelsDir = LABELS) -> None:
    """List the label projects, the newest first."""
    store = _store(labels_dir)
    lines = []
    for name in store.names():
        try:
            project = store.get(name)
            about = project.about
        except DistilflowError as error:  # the others are listed all the same
            tell(f"{error.message}. Fix: {error.fix}.")
            continue
        _tell_of_unread(project)
        opened = about.open_round
        version = max(project.versions.numbers(), default=0)
        counts = (f"{len(project.items):,}", f"{project.said.count:,}", f"{len(project.said.gold()):,}")
        lines.append([name, *counts, f"v{version}" if version else "", str(opened.number) if opened else "", about.made_from])
    if not lines:
        tell(f"There are no label projects in {labels_dir}. Make one: distilflow labels import FILE --project NAME")
        return
    show_aligned(["project", "items", "annotations", "gold", "strategy", "open round", "made from"], lines)


@labels.command("import")
def import_rows(
    source: Annotated[str, typer.Argument(help="File (CSV, JSON Lines, JSON, Parquet), or the id of a run.")],
    project: Annotated[str, typer.Option(help="Label project to add to; it is made if there is none.")],
    question: Annotated[str | None, typer.Option(help="What is asked about each item; that of the run, if not given.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help=f"What an answer is, of a new project: {', '.join(_TYPES)}.")
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label to choose from, in order. May be repeated.")] = None,
    labels_dir: LabelsDir = LABELS,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Take in annotations: rows with item, annotator and label. Known ones are left as they are."""
    from flows.labelling.importing import question_of_run, rows_of_file, rows_of_run
    from steps.labels.questions import Question

    answers = next((one for one in _TYPES if one == kind), None)
    if answers is None and kind is not None:
        raise SpecError(f"--type {kind!r} is none", f"write one of {', '.join(_TYPES)}")
    path = Path(source)
    is_file = path.suffix != "" or path.exists()
    rows = rows_of_file(path) if is_file else rows_of_run(RunStore(runs_dir).get(source))
    store = _store(labels_dir)
    if project in store.names():
        found = _opened(store, project)
        added = found.add_rows(rows)
        new = f"{counted(added.annotations, 'annotation')} and {counted(added.items, 'item')} added"
        tell(f"{new}, {added.replaced} replaced, {added.known} known already.")
        if added.gold:
            tell(f"{counted(added.gold, 'gold label')} new or changed.")
        return
    of_run = None if is_file else question_of_run(RunStore(runs_dir).get(source))
    given = {name: value for name, value in {"type": answers, "title": question, "labels": label}.items() if value}
    asked = (of_run or Question()).model_copy(update=given)
    found = store.create(project, asked, rows, f"file {path.name}" if is_file else f"run {source}")
    gold = f", {counted(len(known), 'gold label')}" if (known := found.said.gold()) else ""
    tell(f"{project}: {counted(found.said.count, 'annotation')} of {counted(len(found.items), 'item')}{gold}.")
    if not found.said.count:
        shown = listed(dict.fromkeys(column for columns in found.items.values() for column in columns)) or "nothing"
        tell(f"No column says who answered: each row is an item that waits for answers, shown with {shown}.")
        tell("Answer: distilflow app")
        return
    tell(f"Next: distilflow labels learn {project}")


@labels.command("learn")
def learn(project: Project, labels_dir: LabelsDir = LABELS) -> None:
    """Learn a strategy from all answers, and open a round of items to review if none is open."""
    from flows.labelling.learning import learn_anew, measures_of
    from flows.labelling.rounds import open_round

    store = _store(labels_dir)
    found = _opened(store, project)
    learned = learn_anew(found)
    tell(f"Strategy {learned.strategy.tag}{'' if learned.is_new else ', which decides as before'}.")
    if learned.strategy.why:
        tell(learned.strategy.why)
    measures = measures_of(found.folder)
    if quality := measures.get("quality"):
        accuracy = quality["accuracy"]
        span = f"{accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f})"
        tell(f"Right on {counted(quality['items'], 'gold item')} that it did not know: {span}.")
    tell(f"Labels expected to be wrong: {measures['uncertainty']:.1%}.")
    if found.about.open_round is None:
        opened = open_round(found, store.gains(project))
        tell(f"Round {opened.number} is open, with {counted(len(opened.items), 'item')}. Review it: distilflow app")


@labels.command("queue")
def show_queue(
    project: Project,
    top: Annotated[int, typer.Option(min=1, help="How many items to show.")] = 20,
    labels_dir: LabelsDir = LABELS,
) -> None:
    """Show what to review next: the items about which an answer is expected to put most labels right."""
    from flows.labelling.onboarding import in_words
    from flows.labelling.rounds import queue

    store = _store(labels_dir)
    found = _opened(store, project)
    items = None if found.about.open_round else [item for item in found.items if found.said.gold_of(item) is None]
    entries = [one for one in queue(found, store.gains(project), items) if not one.is_done]
    lines = [
        [
            one.item,
            in_words(one.score.label, found.about.question.type),
            f"{one.score.uncertainty:.0%}",
            f"{one.gain:.3f}",
            str(one.score.answers),
        ]
        for one in entries[:top]
    ]
    if not lines:
        tell("Nothing is left to review.")
        return
    show_aligned(["item", "label now", "unsure", "gain", "answers"], lines)
    if found.strategy is None:
        tell(f"Nothing is learned yet, so that all are equally unsure: distilflow labels learn {project}")
    else:
        tell("The first items are those where an answer is expected to put most labels right (gain), then the least sure.")
    if len(entries) > top:
        tell(f"{len(entries) - top:,} more.")


@labels.command("export")
def export(
    project: Project,
    output: Annotated[
        Path,
        typer.Option(help=".jsonl, .csv or .parquet; .md for onboarding examples; .json for a strategy."),
    ],
    what: Annotated[str, typer.Option(help="annotations, labels, onboarding or strategy.")] = "labels",
    version: Annotated[int | None, typer.Option(min=1, help="Version of the strategy; the newest if not given.")] = None,
    rounds: Rounds = None,
    annotator: Annotators = None,
    topic: Topic = None,
    labels_dir: LabelsDir = LABELS,
) -> None:
    """Write annotations, labels or onboarding examples, of all or of a part."""
    found = _opened(_store(labels_dir), project)
    if what == "strategy":
        _write(output, _strategy_file(found, version, output))
        return
    _write(output, _exported(found, what, output, _segment(rounds, annotator, topic)))


@labels.command("apply")
def apply_strategy(
    strategy: Annotated[Path, typer.Argument(help="A strategy that was exported, or the artifact of a run.")],
    source: Annotated[Path, typer.Argument(help="File of annotations: CSV, JSON Lines, JSON, Parquet.")],
    output: Annotated[Path, typer.Option(help="File to write the labels to: .jsonl, .csv or .parquet.")],
) -> None:
    """Label items by a strategy that was saved: nothing is learned, and no project is needed."""
    from flows.labelling.applying import labelled
    from flows.labelling.exporting import as_bytes
    from flows.labelling.importing import rows_of_file

    form = _form(output)
    if form is None:
        raise SpecError(f"{output} does not say its form", "let its name end with .jsonl, .csv or .parquet")
    rows = labelled(strategy, rows_of_file(source))
    _write(output, as_bytes(rows, form))
    tell(f"{counted(len(rows), 'item')}, labelled by {strategy}.")


def _write(output: Path, content: bytes) -> None:
    from flows.labelling.disk import disk
    from flows.labelling.log import write_durably

    with disk(f"{output} was not written"):
        if output.exists() and not output.is_file():  # a device or a pipe, which cannot be replaced
            output.write_bytes(content)
        else:
            write_durably(output.resolve(), content)
    tell(f"Wrote {output}.")


def _strategy_file(found: LabelProject, version: int | None, output: Path) -> bytes:
    if output.suffix != ".json":
        raise SpecError(f"{output} is no name of a strategy's file", "let its name end with .json")
    numbers = found.versions.numbers()
    return found.versions.path(version or max(numbers, default=1)).read_bytes()


def _form(output: Path) -> Form | None:
    from flows.labelling.exporting import Form

    return next((one for one in get_args(Form) if one == output.suffix.removeprefix(".")), None)


def _segment(rounds: list[int] | None, annotators: list[str] | None, topic: str | None) -> Segment:
    from flows.labelling.exporting import Segment

    column, sign, value = (topic or "").partition("=")
    if topic and not sign:
        raise SpecError(f"--topic {topic!r} names no value", "write it as column=value")
    return Segment(tuple(rounds or ()), tuple(annotators or ()), column, value)


def _exported(found: LabelProject, what: str, output: Path, segment: Segment) -> bytes:
    from flows.labelling.exporting import What, as_lines, export_bytes
    from flows.labelling.onboarding import as_markdown, onboarding_set

    form = output.suffix.removeprefix(".")
    if what == "onboarding" and form in ("md", "jsonl"):
        examples = onboarding_set(found)
        return as_markdown(found, examples).encode() if form == "md" else as_lines(one.row() for one in examples)
    part: What | None = next((one for one in get_args(What) if one == what), None)
    if part is None and what != "onboarding":
        raise SpecError(f"--what {what!r} is none", "write annotations, labels, onboarding or strategy")
    written = _form(output)
    if part is None or written is None:
        ends = ".md or .jsonl" if part is None else ".jsonl, .csv or .parquet"
        raise SpecError(f"{output} does not say its form", f"let its name end with {ends}")
    return export_bytes(found, part, written, segment)


@labels.command("compare")
def compare(
    project: Project,
    one: Annotated[int, typer.Argument(help="Version of a strategy.")],
    other: Annotated[int, typer.Argument(help="The version to hold against it.")],
    labels_dir: LabelsDir = LABELS,
) -> None:
    """Compare two versions of a strategy: how good they are on gold, and which items they label otherwise."""
    from flows.labelling.comparing import compare_versions
    from flows.labelling.onboarding import in_words

    found = compare_versions(_store(labels_dir).get(project), one, other)
    for place, version in enumerate(found["versions"]):
        line = (
            f"v{version['version']} {version['name']}: {counted(version['annotations'], 'annotation')}, {version['gold']} gold"
        )
        if quality := found.get("quality"):
            accuracy = quality[place]["accuracy"]
            span = f"{accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f})"
            line += f"; right on gold that it was not told: {span}"
        tell(line)
    tell(f"{found['changed']:,} of {counted(found['items'], 'item')} get another label.")
    changes = found["changes"][:20]
    if changes:
        tell("Those that both are surest of come first.")
        out.print()
        show_aligned(
            ["item", f"v{one}", f"v{other}"],
            [
                [
                    change["item"],
                    f"{in_words(change['before'])} {change['sure_before']:.0%}",
                    f"{in_words(change['after'])} {change['sure_after']:.0%}",
                ]
                for change in changes
            ],
        )
