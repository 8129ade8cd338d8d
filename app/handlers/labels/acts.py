"""What a reviewer does to an item or a round. Each act has a mark of the page: one that was sent twice counts once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.labelling import LabelProject
from flows.labelling.about import About
from flows.labelling.project import handle_of
from flows.labelling.rounds import Gains, close_round, open_round
from flows.labelling.said import item_of
from steps.errors import RunError
from steps.labels.questions import Question
from steps.labels.strategy_names import StrategyChoice

Short = Annotated[str, Field(max_length=200)]
Long = Annotated[str, Field(max_length=20_000)]


class Act(BaseModel, ABC):
    """Done to a project; gives what the page has to know besides."""

    model_config = ConfigDict(extra="forbid")

    by: Short = ""
    mark: Short = ""
    project: Short = ""
    """The project that the page shows, by its `id`; another one may have got its name since."""

    def on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        """
        Raises:
            OtherProject: It was meant for another project.
            DistilflowError: It cannot be done; all stays as it was.
        """
        if self.project:
            first, _, second = self.project.partition("/")
            project.check_is((first, second))
        return self._on(project, gains)

    @abstractmethod
    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]: ...


class AnswerItem(Act):
    do: Literal["answer"]
    item: Short
    label: Any
    comment: Long = ""

    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        return {"id": project.answer(project.item_called(self.item), self.label, self.by, self.comment, self.mark)["id"]}


class SkipItem(Act):
    do: Literal["skip"]
    item: Short

    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        return {"id": project.skip(project.item_called(self.item), self.by, self.mark)["id"]}


class SetExample(Act):
    """`text` None: it is an example no longer."""

    do: Literal["example"]
    item: Short
    text: Long | None

    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        return {"id": project.set_example(project.item_called(self.item), self.text, self.by, self.mark)["id"]}


class SetGold(Act):
    """`label` None: the right answer is not known."""

    do: Literal["gold"]
    item: Short
    label: Any

    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        return {"id": project.set_gold(project.item_called(self.item), self.label, self.by, self.mark)["id"]}


class UndoLast(Act):
    do: Literal["undo"]

    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        undone = project.undo(self.by, self.mark)
        return {"item": handle_of(item_of(undone)), "what": undone["line"]}


class OpenRound(Act):
    do: Literal["open-round"]
    size: int | None = Field(default=None, ge=1, le=1000)

    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        return {"round": open_round(project, gains, self.size).number}


class CloseRound(Act):
    do: Literal["close-round"]

    def _on(self, project: LabelProject, gains: Gains) -> dict[str, Any]:
        return {"round": close_round(project).number}


AnyAct = Annotated[AnswerItem | SkipItem | SetExample | SetGold | UndoLast | OpenRound | CloseRound, Field(discriminator="do")]


class Settings(BaseModel):
    """What people may change of a project. The type of its question stays: answers were given to it."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=500)]
    guideline: Long = ""
    labels: list[Short] = Field(default_factory=list, max_length=200)
    shown: list[Short] = Field(default_factory=list, max_length=200)
    topic: Short = ""
    strategy: StrategyChoice = "auto"
    round_size: int = Field(default=40, ge=1, le=1000)

    def on(self, project: LabelProject) -> dict[str, Any]:
        """
        Raises:
            RunError: Labels are left out that were given already, or cannot be those of the question.
        """
        if self.labels and (lost := sorted(project.said.names() - set(self.labels))) and project.about.question.type != "text":
            raise RunError(f"{', '.join(lost[:5])} was answered already", "leave it among the labels")
        try:
            told = {"title": self.title, "guideline": self.guideline, "labels": self.labels}
            question = Question.model_validate({**project.about.question.model_dump(), **told})
        except ValidationError as error:
            raise RunError(
                f"these labels cannot be: {error.errors()[0]['msg'].removeprefix('Value error, ')}", "mend them"
            ) from None
        kept = {name: getattr(self, name) for name in ("shown", "topic", "strategy", "round_size")}

        def changed(about: About) -> About:
            return about.model_copy(update={"question": question, **kept})

        project.change(changed)
        return {}
