"""Changes of how the pipeline is drawn: places of steps, and groups of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.handlers.changes.change import Change, Name, Names
from app.handlers.changes.parts import Data, canvas_in, drop_empty_groups, free_name, names_in, positions_in
from app.handlers.drafts import CannotEdit, Draft, edit_data, step_in
from steps.wording import counted


class Move(Change):
    """Steps and groups drawn elsewhere."""

    do: Literal["move"]
    to: Annotated[dict[Name, tuple[int, int]], Field(min_length=1, max_length=10_000)]

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            known = {*names_in(data), *canvas_in(data).get("groups", {})}
            positions_in(data).update({name: list(place) for name, place in self.to.items() if name in known})

        names = list(self.to)
        return edit_data(draft, f"move {names[0] if len(names) == 1 else counted(len(names), 'step')}", edit)


class Tidy(Change):
    """All drawn where they are laid out by themselves."""

    do: Literal["tidy"]

    def on(self, draft: Draft) -> Draft:
        return edit_data(draft, "tidy", lambda data: canvas_in(data).pop("positions", None))


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
            names.append(free_name(self.name, {*names_in(data), *groups}))
            groups[names[0]] = {"steps": steps}
            drop_empty_groups(data)

        return edit_data(draft, f"group {counted(len(self.steps), 'step')}", edit)


class Ungroup(Change):
    """The steps of a group drawn one by one again."""

    do: Literal["ungroup"]
    group: Name

    def on(self, draft: Draft) -> Draft:
        def edit(data: Data) -> None:
            _group_in(data, self.group)
            del data["canvas"]["groups"][self.group]
            positions_in(data).pop(self.group, None)

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


def _group_in(data: Data, name: str) -> Data:
    group: Data | None = canvas_in(data).get("groups", {}).get(name)
    if group is None:
        raise CannotEdit(f"there is no group {name!r}", "it may have been changed in another tab; reload the page")
    return group
