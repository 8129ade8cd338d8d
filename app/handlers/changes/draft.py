"""Changes of the draft that leave steps and ways of rows as they are: what is shown, taken back, chosen or called."""

from __future__ import annotations

from typing import Literal

from app.handlers.changes.change import Change, Name
from app.handlers.drafts import Draft, edit_data, redo, select, undo
from app.handlers.edits import set_model, use_column
from app.handlers.routing import choose_router
from app.handlers.wrong_entries import without


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


class RenamePipeline(Change):
    """Another name for the pipeline."""

    do: Literal["rename-pipeline"]
    name: Name

    def on(self, draft: Draft) -> Draft:
        return edit_data(draft, f"rename to {self.name.strip()}", lambda data: data.update(name=self.name.strip()))
