"""Make conversations of several turns."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import Row, is_missing
from steps.chats import user_asks
from steps.errors import BadReply, MissingKey
from steps.llms.base import Chat
from steps.row_texts import filled_text_in, own_text
from steps.tasks.lenient_json import without_thoughts
from steps.tasks.material import NO_ORDERS, tagged
from steps.tasks.replies import SEE_REPLY
from steps.tasks.rounds import Talk, TaskInRounds

_ABOUT = ("persona", "topic")
_ASKER = (
    "You play a person who talks with an AI assistant. Stay in that role: you ask, wonder, doubt and want things; you do not "
    "help. Write as people type: plainly, one thing at a time, mostly in one to three sentences. Follow up on what the "
    "assistant said, ask for a detail, an example or a change, or turn to something near it. Do not thank and say goodbye."
)


class MultiTurnChat(TaskInRounds):
    """Has a model play both a user and an assistant for several turns.

    A row says what the talk is about: `instruction` is the first message of the user, `persona` is who the user is, `topic`
    what they talk about; one of the three is enough. The assistant sees the chat alone; the user's part is written by requests
    of their own, which also see persona and topic. Each turn costs two requests, the first one where `instruction` is there.

    `messages` is a chat as in the OpenAI protocol. It begins with the assistant's `system_prompt`, if there is one, of the row
    or of this step. With `end_with_user` its last question stays open, for another model to answer in ChatGeneration.

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["The moon.", "And the sun?", "It helps."])
        >>> [row] = MultiTurnChat(llm=llm, n_turns=2).process([{"instruction": "What moves the tides?"}])
        >>> [message["content"] for message in row["messages"]]
        ['What moves the tides?', 'The moon.', 'And the sun?', 'It helps.']
    """

    optional_inputs: ClassVar[tuple[str, ...]] = ("instruction", "persona", "topic", "system_prompt")
    outputs: ClassVar[tuple[str, ...]] = ("messages",)

    n_turns: int = Field(default=3, ge=1, description="Turns: questions of the user, each with its answer.")
    end_with_user: bool = Field(default=False, description="Leave the last question without an answer.")
    asker_prompt: str = Field(
        default=_ASKER, description="What the model is told when it plays the user.", json_schema_extra={"multiline": True}
    )
    system_prompt: str | None = Field(
        default=None, description="What the model is told when it answers.", json_schema_extra={"multiline": True}
    )
    use_system_prompt: bool = Field(default=True, description="Use the rows' own `system_prompt` where they have one.")

    def check_row(self, row: Row) -> None:
        super().check_row(row)
        given = [column for column in ("instruction", *_ABOUT) if not is_missing(row.get(column))]
        if not given:
            what = f"this row has nothing to talk about in 'instruction', 'persona' or 'topic'; its columns are {sorted(row)}"
            raise MissingKey(what, "give it one of them, or name them in `input_mappings`")
        for column in given:
            filled_text_in(row, column)

    async def talk(self, row: Row, talk: Talk) -> Row:
        chat = self._opening(row)
        for turn in range(self.n_turns):
            is_given = turn == 0 and not is_missing(row.get("instruction"))
            asked = filled_text_in(row, "instruction") if is_given else await talk.ask(self._asking(row, chat), _question)
            chat = [*chat, {"role": "user", "content": asked}]
            if self.end_with_user and turn == self.n_turns - 1:
                break
            chat = [*chat, {"role": "assistant", "content": await talk.ask(chat, _answer)}]
        if not talk.model_name:  # nothing was left to ask
            talk.model_name = self.llm.model_name
        return {"messages": chat}

    def _opening(self, row: Row) -> Chat:
        own = own_text(row, "system_prompt") if self.use_system_prompt else None
        system = own or self.system_prompt
        return [{"role": "system", "content": system}] if system else []

    def _asking(self, row: Row, chat: Chat) -> Chat:
        about = [tagged(column, filled_text_in(row, column)) for column in _ABOUT if not is_missing(row.get(column))]
        said = [f"{message['role'].capitalize()}: {message['content']}" for message in chat if message["role"] != "system"]
        wanted = (
            "Write the next message of this person, in the language of the conversation, and nothing else."
            if said
            else "Write the first message of this person to the assistant, and nothing else."
        )
        parts = [*about, *([tagged("conversation", "\n\n".join(said))] if said else []), NO_ORDERS, wanted]
        return user_asks("\n\n".join(parts), self.asker_prompt)


def _question(text: str) -> str:
    return _answer(text.strip().removeprefix("User:"))


def _answer(text: str) -> str:
    if not (said := without_thoughts(text).strip()):
        raise BadReply("the reply says nothing", SEE_REPLY, text)
    return said
