"""Instructions and answers to Argilla, where people say which answers are good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from steps.argilla.instructions import INSTRUCTION, InstructionPush, shown_text
from steps.argilla.questions import ArgillaQuestion
from steps.argilla.records import Record, id_of_fields
from steps.base import Row, require_values

QUALITY = ArgillaQuestion(
    title="How good is this answer to the instruction?", labels=["bad", "good"], texts={"bad": "👎", "good": "👍"}
)


class TextGenerationToArgilla(InstructionPush):
    """Shows instructions and answers to people in Argilla, who call each good or bad.

    The data set has the fields `instruction` and `generation` and the question `quality`; one that is not there is made. A row
    with a list of answers becomes a record for each. A record sent again is changed in Argilla, not doubled. Nothing is sent
    in a rehearsal or a preview.

    Example:
        >>> step = TextGenerationToArgilla(dataset_name="answers")
        >>> [record] = step.records({"instruction": "Name a river.", "generation": "The Rhine."})
        >>> record.fields
        {'instruction': 'Name a river.', 'generation': 'The Rhine.'}
    """

    inputs: ClassVar[tuple[str, ...]] = (INSTRUCTION, "generation")

    def text_fields(self) -> dict[str, bool]:
        return dict.fromkeys(self.inputs, True)

    def asked(self) -> dict[str, ArgillaQuestion]:
        return {"quality": QUALITY}

    def records(self, row: Row) -> Iterable[Record]:
        require_values(row, self.inputs)
        instruction = shown_text(INSTRUCTION, row[INSTRUCTION])
        given = row["generation"] if isinstance(row["generation"], list) else [row["generation"]]
        for answer in dict.fromkeys(shown_text("generation", one) for one in given):
            fields = {INSTRUCTION: instruction, "generation": answer}
            yield Record(id_of_fields(fields), fields)
