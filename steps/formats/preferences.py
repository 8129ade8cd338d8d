"""Answers that were rated: which of them is preferred."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from steps.base import Row, is_missing, require_values
from steps.errors import RowError
from steps.formats.chats import first_question, prompt_id, said
from steps.llms.base import Chat
from steps.wording import quoted

PREFERENCE_COLUMNS = (
    "prompt",
    "prompt_id",
    "chosen",
    "chosen_model",
    "chosen_rating",
    "rejected",
    "rejected_model",
    "rejected_rating",
)
DROP = "nothing can be learned from such a row: drop it, or have it rated again"


class Answer(NamedTuple):
    text: str
    rating: float
    model: Any


def as_preference(row: Row, chat: Chat) -> Row:
    """The row with the best-rated answer to this chat and the worst."""
    prompt = first_question(chat)
    chosen, rejected = best_and_worst(row)
    return {
        **row,
        "prompt": prompt,
        "prompt_id": prompt_id(prompt),
        "chosen": [*chat, said("assistant", chosen.text)],
        "chosen_model": chosen.model,
        "chosen_rating": chosen.rating,
        "rejected": [*chat, said("assistant", rejected.text)],
        "rejected_model": rejected.model,
        "rejected_rating": rejected.rating,
    }


def best_and_worst(row: Row) -> tuple[Answer, Answer]:
    """Two different texts, one rated better than the other. Of equally rated ones the first counts.

    Raises:
        RowError: There are none.
    """
    answers = rated_answers(row)
    if len(answers) < 2:
        raise RowError(
            f"a preference needs two rated answers, this row has {len(answers)}: ratings {row['ratings']}",
            DROP,
        )
    best = max(answers, key=lambda answer: answer.rating)
    others = [answer for answer in answers if answer.text != best.text]
    if not others:
        raise RowError(f"no answer is better: all {len(answers)} are the same text", DROP)
    worst = min(others, key=lambda answer: answer.rating)
    if best.rating == worst.rating:
        raise RowError(f"no answer is better: those that differ from the best are rated {best.rating} too", DROP)
    return best, worst


def rated_answers(row: Row) -> list[Answer]:
    """The answers in `generations` that have a rating in `ratings`.

    Raises:
        RowError: The columns do not belong together.
    """
    texts, ratings, models = (cast("Any", row.get(name)) for name in ("generations", "ratings", "generation_models"))
    if is_missing(models) and isinstance(texts, list):
        models = [None] * len(texts)
    is_good = isinstance(texts, list) and isinstance(ratings, list) and isinstance(models, list)
    if not is_good or not len(texts) == len(ratings) == len(models):
        raise _mismatch(row)
    rated = []
    for text, rating, model in zip(texts, ratings, models, strict=True):
        if text is None or rating is None or rating != rating or text != text:  # NaN is not equal to itself
            continue
        if not isinstance(text, str):
            raise RowError(f"column 'generations' holds {quoted(text)} where an answer should be", "answers must be texts")
        if not isinstance(rating, (int, float)):
            raise RowError(f"answer {quoted(text)} is rated {quoted(rating)} in 'ratings'", "ratings must be numbers")
        rated.append(Answer(text, rating, model))
    return rated


def _mismatch(row: Row) -> RowError:
    """Why the columns of a row do not belong together."""
    require_values(row, ("generations", "ratings"))
    columns = {name: row[name] for name in ("generations", "ratings", "generation_models") if not is_missing(row.get(name))}
    for name, values in columns.items():
        if not isinstance(values, list):
            return RowError(f"column {name!r} holds a {type(values).__name__}, not a list", "it must say one thing per answer")
    lengths = {name: len(values) for name, values in columns.items()}
    return RowError(f"generations and ratings do not match: {lengths}", "each answer needs one rating, or None")
