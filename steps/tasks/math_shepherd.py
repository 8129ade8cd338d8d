"""What the two tasks of Math-Shepherd share: how the model is told to write solutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from steps.chats import said, user_asks
from steps.errors import Complaint
from steps.llms.base import Chat
from steps.tasks.base import Task
from steps.tasks.math_solutions import ANSWER_IS
from steps.templates import compile_template, template_columns, template_problem

_VARIABLES = ("extra_rules", "few_shots", "structured_prompt")

RULES = """\
Rules:
- Each step does one thing and says why.
- Show each calculation between << and >>, with its result after it: 3 + 4 = <<3+4=7>>7.
- The answer is a number alone, without a unit."""

FORM = (
    'Begin each step on a line of its own with its number, like "Step 1:". End with a line that holds '
    f'"{ANSWER_IS}" and the answer, nothing more. Write nothing else.'
)


SystemPrompt = Annotated[
    str | None,
    Field(
        description="What the model is told about its role: a Jinja template with {{ extra_rules }} and {{ few_shots }}. "
        "Empty for none.",
        json_schema_extra={"multiline": True},
    ),
]
FewShots = Annotated[
    str | None,
    Field(description="Examples of the solutions that are wanted.", json_schema_extra={"multiline": True}),
]


class MathShepherdTask(Task):
    """Has a model write solutions in steps."""

    system_prompt: SystemPrompt = None
    extra_rules: str | None = Field(
        default=RULES,
        description="What holds for solutions of this data set; the default suits GSM8K.",
        json_schema_extra={"multiline": True},
    )
    few_shots: FewShots = None

    def check(self) -> Iterable[Complaint]:
        if not self.system_prompt:
            return
        if problem := template_problem(self.system_prompt):
            yield f"system_prompt: {problem}"
        elif unknown := sorted(template_columns(self.system_prompt) - set(_VARIABLES)):
            yield f"system_prompt uses {', '.join(map(repr, unknown))}; there are 'extra_rules' and 'few_shots'"

    def chat_of(self, text: str) -> Chat:
        """The system prompt, if there is one, and the text."""
        if not self.system_prompt:
            return user_asks(text)
        given = {"extra_rules": self.extra_rules or "", "few_shots": self.few_shots or "", "structured_prompt": ""}
        return [said("system", compile_template(self.system_prompt)(given).strip()), said("user", text)]
