"""Answers that were rated: which of them is preferred."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from steps.base import Batch, Row, is_missing, require_values
from steps.chats import said
from steps.errors import RowError
from steps.formats.chats import first_question, prompt_id
from steps.llms.base import Chat
from steps.row_texts import as_text
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


Answer = tuple[str, Any, Any]
"""What somebody answered, how that was rated, and who it was."""
_rating = itemgetter(1)
_NUMBER = re.compile(r"\s*-?[0-9]{1,15}(\.[0-9]{1,15})?\s*")


def preferred(rows: Sequence[Row], chats: Iterable[Chat]) -> Batch:
    """Each row with the best-rated answer to its chat and the worst."""
    return [_preferred(row, chat) for row, chat in zip(rows, chats, strict=True)]


def _preferred(row: Row, chat: Chat) -> Row:
    prompt = first_question(chat)
    (chosen, chosen_rating, chosen_model), (rejected, rejected_rating, rejected_model) = best_and_worst(row)
    return {
        **row,
        "prompt": prompt,
        "prompt_id": prompt_id(prompt),
        "chosen": [*chat, said("assistant", chosen)],
        "chosen_model": chosen_model,
        "chosen_rating": chosen_rating,
        "rejected": [*chat, said("assistant", rejected)],
        "rejected_model": rejected_model,
        "rejected_rating": rejected_rating,
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
    best = max(answers, key=_rating)
    others = [answer for answer in answers if answer[0] != best[0]]
    if not others:
        raise RowError(f"no answer is better: all {len(answers)} are the same text", DROP)
    worst = min(others, key=_rating)
    if best[1] == worst[1]:
        raise RowError(f"no answer is better: those that differ from the best are rated {best[1]} too", DROP)
    return best, worst


def rated_answers(row: Row) -> list[Answer]:
    """The answers in `generations` that have a rating in `ratings`.

    Raises:
        RowError: The columns do not belong together.
    """
    texts: Any = row.get("generations")
    ratings: Any = row.get("ratings")
    models: Any = row.get("generation_models")
    if is_missing(models) and isinstance(texts, list):
        models = [None] * len(texts)
    is_good = isinstance(texts, list) and isinstance(ratings, list) and isinstance(models, list)
    if not is_good or not len(texts) == len(ratings) == len(models):
        raise _mismatch(row)
    rated = []
    for text, rating, model in zip(texts, ratings, models, strict=True):
        if text is None or rating is None or rating != rating or text != text:  # NaN is not equal to itself
            continue
        number = rating if isinstance(rating, (int, float)) else _number_in(rating)
        if number is None:
            raise RowError(f"answer {quoted(text)} is rated {quoted(rating)} in 'ratings'", "ratings must be numbers")
        rated.append((text if isinstance(text, str) else as_text(text, "generations"), number, model))
    return rated


def _number_in(rating: Any) -> int | float | None:
    """The number that a text is, as TextClassification writes labels that are numbers; None where it is none."""
    if not isinstance(rating, str) or not _NUMBER.fullmatch(rating):
        return None
    return float(rating) if "." in rating else int(rating)


def _mismatch(row: Row) -> RowError:
    """Why the columns of a row do not belong together."""
    require_values(row, ("generations", "ratings"))
    columns = {name: row[name] for name in ("generations", "ratings", "generation_models") if not is_missing(row.get(name))}
    for name, values in columns.items():
        if not isinstance(values, list):
            return RowError(f"column {name!r} holds a {type(values).__name__}, not a list", "it must say one thing per answer")
    lengths = {name: len(values) for name, values in columns.items()}
    return RowError(f"generations and ratings do not match: {lengths}", "each answer needs one rating, or None")
