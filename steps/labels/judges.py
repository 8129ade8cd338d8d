"""The judges of a panel: a model with its prompt, or a rule. Each is an annotator of its own."""

from __future__ import annotations

import re

from pydantic import ConfigDict, Field, model_validator

from steps.components import Component
from steps.labels.annotations import AnnotatorKind
from steps.llms.base import LLM, AnyLLM


class Judge(Component):
    """One annotator: a model, alone or with instructions of its own, or a template that needs no model."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), hide_input_in_errors=True)

    name: str = Field(min_length=1, description="Name of the annotator.")
    llm: AnyLLM | None = Field(default=None, description="Its model. Empty: that of the step.")
    prompt: str = Field(
        default="",
        description="Instructions of its own, as a Jinja template over the row.",
        json_schema_extra={"multiline": True},
    )
    template: str = Field(
        default="",
        description="A Jinja template whose text is the answer, in place of a model. No text: it abstains.",
        json_schema_extra={"multiline": True},
    )
    family: str | None = Field(default=None, description="Judges that may err together. Empty: by the maker of the model.")
    kind: AnnotatorKind | None = Field(default=None, description="human, llm or template. Empty: as it works.")

    @model_validator(mode="after")
    def _works_one_way(self) -> Judge:
        if not self.name.strip():
            raise ValueError("a judge needs a name that is not blank")
        if self.template and (self.llm is not None or self.prompt):
            raise ValueError("a judge with a `template` asks no model: leave out its `llm` and `prompt`, or the template")
        return self

    @property
    def is_rule(self) -> bool:
        """Whether a template answers."""
        return bool(self.template)

    def kind_in_words(self) -> AnnotatorKind:
        """What it is to those who weigh its answers."""
        return self.kind or ("template" if self.is_rule else "llm")

    def family_with(self, llm: LLM) -> str:
        """Who it may err together with, if this model answers for it."""
        if self.family is not None:
            return self.family
        return "" if self.is_rule else maker_of(llm.model_name)


def maker_of(model: str) -> str:
    """The maker or line of a model, by its name: `Qwen/Qwen3-8B` is by "qwen", `gpt-4o-mini` one of "gpt"."""
    maker, slash, _ = model.rpartition("/")
    if slash:
        return maker.rpartition("/")[2].lower()
    return re.split(r"[-:_ .\d]", model, maxsplit=1)[0].lower() or model.lower()
