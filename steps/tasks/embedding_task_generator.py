"""Tasks that embeddings are needed for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from steps.base import Row
from steps.llms.base import Ask
from steps.tasks.generator import GeneratorTask
from steps.tasks.replies import parse_answer
from steps.tasks.unfolding import unfolded

Category = Literal["text-retrieval", "text-matching-short", "text-matching-long", "text-classification"]


class TaskList(BaseModel):
    tasks: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]] = Field(
        min_length=1, description="The tasks, each in one sentence."
    )

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, data: Any) -> Any:
        return {"tasks": data} if isinstance(data, list) else data


class EmbeddingTaskGenerator(GeneratorTask):
    """Thinks up tasks for which texts must be found, matched or classified.

    Each request gives a list of about 20 tasks. With `flatten_tasks` each of them is a row, for GenerateTextRetrievalData and
    the others of its kind; how many there are then follows the replies.

    After Improving Text Embeddings with Large Language Models, https://arxiv.org/abs/2401.00368

    Example:
        >>> source = EmbeddingTaskGenerator(category="text-retrieval", flatten_tasks=True)
        >>> [row["model_name"] for row in source.generate()][0], source.columns()
        ('rehearsal', ['task', 'model_name'])
    """

    Answer = TaskList
    changes_rows: ClassVar[bool] = True
    prompt: ClassVar[str] = (
        "{about}\n\nWrite about 20 such tasks, each in one sentence that says what is given and what is wanted. Let them "
        "differ in subject, in kind of text, and in who would need them; leave out the few that everybody thinks of first. "
        "This is list number {number}: write none that would stand in the lists before it."
    )

    category: Category = Field(description="What the tasks are about.", examples=["text-retrieval"])
    flatten_tasks: bool = Field(default=False, description="A row for each task (`task`) instead of for each list (`tasks`).")
    num_rows: int = Field(default=1, ge=1, description="Requests. Each gives a list of about 20 tasks.")

    def makes(self) -> list[str]:
        return [("task" if self.flatten_tasks else column) if column == "tasks" else column for column in super().makes()]

    def seeds(self) -> Iterator[Row]:
        return ({"number": number, "about": _ABOUT[self.category]} for number in range(1, self.num_rows + 1))

    def count(self) -> int | None:
        return None if self.flatten_tasks else self.num_rows

    def format_output(self, text: str, row: Row) -> Row:
        tasks = parse_answer(text, TaskList)["tasks"]
        return {"task" if self.flatten_tasks else "tasks": tasks}

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        made = await super().answer(row, ask)
        return unfolded(made, ["task"], is_grouped=self.group_generations) if self.flatten_tasks else made


_ABOUT: dict[Category, str] = {
    "text-retrieval": (
        "In a retrieval task somebody has a query, and documents are to be found that serve it: to answer a question, to back "
        "or refute a claim, to explain an error message, to find the law behind a case."
    ),
    "text-matching-short": (
        "In a matching task of short texts, two texts of at most a sentence belong together by some relation, which need "
        "not be that they mean the same: a product and its category, a saying and who said it, two headlines of an event."
    ),
    "text-matching-long": (
        "In a matching task of long texts, two texts of several paragraphs belong together by some relation, which need not be "
        "that they mean the same: a paper and a review of it, two reports of one case, a story and its retelling."
    ),
    "text-classification": (
        "In a classification task a text gets one of several labels: what its writer intends or feels, which subject, stance, "
        "genre or risk it has. Each task names or implies its labels."
    ),
}
