"""Asks again for replies that cannot be read: the model sees its reply, what is wrong with it, and corrects it.

A repair is a request like any other: paced, kept in the journal, paid for. So none is sent where it cannot help: a reply
that was cut would be cut again, and a model that repeats itself has no better one.
"""

from __future__ import annotations

import asyncio
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from steps.base import Row
from steps.errors import BadReply, BadRequest, ContentFiltered, ContextTooLong, DistilflowError
from steps.llms.base import Ask, Chat, Completion, Request
from steps.tasks.lenient_json import breaks_off, without_thoughts
from steps.wording import quoted

CANNOT_BE_USED = "This reply cannot be used: "
SHOWN_CHARS = 8_000
"""Most of a bad reply that the model is shown again: it is paid for as part of the prompt."""

_HOPELESS = (ContextTooLong, ContentFiltered, BadRequest)
"""Refusals that the longer chat may have caused: the row then failed for its reply, not for them."""


_MISREAD = (ValueError, LookupError, TypeError, AttributeError)
"""What code raises about a text that is not as it expects: no number, no such key, no match."""
LONGEST_ERROR = 300
_STANDARD = sysconfig.get_path("stdlib")


class Reply(NamedTuple):
    """One reply of a model: its text, who wrote it, and why it ended (`finish_reason` of the OpenAI protocol)."""

    text: str
    model_name: str
    finish_reason: str | None = None


class ReadReply(NamedTuple):
    """A reply that could be read, and the columns that were made of it."""

    reply: Reply
    columns: Row


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the replies to one request.

    `read`: columns of a text, or BadReply; what else it raises about a text says that it cannot be read, too.
    `most_repairs`: how often each reply may be asked for again. `is_json`: JSON was asked for, so a reply that was cut is not
    whole, whatever `read` makes of it. `fix_of_rehearsal`: what to do about replies that were made up.
    """

    read: Callable[[str], Row]
    ask: Ask
    most_repairs: int
    is_json: bool = False
    fix_of_rehearsal: str = ""

    async def read_all(self, request: Request, completion: Completion) -> list[ReadReply]:
        """Read each reply, repairing those that cannot be read; the others stay as they are.

        Raises:
            BadReply: One stays invalid; it has the last text, and `attempts` says how often it was asked for.
        """
        replies = replies_of(completion)
        read: list[ReadReply | BadReply] = [self._try(reply) for reply in replies]
        bad = {at: result for at, result in enumerate(read) if isinstance(result, BadReply)}
        for at, error in bad.items():
            if not self.most_repairs or replies[at].finish_reason in _CUT:
                raise error  # before the others are paid for: the row is lost in any case
        if bad:
            repairs = (self._repair(request, replies[at], error) for at, error in bad.items())
            for at, repaired in zip(bad, await asyncio.gather(*repairs, return_exceptions=True), strict=True):
                if isinstance(repaired, BaseException):
                    raise repaired
                read[at] = repaired
        return [result for result in read if isinstance(result, ReadReply)]

    def _try(self, reply: Reply) -> ReadReply | BadReply:
        try:
            if self.is_json and reply.finish_reason == "length" and breaks_off(reply.text):
                raise BadReply("its JSON has no end")
            return ReadReply(reply, self.read(reply.text))
        except BadReply as error:
            found = error
        except _MISREAD as error:
            if isinstance(error, DistilflowError):
                raise
            found = _misread(error, reply.text)
        found.reply = found.reply or reply.text
        found.fix = self.fix_of_rehearsal or found.fix
        return _cut(found, reply) or found

    async def _repair(self, request: Request, reply: Reply, error: BadReply) -> ReadReply:
        said = None
        while error.attempts <= self.most_repairs and reply.finish_reason not in _CUT and reply.text != said:
            said = reply.text
            try:
                completion = await self.ask(replace(request, chat=self._repair_chat(request, reply, error), n=1))
            except _HOPELESS as refusal:
                raise error from refusal
            reply = replies_of(completion)[0]
            result = self._try(reply)
            if isinstance(result, ReadReply):
                return result
            result.attempts = error.attempts + 1
            error = result
        raise error

    def _repair_chat(self, request: Request, reply: Reply, error: BadReply) -> Chat:
        """The chat as it was, the reply, and what is wrong with it. Not the attempts before: they cost, and help little."""
        said = without_thoughts(reply.text).strip().encode(errors="replace").decode() or "(nothing)"
        if len(said) > SHOWN_CHARS:
            said = f"{said[:SHOWN_CHARS]} ..."
        wanted = "the corrected JSON, complete" if self.is_json else "the whole reply in the form that was asked for"
        message = f"{CANNOT_BE_USED}{error.message}.\nReply with {wanted}, and nothing else."
        return [*request.chat, {"role": "assistant", "content": said}, {"role": "user", "content": message}]


def _misread(error: Exception, text: str) -> BadReply:
    """What the code that reads replies raised about one, in words."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_STANDARD)] or frames
    place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
    what = f"the reply, which begins {quoted(text)}, cannot be read: {type(error).__name__}: {str(error)[:LONGEST_ERROR]}"
    found = BadReply(what, f"see the reply; if it is as it should be, mend the code that reads it ({place})", text)
    found.__cause__ = error
    return found


def replies_of(completion: Completion) -> list[Reply]:
    """The replies in a completion, each with what is known of it."""
    reasons = [*completion.finish_reasons, *[None] * len(completion.texts)]
    return [Reply(text, completion.model_name, reason) for text, reason in zip(completion.texts, reasons, strict=False)]


_CUT = {
    "length": ("the reply was cut at the most tokens it may have", "raise max_new_tokens"),
    "content_filter": ("the server's content filter cut the reply", "change or drop the row"),
}


def _cut(error: BadReply, reply: Reply) -> BadReply | None:
    if reply.finish_reason not in _CUT:
        return None
    what, fix = _CUT[reply.finish_reason]
    return BadReply(f"{what} (finish_reason {reply.finish_reason!r}): {error.message}", fix, reply.text)
