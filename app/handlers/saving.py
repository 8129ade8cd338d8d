"""Every change is on disk at once, under the name of the pipeline; what somebody else wrote there is never overwritten."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from app.handlers import wrong_entries
from app.handlers.drafts import CannotEdit, Draft, File, edit_data, new_draft, new_file
from app.handlers.pipelines import ChangedOnDisk, Kept, Pipelines
from flows.spec import read_spec
from steps.errors import DistilflowError, SpecError

CHANGED = ChangedOnDisk.code
_NAME_LINE = re.compile(r"^name:[^\n]*$", re.MULTILINE)


def saved(pipelines: Pipelines | None, before: Draft, after: Draft) -> Draft:
    """The draft after a change, saved. Without a folder the page keeps it, in the browser.

    The file follows the pipeline's name. A draft that has none yet gets a free one.

    Raises:
        CannotEdit: Another pipeline has the name that it was given; nothing is changed.
    """
    is_opening = after["file"]["name"] != before["file"]["name"]
    if is_opening or after["text"] == before["text"] or not after["text"].strip():
        return after
    after = _named(pipelines, before, after)
    if pipelines is None:
        return after
    file = after["file"]
    try:
        return {**after, "file": file_of(pipelines.write(file["name"], after["text"], file["version"]))}
    except ChangedOnDisk:
        return {**after, "file": {**file, "problem": CHANGED}}
    except SpecError as error:
        return {**after, "file": {**file, "problem": error.message}}


def _named(pipelines: Pipelines | None, before: Draft, after: Draft) -> Draft:
    file, name = after["file"], name_in(after["text"])
    if not file["name"]:
        free = pipelines.free_name(name or "pipeline") if pipelines else name or "pipeline"
        text = after["text"] if name is None else with_name(after["text"], free)
        return {**after, "text": text, "file": {**file, "name": free}}
    if name is None or name == file["name"] or name_in(before["text"]) != file["name"]:
        return after
    if pipelines and file["version"] is not None and pipelines.version(file["name"]) != file["version"]:
        return after  # somebody else has changed the file: it keeps its name, and the page offers both
    if pipelines and (file["version"] is not None or pipelines.version(name) is not None):
        try:
            pipelines.move(file["name"], name)
        except DistilflowError as error:
            raise CannotEdit(error.message, error.fix) from error
    return {**after, "file": {**file, "name": name}}


def file_of(kept: Kept) -> File:
    """A pipeline on disk, as the file of a draft."""
    return File(name=kept.name, version=kept.version, saved_at=kept.saved_at, problem="")


def draft_of(kept: Kept, selected: str | None = None) -> Draft:
    """A pipeline on disk, opened: with no way back yet."""
    return new_draft(kept.text, selected, file_of(kept))


@lru_cache(maxsize=32)
def name_in(text: str) -> str | None:
    """The name that a pipeline says it has; None for what is no pipeline."""
    if not text.strip():
        return None
    try:
        return read_spec(text)[0].name
    except SpecError:
        return None


def with_name(text: str, name: str) -> str:
    """The same pipeline under another name; what is no pipeline stays as it is."""
    if name_in(text) in (None, name):
        return text
    changed = _NAME_LINE.sub(f"name: {name}", text, count=1)
    if name_in(changed) == name:
        return changed
    return edit_data(new_draft(text), "rename", lambda data: data.update(name=name))["text"]


def to_keep(draft: Draft) -> dict[str, Any]:
    """What the browser keeps of a draft: the text only where nothing else has it."""
    file = draft["file"]
    is_saved = file["version"] is not None and not file["problem"]
    text = None if is_saved else draft["text"]
    return {"selected": draft["selected"], "file": dict(file), "text": text, "wrong": wrong_entries.kept(draft["wrong"])}


def recalled(pipelines: Pipelines | None, kept: Any) -> Draft:
    """The draft that a browser kept: from disk where it is newer there, or was saved."""
    if not isinstance(kept, dict):
        return new_draft()
    told = kept.get("file")
    file = new_file()
    if isinstance(told, dict):
        name, version = told.get("name"), told.get("version")
        file["name"] = name if isinstance(name, str) else ""
        file["version"] = version if isinstance(version, str) and pipelines else None
    selected = kept["selected"] if isinstance(kept.get("selected"), str) else None
    text = kept["text"] if isinstance(kept.get("text"), str) else None
    wrong = wrong_entries.recalled(kept.get("wrong"))
    if pipelines and file["name"]:
        try:
            on_disk = pipelines.read(file["name"])
        except DistilflowError:
            file["version"] = None
        else:
            if text is None or file["version"] is None or on_disk.text == text:
                return {**draft_of(on_disk, selected), "wrong": wrong}
            file["problem"] = CHANGED
    return new_draft(text, selected, file, wrong) if text is not None else new_draft()
