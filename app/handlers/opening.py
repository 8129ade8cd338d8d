"""What can be opened in Build, closed and put away, as the page asks for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.handlers import gallery
from app.handlers.drafts import CannotEdit, Draft, new_draft, new_file, with_text
from app.handlers.pipelines import NoPipeline, Pipelines
from app.handlers.saving import draft_of, file_of, name_in, with_name

BLANK = "distilflow: 1\nname: {name}\nsteps: []\n"
Name = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=12_000_000)]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where pipelines come from. Without `pipelines` the browser keeps them."""

    pipelines: Pipelines | None
    examples_dir: Path

    def find(self, name: str) -> Draft:
        """The pipeline of this name: a saved one, or an example.

        Raises:
            NoPipeline: There is neither; it says which there are.
        """
        try:
            if self.pipelines is None:
                raise NoPipeline("", "")
            return draft_of(self.pipelines.read(name))
        except NoPipeline as missing:
            if file := gallery.file_of(self.examples_dir, name):
                return self.example(file)
            known = self.pipelines.names() if self.pipelines else []
            examples = ", ".join(gallery.names(self.examples_dir)) or "none"
            said = missing.message or f"there is no pipeline {name[:80]!r} in this browser"
            saved = f"saved: {', '.join(known[:20])}; " if known else ""
            fix = f"{saved}examples: {examples}"
            raise NoPipeline(said, fix) from None

    def example(self, file: str) -> Draft:
        """An example, as it is; it is saved when it is changed. A copy, where one of its name was changed before.

        Raises:
            SpecError: There is no such example.
        """
        text = gallery.example_text(self.examples_dir, file)
        name = name_in(text) or Path(file).stem
        if self.pipelines is None or (version := self.pipelines.version(name)) is None:
            return new_draft(text, file=new_file(name))
        kept = self.pipelines.read(name) if version != "unreadable" else None
        return draft_of(kept) if kept and kept.text == text else self.put(text)

    def put(self, text: str, name: str = "") -> Draft:
        """A new pipeline, saved under a free name like this one, or like its own."""
        wanted = name or name_in(text) or "pipeline"
        if self.pipelines is None:
            return new_draft(with_name(text, wanted), file=new_file(wanted))
        free = self.pipelines.free_name(wanted)
        return draft_of(self.pipelines.write(free, with_name(text, free), None))


class Opening(BaseModel, ABC):
    """What the page asks for. It gives the draft that takes the place of the one that is open."""

    model_config = ConfigDict(extra="forbid")

    @abstractmethod
    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        """The draft that is open then.

        Raises:
            DistilflowError: It cannot be; all stays as it was.
        """


class Open(Opening):
    """A pipeline by its name."""

    do: Literal["open"]
    name: Name

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        return shelf.find(self.name)


class OpenExample(Opening):
    """An example by its file."""

    do: Literal["example"]
    file: Name

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        return shelf.example(self.file)


class OpenText(Opening):
    """A text that becomes a pipeline: an import, a draft, what the browser kept."""

    do: Literal["text"]
    text: Text
    name: Name = ""

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        return shelf.put(self.text, self.name)


class New(Opening):
    """An empty canvas."""

    do: Literal["new"]
    name: Name = "untitled"

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        return shelf.put(BLANK.format(name="untitled"), self.name)


class Duplicate(Opening):
    """A copy of what is open."""

    do: Literal["duplicate"]
    name: Name = ""

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        wanted = self.name or f"{draft['file']['name'][:70]}_copy"
        return {**shelf.put(draft["text"], wanted), "selected": draft["selected"]}


class Delete(Opening):
    """What is open, put away."""

    do: Literal["delete"]

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        if shelf.pipelines and draft["file"]["version"] is not None:
            shelf.pipelines.delete(draft["file"]["name"])
        return new_draft()


class Restore(Opening):
    """What was deleted, back again."""

    do: Literal["restore"]
    name: Name

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        if shelf.pipelines is None:
            raise CannotEdit("this browser keeps the pipelines", "undo it there")
        return draft_of(shelf.pipelines.restore(self.name))


class LoadTheirs(Opening):
    """What somebody else wrote to the file, with a way back to what was open."""

    do: Literal["load-theirs"]

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        kept = _on_disk(draft, shelf)
        return {**with_text(draft, kept.text, "what was here before the file was loaded"), "file": file_of(kept)}


class KeepMine(Opening):
    """What is open, over what somebody else wrote."""

    do: Literal["keep-mine"]

    def on(self, draft: Draft, shelf: Shelf) -> Draft:
        if shelf.pipelines is None:
            return {**draft, "file": {**draft["file"], "problem": ""}}
        name = draft["file"]["name"]
        return {**draft, "file": file_of(shelf.pipelines.write(name, draft["text"], shelf.pipelines.version(name)))}


def _on_disk(draft: Draft, shelf: Shelf) -> Any:
    if shelf.pipelines is None:
        raise CannotEdit("this browser keeps the pipelines", "reload the page")
    return shelf.pipelines.read(draft["file"]["name"])


AnyOpening = Annotated[
    Open | OpenExample | OpenText | New | Duplicate | Delete | Restore | LoadTheirs | KeepMine, Field(discriminator="do")
]
_OPENINGS: TypeAdapter[AnyOpening] = TypeAdapter(AnyOpening)


def opening_from(told: Any) -> Opening:
    """What a page asks for.

    Raises:
        CannotEdit: It is nothing that can be.
    """
    try:
        return _OPENINGS.validate_python(told)
    except ValidationError as error:
        said = error.errors()[0]
        what = f"this cannot be opened: {'.'.join(map(str, said['loc']))}: {said['msg']}"
        raise CannotEdit(what, "reload the page") from error


def reopened(draft: Draft, asked: str, shelf: Shelf) -> Draft:
    """What a page shows first: what its address asks for, else what its browser kept.

    Raises:
        NoPipeline, SpecError: The address asks for what is not there.
    """
    if not asked or asked == draft["file"]["name"]:
        return draft
    return shelf.find(asked)
