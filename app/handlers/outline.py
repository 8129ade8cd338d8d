"""A pipeline as cards in the order in which rows pass: what the outline shows of each step, before and while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Literal, TypedDict

from app.handlers.wording import cut, in_words
from flows.catalogue import Paper, read_docstring
from flows.plan import Plan, PlannedStep
from flows.plan.columns import MAP_IT, fitting_columns
from flows.spec import PipelineSpec, StepSpec
from steps import registry
from steps.base import BaseStep, GeneratorStep, JoinStep
from steps.errors import Problem
from steps.misfits import declared
from steps.tasks.base import Task
from steps.wording import nearest, quoted

SETTING_CHARS = 60
MOST_USES = 8

Replies = Literal["", "model", "rehearsal", "recordings"]
"""Where the replies of a step come from; empty for steps that ask nobody."""


class ProblemCard(TypedDict):
    """A problem in words, for a callout."""

    code: str
    title: str
    what: str
    fix: str
    step: str | None
    line: int | None
    """Where it is in a text, counted from 1, if that is known."""
    column: str
    """The column that is missing, by the step's own name for it; empty for other problems."""
    uses: list[str]
    """Columns that could be used for it."""
    likely: str
    """The one of them that was probably meant."""


class StepCard(TypedDict):
    """One step: who it is, its place in the graph, its key setting, and the columns that pass."""

    name: str
    use: str
    summary: str
    icon: str
    is_known: bool
    """Whether its class is installed here."""
    replies: Replies
    is_source: bool
    """Whether it makes rows and takes none."""
    asks: bool
    """Whether its replies may cost money."""
    after: list[str]
    depth: int
    setting: str
    router: str
    """Who of several next steps gets a batch, such as "2 of 3"; empty when all do."""
    price: str
    needs: list[str]
    uses: list[str]
    """Columns that are used where a row has them."""
    adds: list[str]
    papers: list[Paper]
    columns: list[str] | None
    pool: str
    problems: list[ProblemCard]


def step_cards(spec: PipelineSpec, plan: Plan, problems: Sequence[Problem]) -> list[StepCard]:
    """Cards of all steps, also of those that cannot be planned."""
    depths = _depths(spec)
    cards = []
    for step in in_order(spec):
        planned = plan.steps.get(step.name)
        found = _class_of(step.use)
        replies = _replies(step, found, planned)
        cards.append(
            StepCard(
                name=step.name,
                use=step.use,
                summary=found.summary() if found else "",
                icon=_icon(step, found, replies),
                is_known=found is not None,
                replies=replies,
                is_source=found is not None and issubclass(found, GeneratorStep),
                asks=replies == "model",
                after=list(step.after),
                depth=depths.get(step.name, 0),
                setting=_setting(step, found, planned),
                router=_router_in_short(spec, plan, step.name),
                price=_price(planned),
                needs=planned.step.needs() if planned else [],
                uses=declared(found, "optional_inputs") if found else [],
                adds=_added(planned),
                papers=list(read_docstring(found.__doc__).papers) if found else [],
                columns=planned.sent if planned else None,
                pool=planned.pool if planned else step.pool or "",
                problems=[problem_card(problem, planned) for problem in problems if problem.step == step.name],
            )
        )
    return cards


_FIXES = {
    "model-not-ready": "mend it, or rehearse the pipeline for free",
    "no-steps": "double-click a step in the palette to add it",
}
"""What to do here, where the fix of the command line names one of its options."""


def problem_card(problem: Problem, planned: PlannedStep | None = None) -> ProblemCard:
    """A problem in words. Of a planned step it also says which columns could stand for a missing one."""
    card = ProblemCard(
        code=problem.code,
        title=in_words(problem.code),
        what=problem.what,
        fix=_FIXES.get(problem.code, problem.fix),
        step=problem.step,
        line=None,
        column="",
        uses=[],
        likely="",
    )
    if problem.code == "missing-column" and planned is not None:
        _add_uses(card, planned)
    return card


def _add_uses(card: ProblemCard, planned: PlannedStep) -> None:
    mappings, received = planned.step.input_mappings, planned.received or []
    wanted = {column: mappings.get(column, column) for column in planned.step.needs()}
    taken = {present for present in wanted.values() if present in received}
    column = next((column for column, name in wanted.items() if card["what"].startswith(f"needs column {quoted(name)};")), "")
    free = [name for name in fitting_columns(planned, column) if name not in taken]
    if not column or not free:
        return
    likely = nearest(wanted[column], free) or ""
    free.sort(key=lambda name: name != likely)
    # the fix of the plan tells how to write it in YAML, and which step makes such a column
    other = card["fix"].partition("}, or ")[2] if card["fix"].startswith(MAP_IT) else card["fix"]
    card["fix"] = f"use another column for it, or {other}" if other else "use another column for it"
    card["column"], card["uses"], card["likely"] = column, free[:MOST_USES], likely


def in_order(spec: PipelineSpec) -> list[StepSpec]:
    """Steps after those they need, branches kept together; steps of a circle come last, as they stand in the file."""
    steps = {step.name: step for step in spec.steps}
    done: dict[str, StepSpec] = {}
    waiting = list(steps)
    while waiting:
        ready = [name for name in waiting if all(before in done or before not in steps for before in steps[name].after)]
        if not ready:
            break
        # go on below the newest step, so that a chain stays in one piece
        newest = next(reversed(done), None)
        name = next((name for name in ready if newest in steps[name].after), ready[0])
        done[name] = steps[name]
        waiting.remove(name)
    return [*done.values(), *(steps[name] for name in waiting)]


def _depths(spec: PipelineSpec) -> dict[str, int]:
    """How far each step is indented: one more where rows fan out, one less where branches meet."""
    children: dict[str, int] = {}
    for step in spec.steps:
        for before in step.after:
            children[before] = children.get(before, 0) + 1
    depths: dict[str, int] = {}
    for step in in_order(spec):
        known = [name for name in step.after if name in depths]
        if not known:
            depths[step.name] = 0
        elif len(known) == 1:
            depths[step.name] = depths[known[0]] + (1 if children[known[0]] > 1 else 0)
        else:
            depths[step.name] = max(0, min(depths[name] for name in known) - 1)
    return depths


def _class_of(use: str) -> type[BaseStep] | None:
    try:
        found = registry.resolve(use)
    except registry.UnknownComponent:
        return None
    return found if isinstance(found, type) and issubclass(found, BaseStep) else None


_ICONS = {
    "LoadDataFromHub": "database",
    "LoadDataFromDicts": "braces",
    "ConcatenateRows": "join",
    "UltraFeedback": "scales",
    "PrometheusEval": "scales",
    "KeepColumns": "table",
    "TruncateTextColumn": "lines",
}
_GROUP_ICONS = {
    "sources": "file",
    "samplers": "fork",
    "ask": "spark",
    "columns": "table",
    "filters": "funnel",
    "formats": "lines",
    "labels": "tag",
    "sinks": "box",
}


_REHEARSALS = ("RehearsalLLM", "RehearsalImageGeneration")
"""Models that stand in for others, of the kinds that are asked."""


def _replies(step: StepSpec, found: type[BaseStep] | None, planned: PlannedStep | None) -> Replies:
    if found is None or not (issubclass(found, Task) or (planned is not None and planned.asks)):
        return ""
    match _llm_names(step, planned):
        case [use] if use in _REHEARSALS:
            return "rehearsal"
        case ["ReplayLLM"]:
            return "recordings"
        case []:
            return ""
    return "model"


def _icon(step: StepSpec, found: type[BaseStep] | None, replies: Replies) -> str:
    if found is None:
        return "help"
    match replies:
        case "rehearsal":
            return "mask"
        case "recordings":
            return "replay"
    return icon_of(step.use, found, asks=replies == "model")


def icon_of(use: str, found: type[BaseStep], *, asks: bool) -> str:
    """The sign of a class of steps."""
    if asks:
        return _ICONS.get(use, "spark")
    if issubclass(found, JoinStep):
        return "join"
    return _ICONS.get(use) or _GROUP_ICONS.get(found.group, "box")


def _llm_names(step: StepSpec, planned: PlannedStep | None) -> list[str]:
    """The classes of its models, each once; of one that cannot be planned, what it says of its `llm`."""
    if planned is not None and planned.asks is not None:
        return list(dict.fromkeys(registry.name_of(type(llm), llm.kind) for llm in planned.asks.answering_models().values()))
    llm = step.params.get("llm")
    return [str(llm.get("use", "")) if isinstance(llm, dict) else "RehearsalLLM"]


def _price(planned: PlannedStep | None) -> str:
    if planned is None or planned.asks is None:
        return ""
    return "free" if set(_llm_names(planned.spec, planned)) <= {*_REHEARSALS, "ReplayLLM"} else ""


def _setting(step: StepSpec, found: type[BaseStep] | None, planned: PlannedStep | None) -> str:
    """The one parameter that tells most about a step."""
    if found is None:
        return "unknown class"
    if issubclass(found, Task):
        model = _models_in_short(step, planned)
        aspect = step.params.get("aspect") or step.params.get("rubric")
        return _cut(f"{model} · {aspect}" if isinstance(aspect, str) else model)
    if issubclass(found, JoinStep) or step.use == "ConcatenateRows":
        return f"{len(step.after)} branch{'es' if len(step.after) != 1 else ''}"
    if issubclass(found, GeneratorStep):
        return _cut(_source(step))
    values = [_short(value) for name, value in step.params.items() if name in found.model_fields]
    return _cut(" · ".join(value for value in values if value))


def _models_in_short(step: StepSpec, planned: PlannedStep | None) -> str:
    """Its model, or how many it has and which."""
    used = _llm_names(step, planned)
    if len(used) == 1 and used[0] in (free := {**dict.fromkeys(_REHEARSALS, "rehearsal"), "ReplayLLM": "recorded replies"}):
        return free[used[0]]
    if planned is None or planned.asks is None:
        return _model(step)
    names = list(dict.fromkeys(llm.model_name for llm in planned.asks.answering_models().values()))
    return names[0] if len(names) == 1 else f"{len(names)} models: {', '.join(names)}" if names else "no model"


def _router_in_short(spec: PipelineSpec, plan: Plan, step: str) -> str:
    """How it is chosen who of the next steps gets a batch, such as "2 of 3"; empty when all do."""
    if router := plan.routers.get(step):
        return _cut(router.in_short(sum(step in other.after for other in spec.steps)))
    return _cut(spec.routing[step].use.rpartition(":")[2]) if step in spec.routing else ""


def _model(step: StepSpec) -> str:
    llm = step.params.get("llm")
    return str(llm.get("model") or llm.get("use") or "") if isinstance(llm, dict) else ""


def _source(step: StepSpec) -> str:
    files = step.params.get("data_files")
    if isinstance(files, str):
        return PurePath(files).name
    if files:
        return f"{len(files)} files"
    if isinstance(data := step.params.get("data"), list):
        return f"{len(data):,} row{'s' if len(data) != 1 else ''} in the pipeline"
    return str(step.params.get("repo_id") or step.params.get("dataset_path") or "")


def _short(value: Any) -> str:
    match value:
        case bool() | None:
            return ""
        case list() if all(isinstance(item, str) for item in value):
            return ", ".join(value) if len(value) < 3 else f"{len(value)} columns"
        case str() | int() | float():
            return str(value)
    return ""


def _cut(text: str) -> str:
    return cut(text, SETTING_CHARS)


def _added(planned: PlannedStep | None) -> list[str]:
    if planned is None or planned.sent is None:
        return []
    missing = {planned.spec.input_mappings.get(column, column) for column in planned.step.needs()}
    before = {*(planned.received or ()), *missing}
    return [column for column in planned.sent if column not in before]
