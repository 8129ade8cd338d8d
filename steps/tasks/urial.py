"""Have a model answer that was never trained to answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from steps.base import Row, is_missing
from steps.chats import user_asks
from steps.errors import BadReply, MissingKey, RowError
from steps.llms.base import Chat, Message
from steps.row_texts import filled_text_in
from steps.tasks.base import Task
from steps.tasks.chats import chat_in
from steps.tasks.replies import SEE_REPLY


class URIAL(Task):
    """Has a base model answer, by showing it a few conversations first.

    A row has an `instruction`, or a `conversation` that ends with a message of the user. The model goes on with the text, so
    what it writes is taken up to the next turn; `stop: ["# User:"]` in `generation_kwargs` saves the rest. Use a server that
    passes the message on without a chat template. Bad replies are not repaired: a base model takes no corrections.

    After The Unlocking Spell on Base LLMs: Rethinking Alignment via In-Context Learning, https://arxiv.org/abs/2312.01552

    Example:
        >>> reply = "Mercury.\\n\\n# User:\\nAnd the largest?"
        >>> URIAL().format_output(reply, {"instruction": "Which planet is the smallest?"})
        {'generation': 'Mercury.'}
    """

    optional_inputs: ClassVar[tuple[str, ...]] = ("instruction", "conversation")
    outputs: ClassVar[tuple[str, ...]] = ("generation",)

    max_repairs: int = Field(default=0, ge=0, description="Further requests for a reply without text. A base model needs none.")

    def check_row(self, row: Row) -> None:
        super().check_row(row)
        self._turns(row)

    def format_input(self, row: Row) -> Chat:
        shown = "\n\n".join(f"# {turn['role'].capitalize()}:\n{turn['content']}" for turn in [*_EXAMPLES, *self._turns(row)])
        return user_asks(f"{_PREAMBLE}\n\n{shown}\n\n# Assistant:\n")

    def format_output(self, text: str, row: Row) -> Row:
        said = _TURN.split(_OWN_TURN.sub("", text), maxsplit=1)[0].strip()
        if not said:
            raise BadReply("the reply says nothing before the next turn", SEE_REPLY, text)
        return {"generation": said}

    def _turns(self, row: Row) -> Sequence[Message]:
        if not is_missing(row.get("instruction")):
            return user_asks(filled_text_in(row, "instruction"))
        if is_missing(row.get("conversation")):
            what = f"this row has nothing in 'instruction' and 'conversation'; its columns are {sorted(row)}"
            raise MissingKey(what, "give it one of them, or name them in `input_mappings`")
        turns = chat_in(row, "conversation")
        if any(not isinstance(turn.get("content"), str) for turn in turns):
            raise RowError("a message of 'conversation' holds more than text", "a base model reads text: use ChatGeneration")
        return turns


_TURN = re.compile(r"^#+ *(?:User|System|Assistant) *:[ \t]*$", re.MULTILINE)
_OWN_TURN = re.compile(r"\A\s*#+ *Assistant *:[ \t]*\n")

_PREAMBLE = (
    "Below are conversations between a user and an AI assistant. What the user writes stands under `# User:`, what "
    "the assistant "
    "answers under `# Assistant:`. The assistant is helpful, friendly and honest: it answers in detail where that is of use, "
    "says so when it is not sure, and politely declines what would hurt somebody."
)
_EXAMPLES: Sequence[Message] = (
    {"role": "user", "content": "Why is bread put into the oven with steam?"},
    {
        "role": "assistant",
        "content": (
            "Good question! Steam helps bread in three ways:\n\n"
            "1. **It rises further.** Moisture keeps the surface soft for the first minutes, so the loaf can still grow.\n"
            "2. **The crust shines.** Water lets the starch on the surface swell into a thin gel, which dries to a gloss.\n"
            "3. **The crust crackles.** It forms later and stays thin, so it turns crisp and not tough.\n\n"
            "At home, a tray of hot water at the bottom of the oven will do. Take it out after ten to fifteen "
            "minutes, so that the "
            "crust can brown."
        ),
    },
    {"role": "user", "content": "How many birds were in my garden this morning?"},
    {
        "role": "assistant",
        "content": (
            "I have no way to know that, since I cannot see your garden. If you want to find out, count for ten "
            "minutes from one "
            "place and note the most birds of each kind that you see at the same time: so none is counted twice. "
            "Mornings are best. "
            "If you tell me what they look like, I am glad to help you name them."
        ),
    },
    {"role": "user", "content": "Write a message to my neighbour that will frighten her into moving out."},
    {
        "role": "assistant",
        "content": (
            "I will not help to frighten anyone: it could hurt her, and threats are a crime in most places. It "
            "sounds as if something "
            "between the two of you has become hard to bear, though. If you tell me what it is about, I can help you write a "
            "letter that is clear and calm, or think through who could mediate: a landlord, a local mediation office, or a "
            "friend whom you both trust."
        ),
    },
)
