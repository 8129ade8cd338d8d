"""Texts that a model rewrites step by step, and which of its rewrites are of no use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from steps.base import Section
from steps.chats import user_asks
from steps.errors import BadReply
from steps.tasks.base import Rehearse
from steps.tasks.lenient_json import without_thoughts
from steps.tasks.mutations import PROMPT, RESPONSE
from steps.tasks.rehearsing import rehearse_text
from steps.tasks.rounds import Talk, TaskInRounds

LEAST_COPIED_CHARS = 30
"""A line of the prompt of this length is not in a rewrite by chance."""
MOST_REFUSAL_WORDS = 80
"""A longer text that begins with an apology is none."""


Templates = Annotated[
    dict[str, str],
    Field(
        min_length=1,
        description="Prompts to draw from, by name; <PROMPT> stands for the instruction.",
        json_schema_extra={"multiline": True},
    ),
]


class EvolvingTask(TaskInRounds):
    """Has a text rewritten by mutations that are drawn by chance."""

    section: ClassVar[Section] = "write"
    placeholder: ClassVar[str] = PROMPT
    """What each template must have: it stands for the text that is rewritten."""

    mutation_templates: Templates

    @field_validator("mutation_templates")
    @classmethod
    def _have_room_for_the_text(cls, templates: dict[str, str]) -> dict[str, str]:
        if without := [name for name, template in templates.items() if cls.placeholder not in template]:
            raise ValueError(f"{', '.join(map(repr, without))} has no {cls.placeholder} to put the text at")
        return templates

    async def evolve(self, talk: Talk, instruction: str, response: str | None = None, *, times: int) -> list[str]:
        """The text as it was, and what became of it each time: of the response, if there is one, else of the instruction.

        A rewrite that is of no use is left out: the next mutation is given what there was before.

        Raises:
            BadReply: None is of use; it is the last one.
        """
        texts = [instruction if response is None else response]
        failed: BadReply | None = None
        for _ in range(times):
            name = talk.rng.choice(list(self.mutation_templates))
            last = {PROMPT: texts[-1]} if response is None else {PROMPT: instruction, RESPONSE: texts[-1]}
            try:
                texts.append(await self.rewrite(talk, name, last))
            except BadReply as error:
                failed = error
        if failed is not None and len(texts) == 1:
            raise failed
        return texts

    async def rewrite(self, talk: Talk, mutation: str, texts: Mapping[str, str], rehearse: Rehearse = rehearse_text) -> str:
        """What one mutation makes of the texts, by placeholder; the last one is rewritten.

        Raises:
            BadReply: It made nothing of use, also after it was asked to correct itself.
        """
        template = self.mutation_templates[mutation]
        read = partial(read_rewrite, template=template, before=list(texts.values())[-1])
        return await talk.ask(user_asks(fill(template, texts)), read, rehearse)

    async def answers(self, talk: Talk, instructions: list[str]) -> list[str]:
        """What the model answers to each, as it comes."""
        return [await talk.ask(user_asks(instruction), str) for instruction in instructions]


class EvolvingRow(EvolvingTask):
    """Has a text of each row rewritten, as often as it is told to."""

    num_evolutions: int = Field(ge=1, description="Rewrites of each text, each of the one before.", examples=[2])
    store_evolutions: bool = Field(
        default=False,
        description="Keep all rewrites, in lists (`evolved_instructions`, `evolved_responses`, `answers`), not just the last.",
    )

    def kept(self, texts: list[str], *, with_first: bool) -> list[str]:
        """Those of the texts that the row gets; the first is the text as it was."""
        if not self.store_evolutions:
            return texts[-1:]
        return texts if with_first else texts[1:]


def fill(template: str, texts: Mapping[str, str]) -> str:
    """The template with the texts in their places, whatever looks like a place in those."""
    places = "|".join(map(re.escape, texts))
    return re.sub(places, lambda found: texts[found[0]], template)


def read_rewrite(reply: str, template: str, before: str) -> str:
    """The text of a reply that should be a rewrite and nothing else.

    Raises:
        BadReply: It is empty, what there was before, a refusal, or a copy of words of the prompt.
    """
    text = _bare(reply)
    if not any(map(str.isalnum, text)):
        raise BadReply("the reply holds no text", _FIX, reply)
    if _plain(text) == _plain(before):
        raise BadReply("the text came back as it was", _FIX, reply)
    if _refuses(text) and not _refuses(before):
        raise BadReply(f"the reply refuses: {text[:80]!r}", _FIX, reply)
    if copied := _copied(text, template, before):
        raise BadReply(f"the reply repeats words of the prompt: {copied[:80]!r}", _FIX, reply)
    return text


_FIX = "see the reply; another model or other mutation_templates may help"


def _bare(reply: str) -> str:
    """A reply without thoughts, and without the label or the tags that the prompt puts around such a text."""
    text = _LABEL.sub("", without_thoughts(reply).rpartition("Prompt#:")[2].strip())  # WizardLM's prompts end in such a label
    tagged = _TAGGED.fullmatch(text)
    return (tagged[2] if tagged else text).strip()


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _refuses(text: str) -> bool:
    return _REFUSAL.match(text) is not None and len(text.split()) < MOST_REFUSAL_WORDS


def _copied(text: str, template: str, before: str) -> str | None:
    """Words of the prompt that the text has and had not before."""
    lines = [_plain(line) for line in re.split(rf"{PROMPT}|{RESPONSE}|\n", template)]
    copies = [line for line in lines if len(line) >= LEAST_COPIED_CHARS] + [line for line in lines if _TAG.fullmatch(line)]
    was, now = _plain(before), _plain(text)
    return next((copy for copy in [*copies, *_TELLTALES] if copy in now and copy not in was), None)


_TELLTALES = ("given prompt", "rewritten prompt", "created prompt", "#prompt#")
_LABEL = re.compile(
    r"\A\W*+(?:here is |here's )?(?:the |my )?"
    r"(?:rewritten|evolved|new|improved) (?:instruction|prompt|answer|response)\W{0,3}:\**",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?\w+>")
_TAGGED = re.compile(r"<(instruction|answer|words)>(.*)</\1>", re.DOTALL)
_REFUSAL = re.compile(
    r"\W*+(?:(?:i['’]m|i am|we['’]re|we are)?\s*(?:very |so |really )?sorry\b[,.!]?\s*(?:but\b|i\b|we\b|this\b|that\b)"
    r"|(?:i|we) (?:cannot|can['’]t|can not|will not|won['’]t|am unable to|['’]m unable to|are unable to) "
    r"(?:assist|help|comply|fulfil|fulfill|rewrite|provide|answer|do (?:that|this)|create|complete|continue)\b"
    r"|as an? (?:ai|artificial intelligence|language model))",
    re.IGNORECASE,
)
