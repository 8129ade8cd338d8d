"""Write instructions about something."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import Row, Section
from steps.chats import user_asks
from steps.llms.base import Chat, JSONSchema
from steps.row_texts import filled_text_in
from steps.tasks.base import Task
from steps.tasks.list_replies import ListReply, list_schema, parse_list
from steps.tasks.material import NO_ORDERS, tagged
from steps.tasks.replies import Filled, schema_instructions

_CRITERIA = (
    "Begin with many different verbs, and repeat none.\n"
    "Ask only for what a model that writes text can do, in one or two sentences.\n"
    "Let each query be understood alone, without the others and without the text it was drawn from.\n"
    'Mix questions ("Why do tides differ from place to place?") with demands ("Compare two tide tables.").'
)


class Instructions(ListReply):
    instructions: list[Filled]


class SelfInstruct(Task):
    """Writes several instructions about a text, a topic or an example.

    `instructions` holds exactly `num_instructions` of them; ExpandColumns gives each a row of its own.

    After Self-Instruct: Aligning Language Models with Self-Generated Instructions, https://arxiv.org/abs/2212.10560

    Example:
        >>> task = SelfInstruct(num_instructions=2)
        >>> reply = '{"instructions": ["Explain why tides turn.", "Which moon has the most craters?"]}'
        >>> task.format_output(reply, {"input": "moons"})
        {'instructions': ['Explain why tides turn.', 'Which moon has the most craters?']}
    """

    section: ClassVar[Section] = "write"
    inputs: ClassVar[tuple[str, ...]] = ("input",)
    outputs: ClassVar[tuple[str, ...]] = ("instructions",)

    num_instructions: int = Field(default=5, ge=1, description="Instructions to write for each row.")
    criteria_for_query_generation: str = Field(
        default=_CRITERIA, description="What good instructions are like.", json_schema_extra={"multiline": True}
    )
    application_description: str = Field(default="AI assistant", description="Whom the instructions are for.")

    def reply_schema(self, row: Row) -> JSONSchema:
        return list_schema(Instructions, self.num_instructions)

    def format_input(self, row: Row) -> Chat:
        wanted = "1 query" if self.num_instructions == 1 else f"{self.num_instructions} queries"
        text = (
            f"Write {wanted} that a user could send to this application: {self.application_description}. They are about "
            f"what stands in the tag `context`.\n\nWhat good queries are like:\n{self.criteria_for_query_generation}\n\n"
            f"{tagged('context', filled_text_in(row, 'input'))}\n\n{NO_ORDERS}\n\n{schema_instructions(self.reply_schema(row))}"
        )
        return user_asks(text)

    def format_output(self, text: str, row: Row) -> Row:
        return {"instructions": parse_list(text, Instructions, self.num_instructions)}
