"""Changes of which steps there are, what they are called, and how rows pass between them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import Field

from app.handlers.changes.change import Change, Name, Names
from app.handlers.changes.parts import (
    Data,
    after_of,
    canvas_in,
    forget,
    free_name,
    names_in,
    positions_in,
    rename_key,
    set_after,
)
from app.handlers.drafts import CannotEdit, Draft, check, edit_data, select, step_in
from app.handlers.routing import drop_needless
from app.handlers.wrong_entries import renamed
from flows.plan.reach import reached
from steps import registry
from steps.base import BaseStep, GeneratorStep
from steps.errors import SpecError
from steps.wording import counted, snake_case


class Add(Change):
    """A new step after others. With `before`, it comes between them and that one."""

    do: Literal["add"]
    use: Name
    after: Names = Field(default_factory=list)
    before: Name = ""
    at: tuple[int, int] | None = None

    def on(self, draft: Draft) -> Draft:
        found = _class_of(self.use)
        names: list[str] = []

        def edit(data: Data) -> None:
            names.append(free_name(snake_case(self.use.rpartition(":")[2]), names_in(data)))
            step: Data = {"name": names[0], "use": self.use}
            if after := [] if issubclass(found, GeneratorStep) else [step_in(data, name)["name"] for name in self.after]:
                step["after"] = after
            if self.before:
                target = step_in(data, self.before)
                target["after"] = list(dict.fromkeys(names[0] if name in after else name for name in after_of(target)))
            _insert(data, step, after)
            if self.at:
                positions_in(data)[names[0]] = list(self.at)

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
        before = {name: after_of(step_in(data, name)) for name in self.steps}
        data["steps"] = [step for step in data["steps"] if step["name"] not in before]
        for step in data["steps"]:
            if not before.keys() & after_of(step):
                continue
            bridged = [] if step["name"] in unfit else _bridged(after_of(step), before)
            set_after(step, bridged or [name for name in after_of(step) if name not in before])
        forget(data, before)

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
            if self.source == self.target or self.target in _all_before(data, self.source):
                raise CannotEdit(
                    f"{self.source} gets its rows from {self.target}: they would go in a circle", "connect the other way round"
                )
            set_after(target, list(dict.fromkeys([*after_of(target), self.source])))

        return edit_data(draft, f"connect {self.source} to {self.target}", edit)


class Disconnect(Change):
    """No rows pass any more from one step to another."""

    do: Literal["disconnect"]
    source: Name
    target: Name

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            target = step_in(data, self.target)
            set_after(target, [name for name in after_of(target) if name != self.source])
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
            if name != self.step and name in names_in(data):
                raise CannotEdit(f"there is a step {name!r} already", "choose another name")
            target["name"] = name
            for step in data["steps"]:
                set_after(step, [name if before == self.step else before for before in after_of(step)])
            rename_key(data.get("routing", {}), self.step, name)
            rename_key(canvas_in(data).get("positions", {}), self.step, name)
            for group in canvas_in(data).get("groups", {}).values():
                group["steps"] = [name if step == self.step else step for step in group["steps"]]

        changed = edit_data(draft, f"rename {self.step} to {name}", edit)
        changed = {**changed, "wrong": renamed(draft["wrong"], self.step, name)}
        return select(changed, name) if draft["selected"] == self.step else changed


class Paste(Change):
    """Copies of steps, connected to each other as they were, and to the steps before them that are here.

    Copies that come after nothing come after `after`.
    """

    do: Literal["paste"]
    steps: Annotated[list[Data], Field(min_length=1, max_length=1000)]
    after: Names = Field(default_factory=list)
    routing: Data = Field(default_factory=dict)
    is_duplicate: bool = False

    def on(self, draft: Draft) -> Draft:
        made: list[str] = []

        def edit(data: Data) -> None:
            taken = names_in(data)
            renamed: dict[str, str] = {}
            for step in self.steps:
                if not isinstance(step.get("name"), str):
                    raise CannotEdit("what was copied are no steps", "copy steps on the canvas, or YAML of steps")
                renamed[step["name"]] = free_name(step["name"], {*taken, *renamed.values()})
            for step in self.steps:
                after = [renamed.get(name, name) for name in after_of(step) if name in renamed or name in taken]
                copy = {**step, "name": renamed[step["name"]]}
                set_after(copy, after or ([] if _is_source(step) else [name for name in self.after if name in taken]))
                data["steps"].append(copy)
            for name, router in self.routing.items():
                if name in renamed:
                    data.setdefault("routing", {})[renamed[name]] = router
            made.extend(renamed.values())

        what = self.steps[0].get("name") if len(self.steps) == 1 else counted(len(self.steps), "step")
        changed = edit_data(draft, f"{'duplicate' if self.is_duplicate else 'paste'} {what}", edit)
        return select(changed, made[0])


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


def _all_before(data: Data, name: str) -> list[str]:
    """All steps whose rows reach this one."""
    after = {step["name"]: after_of(step) for step in data["steps"]}
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
    places = [at for at, other in enumerate(data["steps"], 1) if other["name"] in after or set(after) & {*after_of(other)}]
    data["steps"].insert(max(places, default=len(data["steps"])), step)


def _lacking(draft: Draft) -> set[str]:
    """Steps that lack a column."""
    try:
        _, problems = check(draft["text"])
    except SpecError:
        return set()
    return {problem.step for problem in problems if problem.code == "missing-column" and problem.step}
