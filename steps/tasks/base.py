"""What a task is: a step that asks a model about each row.

A task turns a row into a chat (`format_input`) and a reply into columns (`format_output`). One that declares an `Answer`
model needs neither: its fields are the JSON the model is asked for, the validator of the reply and the columns, all at once.
Tasks that ask several times per row override `answer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, Field

from steps.base import METADATA, Group, Row, is_missing, require_values
from steps.chats import user_asks
from steps.errors import RowError
from steps.llms.base import LLM, AnyLLM, Ask, Chat, JSONSchema, Request, Responder
from steps.llms.members import answering
from steps.llms.prices import Price
from steps.llms.rehearsal_llm import RehearsalLLM
from steps.row_texts import filled_text_in
from steps.secrets import TRANSPORT
from steps.tasks.asking import AskingStep
from steps.tasks.rehearsing import rehearse_schema, rehearse_text
from steps.tasks.repairs import Reader
from steps.tasks.replies import parse_answer, schema_instructions, schema_of
from steps.wording import quoted, snake_case

INSTRUCTION = "instruction"


Rehearse = Callable[[Random], str]
"""Makes up a reply that can be read, without a model."""


class Generation(NamedTuple):
    """What came of asking once: the columns, who replied, and what was asked and replied, as the model got and sent it."""

    columns: Row
    model_name: str
    asked: Any
    reply: Any


class Task(AskingStep):
    """Asks a model about each row.

    A row that has nothing to ask about goes to the quarantine before any request: a needed column holds None or NaN, or
    `instruction` is blank or no text. Numbers are written out, as `instruction` too.
    """

    group: ClassVar[Group] = "ask"
    prompt: ClassVar[str] = ""
    """What the user message says; `{column}` stands for a value of the row."""
    Answer: ClassVar[type[BaseModel] | None] = None
    mend_rehearsal: ClassVar[str] = "let `rehearse` of its class make up a reply that can be read"

    llm: AnyLLM = Field(
        default_factory=RehearsalLLM,
        description="The model that is asked.",
        examples=[{"use": "OpenAILLM", "model": "gpt-4o-mini"}],
    )
    num_generations: int = Field(default=1, ge=1, description="Replies per row.")
    group_generations: bool = Field(
        default=False, description="Put the replies of a row into lists instead of into rows of their own."
    )
    add_raw_output: bool = Field(default=False, description="Keep the model's words in `distilflow_metadata`.")
    add_raw_input: bool = Field(default=False, description="Keep the prompt in `distilflow_metadata`.")
    use_default_structured_output: bool | None = Field(
        default=None,
        description="Have the server enforce the JSON schema of replies. Empty: where it is known to (api.openai.com).",
    )
    max_repairs: int = Field(
        default=1,
        ge=0,
        description="Further requests for a reply that cannot be read, to have it corrected. Each costs as much again.",
    )

    batch: bool = Field(
        default=False,
        description="Send the rows through the provider's batch endpoint: within a day, at half the price (OpenAI, Azure "
        "OpenAI, Anthropic, Mistral).",
        json_schema_extra=TRANSPORT,
    )

    @property
    def batched_models(self) -> Mapping[str, LLM]:
        """The models that are asked through a batch endpoint. Those that answer for free, as in a rehearsal, are just asked."""
        return {name: llm for name, llm in self.answering_models().items() if not llm.is_free} if self.batch else {}

    def price_of(self, llm: Responder) -> Price | None:
        price = super().price_of(llm)
        return price.at(llm.batching.rate) if price is not None and self.batch and llm.batching is not None else price

    def models(self) -> Mapping[str, LLM]:
        """The models that are asked, by the names that requests have for them (`Request.model`): one, unless overridden.

        Several names may stand for the same model. Each model keeps its own limits, journal keys and price.
        """
        return {"": self.llm}

    def answering_models(self) -> Mapping[str, LLM]:
        return answering(self.models())

    def preferred_pool(self) -> str:
        pools = [llm.default_pool for llm in self.answering_models().values()]
        return next((pool for pool in ("gpu", "process") if pool in pools), pools[0] if pools else self.llm.default_pool)

    @property
    def makes_up(self) -> bool:
        others = (value for name, value in self if name != "llm")
        return any(getattr(one, "is_rehearsal", False) for one in (*self.answering_models().values(), *others))

    def may_change_rows(self) -> bool:
        return self.changes_rows or (self.num_generations > 1 and not self.group_generations)

    def makes(self) -> list[str]:
        answer = list(self.Answer.model_fields) if self.Answer and not self.outputs else list(self.outputs)
        metadata = [METADATA] if self.add_raw_input or self.add_raw_output else []
        return list(dict.fromkeys([*answer, "model_name", *metadata]))

    # ---- what a task defines
    def format_input(self, row: Row) -> Chat:
        """Chat messages for this row."""
        text = self.prompt.format_map(row)
        if (schema := self.reply_schema(row)) is not None:
            text = f"{text}\n\n{schema_instructions(schema)}"
        return user_asks(text)

    def first_chats(self, row: Row) -> Sequence[Chat]:
        return [self.format_input(row)]

    def format_output(self, text: str, row: Row) -> Row:
        """Columns for this reply.

        Raises:
            BadReply: The reply is not in the form that was asked for.
        """
        if self.Answer is None:
            raise NotImplementedError(f"{type(self).__name__}.format_output")
        return parse_answer(text, self.Answer)

    def reply_schema(self, row: Row) -> JSONSchema | None:
        """JSON schema that a reply about this row should follow; None for free text."""
        return schema_of(self.Answer) if self.Answer else None

    def rehearse(self, row: Row, rng: Random) -> str:
        """A reply about this row that `format_output` accepts, made up without a model."""
        schema = self.reply_schema(row)
        return rehearse_text(rng) if schema is None else rehearse_schema(schema, rng)

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        """Ask about one row; return the rows that go on: one, or `num_generations` of them."""
        self.check_row(row)
        request = self.request(row)
        read = await self.reader(row, ask).read_all(request, await ask(request))
        return self.rows_of(row, [Generation(one.columns, one.reply.model_name, request.chat, one.reply.text) for one in read])

    def rows_of(self, row: Row, generations: Sequence[Generation]) -> list[Row]:
        """The rows that go on, given what came of asking about one."""
        if self.group_generations:
            first = generations[0]
            columns = {column: [one.columns[column] for one in generations] for column in first.columns}
            grouped = {**row, **columns, "model_name": first.model_name}
            return [self.with_raw(grouped, first.asked, [one.reply for one in generations])]
        made = [({**row, **one.columns, "model_name": one.model_name}, one) for one in generations]
        return [self.with_raw(new, one.asked, one.reply) for new, one in made]

    def reader(self, row: Row, ask: Ask) -> Reader:
        """What reads the replies about this row, and asks again for those that cannot be read."""

        def read(text: str) -> Row:
            return self.format_output(text, row)

        is_json = self.reply_schema(row) is not None
        return Reader(read, ask, self.most_repairs, is_json=is_json, fix_of_rehearsal=self.fix_of_rehearsal)

    @property
    def fix_of_rehearsal(self) -> str:
        """What to do about a reply that cannot be read where it was made up; empty where a model wrote it."""
        return self.mend_rehearsal if self.llm.is_rehearsal else ""

    @property
    def most_repairs(self) -> int:
        """How often a reply that cannot be read is asked for again."""
        return self.max_repairs if self.llm.answers_anew else 0

    def check_row(self, row: Row) -> None:
        """Check that there is something to ask about.

        Raises:
            MissingKey, MissingValue, RowError: It says which column has nothing, or something of no use.
        """
        needed = self.needs()
        require_values(row, needed)
        self.check_metadata(row)
        if INSTRUCTION in needed:
            filled_text_in(row, INSTRUCTION)

    def check_metadata(self, row: Row) -> None:
        """Check that there is room for prompts and replies, if they are kept.

        Raises:
            RowError: The row has something else under the name of their column.
        """
        if self.add_raw_input or self.add_raw_output:
            _metadata_of(row)

    def request(self, row: Row) -> Request:
        """What the model is asked about this row."""
        chat, rehearse = self.format_input(row), partial(self.rehearse, row)
        return self.request_of(chat, row, rehearse, self.reply_schema(row), n=self.num_generations)

    def request_of(
        self,
        chat: Chat,
        row: Row,
        rehearse: Rehearse,
        schema: JSONSchema | None = None,
        *,
        n: int = 1,
        have: int = 0,
        model: str = "",
    ) -> Request:
        """A question about this row. `schema` goes along where the server holds its replies to it."""
        is_enforced = self.use_default_structured_output
        if is_enforced is None:
            is_enforced = self.models()[model].enforces_schemas
        sent = schema if is_enforced else None
        return Request(chat, n, have, schema=sent, row=row, rehearse=rehearse, asker=self.name or "", model=model)

    def with_raw(self, row: Row, asked: Any, reply: Any) -> Row:
        """The row, with what was asked and replied in `distilflow_metadata` where that is wanted."""
        if not self.add_raw_input and not self.add_raw_output:
            return row
        metadata = _metadata_of(row)
        name = self.name or snake_case(type(self).__name__)
        if self.add_raw_input:
            metadata[f"raw_input_{name}"] = asked
        if self.add_raw_output:
            metadata[f"raw_output_{name}"] = reply
        return {**row, METADATA: metadata}


def _metadata_of(row: Row) -> Row:
    """What the tasks before this one have kept.

    Raises:
        RowError: The row has something else under that name.
    """
    kept = row.get(METADATA)
    if not is_missing(kept) and not isinstance(kept, dict):
        what = f"column {METADATA!r} holds {quoted(kept)}, not a mapping: there is no place for prompts and replies"
        raise RowError(what, "give that column another name in the source, with `output_mappings`")
    return dict(kept) if isinstance(kept, dict) else {}
