"""Finding a step by a word. `ranked` of the page (`catalogue.js`) does the same with the same data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from flows.catalogue.entries import Entry
from steps.wording import did_you_mean, snake_case

OTHER_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("deduplicate deduplication duplicate unique", ("duplicates", "dedup")),
    (
        "random randomly",
        ("at random", "by chance", "drawn", "draws", "made up person", "between two others", "some time after"),
    ),
    ("plot chart visualise visualize", ("figure", "drawn as a map")),
    ("few shot fewshot in context", ("examples for a prompt", "examples for one prompt", "few conversations", "few shots")),
    ("multi turn multiturn dialogue dialog", ("conversation", "conversations", "several turns", "chats")),
    ("evaluate grade rate score judge llm as a judge", ("rates", "judges", "scores", "ranks")),
    ("anonymise anonymize privacy redact pii", ("placeholders",)),
    ("tool calling tools", ("function calls", "a function")),
    ("preference preferences alignment", ("preference training", "unpaired preferences", "rates several answers")),
    ("embed embedding embeddings", ("vector", "vectors")),
    ("translate translation", ("translation",)),
    ("csv parquet jsonl excel upload", ("csv or parquet",)),
    ("explode flatten split rows", ("lists into rows",)),
    ("select drop columns", ("keeps the columns",)),
    ("truncate shorten", ("cuts texts",)),
    ("condition where", ("meet a condition",)),
    ("rehearse rehearsal dry run mock dummy", ("stands in for a model",)),
    ("cache", ("recorded in a file",)),
    ("huggingface", ("hugging face",)),
    ("export publish upload", ("pushes its rows",)),
    ("classify classifier", ("classification", "one label")),
    ("critique", ("revises an answer", "says why")),
    ("reasoning chain of thought cot", ("step by step",)),
    ("summarize summarise extract paraphrase question answering qa translate", ("answers each instruction",)),
    ("concatenate join", ("into one list", "into one row")),
    ("append union stack merge", ("one after the other",)),
    ("aggregate", ("into lists",)),
    ("remove delete", ("drops the others",)),
    ("loop repeat", ("repeats the steps",)),
    ("route routing", ("of the next steps",)),
    ("similarity knn", ("vectors are nearest",)),
    ("rerank", ("ranks answers",)),
)
"""What people look for, and the words of names and descriptions that mean it."""
_NOWHERE = 6


def plain(text: str) -> str:
    """A text as it is searched: small letters, one space where it has hyphens, underscores or line breaks."""
    return " ".join(re.sub(r"[-_\s]+", " ", text.lower()).split())


def words_for(name: str, texts: Iterable[str]) -> str:
    """What a class of this name and these texts is found by: its words, and others that mean the same."""
    said = plain(" ".join([snake_case(name), *texts]))
    others = [asked for asked, here in OTHER_WORDS if any(re.search(rf"\b{re.escape(word)}\b", said) for word in here)]
    return " ".join([said, *others])


def search(catalogue: Sequence[Entry], query: str) -> list[Entry]:
    """Entries that have every word of the query: in the name first, then in a column, in the summary, and elsewhere."""
    words = [plain(word) for word in query.split()]
    ranked = [(_rank(entry, words), entry) for entry in catalogue]
    return [entry for rank, entry in sorted(ranked, key=lambda one: one[0]) if rank < _NOWHERE]


def _rank(entry: Entry, words: list[str]) -> int:
    return max((_rank_of(entry, word) for word in words), default=_NOWHERE)


def _rank_of(entry: Entry, word: str) -> int:
    names = (entry["name"].lower(), plain(snake_case(entry["name"])))
    columns = [*entry.get("outputs", ()), *entry.get("inputs", ()), *entry.get("optional_inputs", ())]
    columns = list(map(plain, columns))
    places = (
        any(name.startswith(word) for name in names),
        f" {word}" in names[1] or names[0].endswith(word),
        word in columns,
        any(f" {word}" in f" {column}" for column in columns),
        word in plain(entry["summary"]),
        word in entry["found_by"],
    )
    return next((rank for rank, is_here in enumerate(places) if is_here), _NOWHERE)


def near_word(catalogue: Sequence[Entry], query: str) -> str:
    """ " Did you mean 'x'?" of a word in a name, or nothing."""
    return did_you_mean(query.lower(), dict.fromkeys(part for one in catalogue for part in snake_case(one["name"]).split("_")))
