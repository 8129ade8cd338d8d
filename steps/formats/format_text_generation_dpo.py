"""Rows for preference training."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from steps.base import Batch, Group, Row, Step, require
from steps.errors import RowError
from steps.formats.chats import conversation, prompt_id, text_of

_DROP = "nothing can be learned from such a row: drop it, or have it rated again"


class _Answer(NamedTuple):
    text: str
    rating: float
    model: Any


class FormatTextGenerationDPO(Step):
    """Pairs the best-rated answer with the worst, for preference training (DPO).

    Answers without a rating are left aside. Of equally rated answers the first counts. A `system_prompt` in the row
    becomes the first message, `generation_models` say who answered.

    Example:
        >>> row = {"instruction": "2+2?", "generations": ["5", "4"], "ratings": [1, 5]}
        >>> [row] = FormatTextGenerationDPO().process([row])
        >>> row["chosen"], row["rejected_rating"]
        ([{'role': 'user', 'content': '2+2?'}, {'role': 'assistant', 'content': '4'}], 1)
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("instruction", "generations", "ratings")
    outputs: ClassVar[tuple[str, ...]] = (
        "prompt",
        "prompt_id",
        "chosen",
        "chosen_model",
        "chosen_rating",
        "rejected",
        "rejected_model",
        "rejected_rating",
    )

    def process(self, batch: Batch) -> Batch:
        return [self._format(row) for row in batch]

    def _format(self, row: Row) -> Row:
        require(row, self.inputs)
        prompt = text_of(row, "instruction")
        chosen, rejected = _best_and_worst(row)
        return {
            **row,
            "prompt": prompt,
            "prompt_id": prompt_id(prompt),
            "chosen": conversation(row, chosen.text),
            "chosen_model": chosen.model,
            "chosen_rating": chosen.rating,
            "rejected": conversation(row, rejected.text),
            "rejected_model": rejected.model,
            "rejected_rating": rejected.rating,
        }


def _best_and_worst(row: Row) -> tuple[_Answer, _Answer]:
    answers = _rated_answers(row)
    if len(answers) < 2:
        raise RowError(
            f"a preference needs two rated answers, this row has {len(answers)}: ratings {row['ratings']}",
            _DROP,
        )
    best = max(answers, key=lambda answer: answer.rating)
    others = [answer for answer in answers if answer.text != best.text]
    if not others:
        raise RowError(f"no answer is better: all {len(answers)} are the same text", _DROP)
    worst = min(others, key=lambda answer: answer.rating)
    if best.rating == worst.rating:
        raise RowError(f"no answer is better: all {len(answers)} are rated {best.rating}", _DROP)
    return best, worst


def _rated_answers(row: Row) -> list[_Answer]:
    columns = {name: row[name] for name in ("generations", "ratings", "generation_models") if row.get(name) is not None}
    for name, values in columns.items():
        if not isinstance(values, list):
            raise RowError(f"column {name!r} holds a {type(values).__name__}, not a list", "it must say one thing per answer")
    if len(lengths := {name: len(values) for name, values in columns.items()}) < 2 or len(set(lengths.values())) > 1:
        raise RowError(f"generations and ratings do not match: {lengths}", "each answer needs one rating, or None")
    models = columns.get("generation_models", [None] * lengths["generations"])
    rated = []
    for text, rating, model in zip(row["generations"], row["ratings"], models, strict=True):
        if rating is None or rating != rating or text is None:  # NaN is not equal to itself
            continue
        if not isinstance(rating, (int, float)) or not isinstance(text, str):
            raise RowError(f"answer {str(text)[:40]!r} is rated {rating!r}", "answers must be texts, ratings numbers")
        rated.append(_Answer(text, rating, model))
    return rated
