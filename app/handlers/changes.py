"""Changes of the pipeline, as the canvas, its keys and its menus make them. Each is one way back, with a name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.handlers.drafts import CannotEdit, Draft, check, edit_data, redo, select, step_in, undo
from app.handlers.edits import set_model, use_column
from app.handlers.routing import choose_router, drop_needless
from app.handlers.wrong_entries import renamed, without
from flows.plan.reach import reached
from steps import registry
from steps.base import BaseStep, GeneratorStep
from steps.errors import SpecError
from steps.wording import counted, snake_case

Data = dict[str, Any]
"""A pipeline as plain data."""
Name = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Name], Field(max_length=10_000)]


class Change(BaseModel, ABC):
    """A change of the draft."""

    model_config = ConfigDict(extra="forbid")

    @abstractmethod
    def on(self, draft: Draft) -> Draft:
        """The draft after it.

        Raises:
            CannotEdit: It cannot be; nothing is changed.
        """


class Select(Change):
    """A step whose form is shown."""

    do: Literal["select"]
    step: Name

    def on(self, draft: Draft) -> Draft:
        return select(draft, self.step)


class Undo(Change):
    """The last change taken back."""

    do: Literal["undo"]

    def on(self, draft: Draft) -> Draft:
        return undo(draft)


class Redo(Change):
    """What was taken back, made again."""

    do: Literal["redo"]

    def on(self, draft: Draft) -> Draft:
        return redo(draft)


class Discard(Change):
    """What was entered in a field and cannot be understood, given up."""

    do: Literal["discard-entry"]
    step: Name
    field: Name

    def on(self, draft: Draft) -> Draft:
        return {**draft, "wrong": without(draft["wrong"], self.step, self.field)}


class UseColumn(Change):
    """A step takes a column that is there for one that it needs."""

    do: Literal["use-column"]
    step: Name
    column: Name
    present: Name

    def on(self, draft: Draft) -> Draft:
        return use_column(draft, self.step, self.column, self.present)


class ChooseModel(Change):
    """A model of another class for a step."""

    do: Literal["choose-model"]
    step: Name
    name: Name
    place: Name = "llm"

    def on(self, draft: Draft) -> Draft:
        return set_model(draft, self.step, self.place, self.name)


class ChooseRouter(Change):
    """Another way to choose who of several next steps gets a batch; with an empty name, all do."""

    do: Literal["choose-router"]
    step: Name
    name: Name

    def on(self, draft: Draft) -> Draft:
        return choose_router(draft, self.step, self.name)


class Add(Change):
    """A new step after others. With `before`, it comes between them and that one."""

    do: Literal["add"]
    use: Name
    after: Names = []
    before: Name = ""
    at: tuple[int, int] | None = None

    def on(self, draft: Draft) -> Draft:
        found = _class_of(self.use)
        names: list[str] = []

        def edit(data: Data) -> None:
            names.append(free_name(snake_case(self.use.rpartition(":")[2]), _names(data)))
            step: Data = {"name": names[0], "use": self.use}
            if after := [] if issubclass(found, GeneratorStep) else [step_in(data, name)["name"] for name in self.after]:
                step["after"] = after
            if self.before:
                target = step_in(data, self.before)
                target["after"] = list(dict.fromkeys(names[0] if name in after else name for name in _after(target)))
            _insert(data, step, after)
            if self.at:
                _positions(data)[names[0]] = list(self.at)

        changed = edit_data(draft, f"add {self.use}", edit)
        return select(changed, names[0])


class Remove(Change):
    """Steps are taken out. Those after them get the rows of those before, where their columns are still there."""

    do: Literal["remove"]
    steps: Names

    def on(self, draft: Draft) -> Draft:
        what = f"delete {self.steps[0] if len(self.steps) == 1 else counted(len(self.steps), 'step')}"
        lacking = _lacking(draft)
        bridged = edit_data(draft, what, lambda data: self._take_out(data, set()))
        unfit = _lacking(bridged) - lacking
        changed = edit_data(draft, what, lambda data: self._take_out(data, unfit)) if unfit else bridged
        return select(changed, self._nearest(draft))

    def _take_out(self, data: Data, unfit: set[str]) -> None:
        before = {name: _after(step_in(data, name)) for name in self.steps}
        data["steps"] = [step for step in data["steps"] if step["name"] not in before]
        for step in data["steps"]:
            if not before.keys() & _after(step):
                continue
            bridged = [] if step["name"] in unfit else _bridged(_after(step), before)
            _set_after(step, bridged or [name for name in _after(step) if name not in before])
        _forget(data, before)

    def _nearest(self, draft: Draft) -> str | None:
        """What is selected then: the step before the first of them."""
        spec, _ = check(draft["text"])
        gone = set(self.steps)
        before = (name for step in spec.spec.steps if step.name in gone for name in step.after if name not in gone)
        return next(before, None)


class Connect(Change):
    """Rows pass from one step to another."""

    do: Literal["connect"]
    source: Name
    target: Name

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            step_in(data, self.source)
            target = step_in(data, self.target)
            if _is_source(target):
                raise CannotEdit(f"{self.target} makes rows and takes none", "connect to a step that takes rows")
            if self.source == self.target or self.target in _before(data, self.source):
                raise CannotEdit(
                    f"{self.source} gets its rows from {self.target}: they would go in a circle", "connect the other way round"
                )
            _set_after(target, list(dict.fromkeys([*_after(target), self.source])))

        return edit_data(draft, f"connect {self.source} to {self.target}", edit)


class Disconnect(Change):
    """No rows pass any more from one step to another."""

    do: Literal["disconnect"]
    source: Name
    target: Name

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            target = step_in(data, self.target)
            _set_after(target, [name for name in _after(target) if name != self.source])
            drop_needless(data)

        return edit_data(draft, f"disconnect {self.target} from {self.source}", edit)


class Rename(Change):
    """Another name for a step, wherever it stands."""

    do: Literal["rename"]
    step: Name
    name: Name

    def on(self, draft: Draft) -> Draft:
        name = self.name.strip()

        def edit(data: Data) -> None:
            target = step_in(data, self.step)
            if name != self.step and name in _names(data):
                raise CannotEdit(f"there is a step {name!r} already", "choose another name")
            target["name"] = name
            for step in data["steps"]:
                _set_after(step, [name if before == self.step else before for before in _after(step)])
            _rename_key(data.get("routing", {}), self.step, name)
            _rename_key(_canvas(data).get("positions", {}), self.step, name)
            for group in _canvas(data).get("groups", {}).values():
                group["steps"] = [name if step == self.step else step for step in group["steps"]]

        changed = edit_data(draft, f"rename {self.step} to {name}", edit)
        changed = {**changed, "wrong": renamed(draft["wrong"], self.step, name)}
        return select(changed, name) if draft["selected"] == self.step else changed


class RenamePipeline(Change):
    """Another name for the pipeline."""

    do: Literal["rename-pipeline"]
    name: Name

    def on(self, draft: Draft) -> Draft:
        return edit_data(draft, f"rename to {self.name.strip()}", lambda data: data.update(name=self.name.strip()))


class Paste(Change):
    """Copies of steps, connected to each other as they were, and to the steps before them that are here.

    Copies that come after nothing come after `after`.
    """

    do: Literal["paste"]
    steps: Annotated[list[Data], Field(min_length=1, max_length=1000)]
    after: Names = []
    routing: Data = {}
    is_duplicate: bool = False

    def on(self, draft: Draft) -> Draft:
        made: list[str] = []

        def edit(data: Data) -> None:
            taken = _names(data)
            renamed: dict[str, str] = {}
            for step in self.steps:
                if not isinstance(step.get("name"), str):
                    raise CannotEdit("what was copied are no steps", "copy steps on the canvas, or YAML of steps")
                renamed[step["name"]] = free_name(step["name"], {*taken, *renamed.values()})
            for step in self.steps:
                after = [renamed.get(name, name) for name in _after(step) if name in renamed or name in taken]
                copy = {**step, "name": renamed[step["name"]]}
                _set_after(copy, after or ([] if _is_source(step) else [name for name in self.after if name in taken]))
                data["steps"].append(copy)
            for name, router in self.routing.items():
                if name in renamed:
                    data.setdefault("routing", {})[renamed[name]] = router
            made.extend(renamed.values())

        what = self.steps[0].get("name") if len(self.steps) == 1 else counted(len(self.steps), "step")
        changed = edit_data(draft, f"{'duplicate' if self.is_duplicate else 'paste'} {what}", edit)
        return select(changed, made[0])


class Move(Change):
    """Steps and groups drawn elsewhere."""

    do: Literal["move"]
    to: Annotated[dict[Name, tuple[int, int]], Field(min_length=1, max_length=10_000)]

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            known = {*_names(data), *_canvas(data).get("groups", {})}
            _positions(data).update({name: list(place) for name, place in self.to.items() if name in known})

        names = list(self.to)
        return edit_data(draft, f"move {names[0] if len(names) == 1 else counted(len(names), 'step')}", edit)


class Tidy(Change):
    """All drawn where they are laid out by themselves."""

    do: Literal["tidy"]

    def on(self, draft: Draft) -> Draft:
        return edit_data(draft, "tidy", lambda data: _canvas(data).pop("positions", None))


class Group(Change):
    """Steps that are drawn as one."""

    do: Literal["group"]
    steps: Annotated[Names, Field(min_length=2)]
    name: Name = "group"

    def on(self, draft: Draft) -> Draft:
        names: list[str] = []

        def edit(data: Data) -> None:
            steps = [step_in(data, name)["name"] for name in dict.fromkeys(self.steps)]
            groups = data.setdefault("canvas", {}).setdefault("groups", {})
            for group in groups.values():
                group["steps"] = [step for step in group["steps"] if step not in steps]
            names.append(free_name(self.name, {*_names(data), *groups}))
            groups[names[0]] = {"steps": steps}
            _drop_empty_groups(data)

        return edit_data(draft, f"group {counted(len(self.steps), 'step')}", edit)


class Ungroup(Change):
    """The steps of a group drawn one by one again."""

    do: Literal["ungroup"]
    group: Name

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            _group_in(data, self.group)
            del data["canvas"]["groups"][self.group]
            _positions(data).pop(self.group, None)

        return edit_data(draft, f"ungroup {self.group}", edit)


class OpenGroup(Change):
    """A group opened, or closed."""

    do: Literal["open-group"]
    group: Name
    is_open: bool = True

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            _group_in(data, self.group)["is_open"] = self.is_open

        return edit_data(draft, f"{'open' if self.is_open else 'close'} {self.group}", edit)


AnyChange = Annotated[
    Select
    | Undo
    | Redo
    | Discard
    | UseColumn
    | ChooseModel
    | ChooseRouter
    | Add
    | Remove
    | Connect
    | Disconnect
    | Rename
    | RenamePipeline
    | Paste
    | Move
    | Tidy
    | Group
    | Ungroup
    | OpenGroup,
    Field(discriminator="do"),
]
_CHANGES: TypeAdapter[AnyChange] = TypeAdapter(AnyChange)


def change_from(told: Any) -> Change:
    """The change that a page asks for.

    Raises:
        CannotEdit: It is none.
    """
    try:
        return _CHANGES.validate_python(told)
    except ValidationError as error:
        said = error.errors()[0]
        where = ".".join(map(str, said["loc"]))
        raise CannotEdit(f"this is no change of a pipeline: {where}: {said['msg']}", "reload the page") from error


def free_name(stem: str, taken: Iterable[str]) -> str:
    """A name like this that nobody has: `judge`, `judge_2`."""
    known = set(taken)
    if stem not in known:
        return stem
    head, _, number = stem.rpartition("_")
    stem = head if head and number.isdecimal() else stem
    at = 2
    while f"{stem}_{at}" in known:
        at += 1
    return f"{stem}_{at}"


# ---- parts of the data


def _class_of(use: str) -> type[BaseStep]:
    try:
        found = registry.resolve(use)
    except registry.UnknownComponent as error:
        raise CannotEdit(error.message, error.fix) from error
    if not issubclass(found, BaseStep):
        raise CannotEdit(f"{use} is no step", "choose one from the palette")
    return found


def _is_source(step: Data) -> bool:
    """Whether a step makes rows and takes none; of a class that is not installed here nobody knows."""
    with suppress(registry.UnknownComponent):
        return issubclass(registry.resolve(str(step.get("use"))), GeneratorStep)
    return False


def _names(data: Data) -> set[str]:
    return {step["name"] for step in data["steps"]}


def _after(step: Data) -> list[str]:
    after = step.get("after", [])
    return [after] if isinstance(after, str) else list(after)


def _set_after(step: Data, names: Sequence[str]) -> None:
    if names:
        step["after"] = list(names)
    else:
        step.pop("after", None)


def _before(data: Data, name: str) -> list[str]:
    """All steps whose rows reach this one."""
    after = {step["name"]: _after(step) for step in data["steps"]}
    return reached(after.get(name, []), lambda one: after.get(one, []))


def _bridged(after: Sequence[str], gone: dict[str, list[str]]) -> list[str]:
    """What a step comes after when some of that are gone: what those came after."""
    found: dict[str, None] = {}
    seen: set[str] = set()

    def look(names: Sequence[str]) -> None:
        for name in names:
            if name not in gone:
                found[name] = None
            elif name not in seen:
                seen.add(name)
                look(gone[name])

    look(after)
    return list(found)


def _insert(data: Data, step: Data, after: Sequence[str]) -> None:
    """Put a step right behind those it comes after, and their other branches: the file then reads as the rows go."""
    places = [at for at, other in enumerate(data["steps"], 1) if other["name"] in after or set(after) & {*_after(other)}]
    data["steps"].insert(max(places, default=len(data["steps"])), step)


def _lacking(draft: Draft) -> set[str]:
    """Steps that lack a column."""
    try:
        _, problems = check(draft["text"])
    except SpecError:
        return set()
    return {problem.step for problem in problems if problem.code == "missing-column" and problem.step}


def _canvas(data: Data) -> Data:
    canvas: Data = data.get("canvas", {})
    return canvas


def _positions(data: Data) -> Data:
    positions: Data = data.setdefault("canvas", {}).setdefault("positions", {})
    return positions


def _group_in(data: Data, name: str) -> Data:
    group: Data | None = _canvas(data).get("groups", {}).get(name)
    if group is None:
        raise CannotEdit(f"there is no group {name!r}", "it may have been changed in another tab; reload the page")
    return group


def _forget(data: Data, gone: Iterable[str]) -> None:
    """Drop what is said elsewhere of steps that are gone."""
    for name in gone:
        _canvas(data).get("positions", {}).pop(name, None)
        for group in _canvas(data).get("groups", {}).values():
            group["steps"] = [step for step in group["steps"] if step != name]
    _drop_empty_groups(data)
    drop_needless(data)


def _drop_empty_groups(data: Data) -> None:
    groups = _canvas(data).get("groups", {})
    for name in [name for name, group in groups.items() if not group["steps"]]:
        del groups[name]
        _canvas(data).get("positions", {}).pop(name, None)


def _rename_key(mapping: Data, old: str, new: str) -> None:
    """Give a key another name, in its place."""
    if old in mapping:
        entries = [(new if key == old else key, value) for key, value in mapping.items()]
        mapping.clear()
        mapping.update(entries)
