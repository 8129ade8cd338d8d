"""Changes of the pipeline, as the canvas, its keys and its menus make them. Each is one way back, with a name."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from app.handlers.changes.canvas import Group, Move, OpenGroup, Tidy, Ungroup
from app.handlers.changes.change import Change
from app.handlers.changes.draft import (
    ChooseModel,
    ChooseRouter,
    Discard,
    Redo,
    RenamePipeline,
    Select,
    Undo,
    UseColumn,
)
from app.handlers.changes.graph import Add, Connect, Disconnect, Paste, Remove, Rename
from app.handlers.drafts import CannotEdit

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
