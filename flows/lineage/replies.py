"""The replies that a row got in a step: found in the journals by step and row, whatever was asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.engine.journal import ALL_ROWS, COPIED, Asker, as_asked_by, completion_of, entry_in
from flows.engine.keys import identity_of
from flows.engine.lookup import records_of
from flows.lineage.model import Asked
from steps.base import Row, rename_in, rename_out
from steps.embeddings.packing import in_short
from steps.errors import BadReply
from steps.llms import ReplayLLM
from steps.llms.base import Completion, Request, Speaker, topped_up
from steps.llms.members import replying, through_members
from steps.tasks.asking import AskingStep
from steps.tasks.repairs import CANNOT_BE_USED

MOST_REPEATS, MOST_RETRIES = 8, 4
"""How often a row may have asked the same, and have been retried, for its reply to be known as one of the model as it is."""


def replies_to(task: AskingStep, step: str, key: bytes, received: Row | None, journals: Sequence[Path]) -> list[Asked]:
    """What a row asked in a step as it is now, and the replies, in the order in which they came.

    Replies to earlier versions of the prompt, and of other models, are left out where they can be told.
    """
    askers = _askers(task, step, key)
    entries = _entries(journals, Asker(b"", step, _row_of(task, key)).prefix, step)
    entries = [one for one in entries if _is_of_model(one, task, askers)] or entries
    chats = _first_chats(task, received)
    members = task.answering_models().keys() - task.models().keys()
    entries = [one for one in entries if any(_begins(one, chat, members) for chat in chats)] or entries
    entries.sort(key=lambda entry: entry.get("at") or 0.0)
    found = [asked_of(entry) for entry in entries]
    drafts = members - replying(task.models())
    for one in found:
        one.is_repair = is_repair(one.chat)
        one.problem = "" if one.asked_as in drafts else problem_of(task, one.texts, received)
    return found


def _askers(task: AskingStep, step: str, key: bytes) -> dict[str, Asker]:
    """Who asks each of a task's models."""
    return {name: Asker(identity_of(llm), step, _row_of(task, key)) for name, llm in task.answering_models().items()}


def _row_of(task: AskingStep, key: bytes) -> bytes:
    return ALL_ROWS if task.shares_replies else key


def _entries(journals: Sequence[Path], prefix: bytes, step: str) -> list[dict[str, Any]]:
    found: dict[bytes, dict[str, Any]] = {}
    for record in records_of(journals, prefix):
        entry = entry_in(record.rows[1:-1])
        if entry is not None and entry["step"] == step and record.key not in found:  # a copy may lie beside its original
            found[record.key] = {**entry, "key": record.key}
    return list(found.values())


def _is_of_model(entry: dict[str, Any], task: AskingStep, askers: Mapping[str, Asker]) -> bool:
    """Whether a model was asked as it is now: the key covers its parameters, unless nothing came back."""
    if not entry["completion"]["texts"]:
        return entry.get("model") in [llm.model_name for llm in task.answering_models().values()]
    key, wanted = entry["key"], entry.get("n", 1)
    had = entry.get("have")
    haves = [had] if isinstance(had, int) else range(min(wanted, MOST_REPEATS))
    speaker: Speaker = "user" if entry.get("speaker") == "user" else "assistant"
    request = Request(entry.get("chat") or [], n=wanted, schema=entry.get("schema"), speaker=speaker)
    return any(
        asker.key(replace(request, have=have), before, retried) == key
        for asker in set(askers.values())
        for retried in range(MOST_RETRIES)
        for before in range(MOST_REPEATS)
        for have in haves
    )


def _first_chats(task: AskingStep, received: Row | None) -> Sequence[Any]:
    if received is None:
        return []
    with suppress(Exception):  # a task may ask in its own way
        return task.first_chats(rename_in(received, task.input_mappings))
    return []


def _begins(entry: dict[str, Any], prompt: Any, members: Collection[str]) -> bool:
    """Whether a chat begins as the row's does. The members of a model are told more by the system."""
    chat = entry.get("chat")
    if entry.get("asked_as") in members:
        chat, prompt = _without_system(chat), _without_system(prompt)
    return isinstance(chat, list) and isinstance(prompt, list) and bool(prompt) and chat[: len(prompt)] == prompt


def _without_system(chat: Any) -> Any:
    return [turn for turn in chat if turn.get("role") != "system"] if isinstance(chat, list) else chat


def asked_of(entry: dict[str, Any]) -> Asked:
    """An entry of a journal, as it was read back."""
    completion = entry.get("completion") or {}
    usage = completion.get("usage") or {}
    return Asked(
        step=str(entry.get("step", "")),
        row=str(entry.get("row", "")),
        model=str(entry.get("model") or ""),
        model_name=str(completion.get("model_name") or ""),
        chat=entry.get("chat"),
        texts=list(map(in_short, completion.get("texts") or [])),
        at=entry.get("at"),
        seconds=entry.get("seconds") or 0.0,
        attempts=entry.get("attempts") or 1,
        input_tokens=usage.get("input_tokens", 0),
        output_tokens=usage.get("output_tokens", 0),
        cost=entry.get("cost"),
        is_copy=bool(entry.get(COPIED)),
        asked_as=str(entry.get("asked_as") or ""),
    )


def problem_of(task: AskingStep, texts: list[str], received: Row | None) -> str:
    """Why a step cannot use a reply; empty when it can, or nobody can tell."""
    if not texts:
        return "the model said nothing"
    row = rename_in(received or {}, task.input_mappings)
    for text in texts:
        try:
            task.format_output(text, row)
        except BadReply as error:
            return error.message
        except Exception:  # without the row as it was, or a task that reads replies in its own way
            return ""
    return ""


def is_repair(chat: Any) -> bool:
    """Whether a chat shows the model a reply of its own, and what is wrong with it."""
    if not isinstance(chat, list) or len(chat) < 2 or not all(isinstance(message, dict) for message in chat[-2:]):
        return False
    return chat[-2].get("role") == "assistant" and str(chat[-1].get("content")).startswith(CANNOT_BE_USED)


def ask_again(
    task: AskingStep, step: str, key: bytes, received: Row, made: Sequence[Row], cwd: Path | None, journals: Sequence[Path] = ()
) -> list[Asked]:
    """What a rehearsal or a recording answered: it costs nothing, and no journal holds it, so it is asked once more.

    Nothing is returned where it would answer otherwise now than it did: `made` are the rows that came of it. `key`: that of
    the row. `cwd`: where relative paths count from. `journals`: what the task's other models said, if it has some that are not
    free.
    """
    models = task.answering_models()
    each = [llm for llm in {id(llm): llm for llm in models.values()}.values() if llm.is_free]
    for llm in each:
        if cwd is not None and isinstance(llm, ReplayLLM):
            llm.path = str(cwd / llm.path)
    asked: list[Asked] = []

    async def ask_all() -> list[Row]:
        sent: Counter[bytes] = Counter()
        keys_of = {name: asker.keys(asked=sent) for name, asker in _askers(task, step, key).items()}

        async def ask(request: Request) -> Completion:
            llm, asked_by = models[request.model], keys_of[request.model](request)
            if not llm.is_free:
                return _kept(journals, asked_by)
            completion = await llm.complete(as_asked_by(request, asked_by))
            used = completion.usage
            told = {
                "step": step,
                "model": llm.model_name,
                "model_name": completion.model_name,
                "asked_as": request.model,
                "is_free": True,
                "cost": 0.0,
            }
            counts = {"input_tokens": used.input_tokens, "output_tokens": used.output_tokens}
            asked.append(Asked(chat=request.chat, texts=completion.texts, **told, **counts))
            return completion

        for llm in each:
            await llm.load()
        row = rename_in(received, task.input_mappings)
        ask_any = topped_up(through_members(task.models(), ask))
        return [rename_out(new, received, task) for new in await task.answer(row, ask_any)]

    try:
        again = asyncio.run(ask_all())
    except Exception:  # the file of recordings is gone, or a row was pieced together wrongly
        return []
    columns = task.makes()
    named = [task.output_mappings.get(column, column) for column in columns]
    is_same = len(again) == len(made) and all(
        one.get(column) == other.get(column) for one, other in zip(again, made, strict=True) for column in named
    )
    return asked if is_same else []


def _kept(journals: Sequence[Path], key: bytes) -> Completion:
    """The reply that a journal has under this key.

    Raises:
        LookupError: None has it.
    """
    entries = (entry_in(record.rows[1:-1]) for record in records_of(journals, key))
    if (entry := next(filter(None, entries), None)) is None:
        raise LookupError(key)
    return completion_of(entry)
