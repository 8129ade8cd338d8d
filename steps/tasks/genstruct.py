"""Turn documents into questions with answers."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from steps.base import Row, Section
from steps.chats import user_asks
from steps.llms.base import Chat
from steps.row_texts import filled_text_in
from steps.tasks.base import Task
from steps.tasks.marked_replies import split_at
from steps.tasks.rehearsing import rehearse_text

USER, ASSISTANT = "[[[User]]]", "[[[Assistant]]]"


class Genstruct(Task):
    """Writes a user's message about a document, and the answer of an assistant.

    It is made for NousResearch/Genstruct-7B, whose markers the prompt keeps; other models follow it too.

    After Ada-Instruct: Adapting Instruction Generators for Complex Reasoning, https://arxiv.org/abs/2310.04484,
    and Genstruct 7B, https://huggingface.co/NousResearch/Genstruct-7B

    Example:
        >>> row = {"title": "Tides", "content": "Tides follow the moon."}
        >>> Genstruct().format_output("What moves the tides? [[[Assistant]]] The moon.", row)
        {'user': 'What moves the tides?', 'assistant': 'The moon.'}
    """

    section: ClassVar[Section] = "write"
    inputs: ClassVar[tuple[str, ...]] = ("title", "content")
    outputs: ClassVar[tuple[str, ...]] = ("user", "assistant")

    def format_input(self, row: Row) -> Chat:
        text = (
            f"[[[Title]]] {str(row['title']).strip()}\n[[[Content]]] {filled_text_in(row, 'content').strip()}\n\n"
            "A user who does not have this text talks with an AI assistant about what it deals with. The user asks one thing, "
            f"which takes thought to answer and can be understood without the text; then, after {ASSISTANT}, the assistant "
            f"answers it in full.\n\n{USER} "
        )
        return user_asks(text)

    def format_output(self, text: str, row: Row) -> Row:
        user, assistant = split_at(ASSISTANT, text.replace(USER, "", 1) if text.lstrip().startswith(USER) else text)
        more_turns = assistant.find(USER)  # trained models may go on for as long as they can
        return {"user": user, "assistant": assistant[:more_turns].strip() if more_turns > 0 else assistant}

    def rehearse(self, row: Row, rng: Random) -> str:
        return f"{rehearse_text(rng)} {ASSISTANT} {rehearse_text(rng, 30)}"
