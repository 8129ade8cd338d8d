"""Give texts labels."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel, Field, field_validator

from steps.base import Row, Section
from steps.chats import user_asks
from steps.errors import BadReply, Complaint
from steps.llms.base import Chat, JSONSchema
from steps.row_texts import filled_text_in
from steps.tasks.base import Task
from steps.tasks.list_replies import ListReply
from steps.tasks.material import NO_ORDERS, tagged
from steps.tasks.rehearsing import rehearse_schema
from steps.tasks.replies import SEE_REPLY, Filled, parse_answer, schema_instructions, schema_of
from steps.wording import listed

_ROLE = "You sort texts: you read one, weigh which labels it deserves, and give nothing but labels."
_CONTEXT = "Labels say what a text is mainly about: its topic, its kind or its field."


class Label(BaseModel):
    labels: Filled

    @field_validator("labels", mode="before")
    @classmethod
    def _of_one(cls, labels: Any) -> Any:
        return labels[0] if isinstance(labels, list) and len(labels) == 1 else labels


class Labels(ListReply):
    labels: list[Filled] = Field(min_length=1)

    @field_validator("labels", mode="before")
    @classmethod
    def _alone(cls, labels: Any) -> Any:
        return [labels] if isinstance(labels, str) else labels


class TextClassification(Task):
    """Gives each text one label, or the few that suit it best.

    With `n` = 1 the column `labels` holds a text, else a list of 1 to `n` texts, none of them twice. Where `available_labels`
    are given, others are not accepted; upper and lower case do not matter. Without them the model makes labels up.

    Replies are held to JSON by the server where it can.

    See Let Me Speak Freely? A Study on the Impact of Format Restrictions on Performance of Large Language Models,
    https://arxiv.org/abs/2408.02442

    Example:
        >>> task = TextClassification(available_labels={"praise": "Somebody is pleased.", "complaint": "Somebody is not."})
        >>> task.format_output('{"labels": "Complaint"}', {"text": "It broke on the first day."})
        {'labels': 'complaint'}
    """

    section: ClassVar[Section] = "judge"
    inputs: ClassVar[tuple[str, ...]] = ("text",)
    outputs: ClassVar[tuple[str, ...]] = ("labels",)

    use_default_structured_output: bool | None = Field(
        default=True,
        description="Have the server enforce the JSON schema of replies. Empty: where it is known to (api.openai.com).",
    )
    system_prompt: str | None = Field(
        default=_ROLE, description="What the model is told about its role.", json_schema_extra={"multiline": True}
    )
    n: int = Field(default=1, ge=1, description="Most labels for each text.")
    context: str | None = Field(
        default=_CONTEXT, description="What the labels are about and for.", json_schema_extra={"multiline": True}
    )
    examples: list[str] | None = Field(default=None, description="Examples of texts and their labels, in words of your own.")
    available_labels: list[str] | dict[str, str] | None = Field(
        default=None, min_length=1, description="Labels to choose from, or what each of them means. Empty: any."
    )
    default_label: str | list[str] | None = Field(
        default="Unclassified", description="Label of texts that cannot be told; a list where `n` is more than 1."
    )
    query_title: str = Field(default="User Query", description="What the prompt calls the text.")

    def check(self) -> Iterable[Complaint]:
        if isinstance(self.default_label, list) and len(self.default_label) > self.n:
            yield (
                f"`default_label` has {len(self.default_label)} labels, a text gets at most {self.n}",
                "raise `n`, or name fewer",
            )

    @property
    def _answer(self) -> type[Label | Labels]:
        return Label if self.n == 1 else Labels

    @property
    def _default_labels(self) -> list[str]:
        default = self.default_label
        return [] if default is None else [default] if isinstance(default, str) else default

    @property
    def _allowed(self) -> list[str]:
        """Labels that a reply may hold; none where it may hold any."""
        return list(dict.fromkeys([*(self.available_labels or ()), *self._default_labels])) if self.available_labels else []

    def reply_schema(self, row: Row) -> JSONSchema:
        schema = schema_of(self._answer)
        labels = schema["properties"]["labels"]
        if self.n > 1:
            labels |= {"maxItems": min(self.n, len(self._allowed) or self.n)}
        if self._allowed:
            (labels if self.n == 1 else labels["items"]).update(enum=self._allowed)
        return schema

    def format_input(self, row: Row) -> Chat:
        wanted = (
            "the one label that suits best" if self.n == 1 else f"the {self.n} labels that suit best, or fewer if fewer suit"
        )
        parts = [
            f"{self.task_in_words()}{wanted}. Do not explain your choice.",
            self.context,
            self._choice(),
            *(["Examples:\n" + "\n".join(f"- {example}" for example in self.examples)] if self.examples else []),
            f"{self.query_title}:\n{self.material(row)}",
            NO_ORDERS,
            schema_instructions(self.reply_schema(row)),
        ]
        return user_asks("\n\n".join(filter(None, parts)), self.system_prompt)

    def task_in_words(self) -> str:
        """The beginning of the sentence that says how many labels to give."""
        return f"Give the text below ({self.query_title}) "

    def material(self, row: Row) -> str:
        """What the labels are for."""
        return tagged("text", filled_text_in(row, "text"))

    def _choice(self) -> str:
        said = "Make the labels up: short words that everybody understands, no narrower than the text demands."
        if isinstance(self.available_labels, dict):
            meanings = "\n".join(f"- {label}: {meaning}" for label, meaning in self.available_labels.items())
            said = f"Choose among these labels:\n{meanings}"
        elif self.available_labels:
            said = "Choose among these labels:\n" + "\n".join(f"- {label}" for label in self.available_labels)
        if default := " and ".join(map(repr, self._default_labels)):
            said += f"\nIf the text is ambiguous, or says too little to tell, answer {default} and nothing else."
        return said

    def format_output(self, text: str, row: Row) -> Row:
        labels = parse_answer(text, self._answer)["labels"]
        if self.n == 1:
            return {"labels": self._known(labels, text)}
        known = list(dict.fromkeys(self._known(label, text) for label in labels))
        if len(known) > self.n:
            raise BadReply(f"the reply gives {len(known)} labels, at most {self.n} are wanted", SEE_REPLY, text)
        return {"labels": known}

    def _known(self, label: str, reply: str) -> str:
        """The label as it was offered."""
        allowed = self._allowed
        if not allowed or label in allowed:
            return label
        alike = [one for one in allowed if one.strip().casefold() == label.casefold()]
        if len(alike) != 1:
            raise BadReply(f"{label[:60]!r} is none of the labels: {listed(allowed)}", SEE_REPLY, reply)
        return alike[0]

    def rehearse(self, row: Row, rng: Random) -> str:
        """Made-up labels, each of them once."""
        if not self._allowed:
            return rehearse_schema(self.reply_schema(row), rng)
        labels = rng.sample(self._allowed, 1 if self.n == 1 else rng.randint(1, min(self.n, len(self._allowed))))
        return Label(labels=labels[0]).model_dump_json() if self.n == 1 else Labels(labels=labels).model_dump_json()
