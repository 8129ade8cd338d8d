"""The rows that the cases of `equal_steps.py` work on, made of instructions and answers. The same bytes go to both sides."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.base import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Rows = list[Row]
Branches = list[Rows]
"""Rows of each step before a join; of other steps there is one such step, of sources none."""
DIMENSIONS = 256
NEIGHBOURS = 50
"""More than there are of one instruction: else a row may be alike to one that does not name it."""
METADATA = ("distilabel_metadata", "distilflow_metadata")
CALLED_ROWS = 500
"""Each row is a process of ours."""


def read_rows(paths: Sequence[Path]) -> Rows:
    """Rows of an instruction, an input and a response out of JSONL files; those without an instruction are left out."""
    files = [file for path in paths for file in (sorted(path.glob("*.jsonl")) if path.is_dir() else [path])]
    rows: Rows = []
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            if "instruction" not in found:
                continue
            first = (found.get("instances") or [{}])[0]
            response = found.get("response") or found.get("output") or first.get("output") or ""
            given = found.get("input") or first.get("input") or ""
            row = {"id": len(rows), "instruction": found["instruction"], "input": given, "response": response}
            rows.append({**row, "model": file.stem})
    return rows


def write_files(rows: Rows, folder: Path) -> None:
    """What sources read, and the library of functions, under the names that the cases have for them."""
    import csv

    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows).save_to_disk(folder / "saved")
    (folder / "library.py").write_text(LIBRARY)


# ---- what the steps get
def plain(rows: Rows) -> Branches:
    return [rows]


def tagged(rows: Rows) -> Branches:
    return [[{**row, "tags": row["instruction"].split()[:4]} for row in rows]]


def words(rows: Rows) -> Branches:
    """Lists of all lengths from 1 on, and the same as JSON text."""
    lists = [(row["instruction"] + " " + row["response"]).split()[: 1 + row["id"] % 7] for row in rows]
    made = [{"words": found, "lengths": list(map(len, found)), "json": json.dumps(found)} for found in lists]
    return [[{**row, **new} for row, new in zip(rows, made, strict=True)]]


def supervised(rows: Rows) -> Branches:
    """Some with a system prompt, some with an empty one, some with None, some without the column."""
    return [[_with_system({**row, "generation": row["response"]}) for row in rows]]


def rated(rows: Rows) -> Branches:
    """Three different answers to each instruction, rated in each order."""
    return [[_with_system(row) for row in _rated(rows)]]


def chats(rows: Rows) -> Branches:
    return [[{**row, "messages": _chat(row), "generation": row["response"]} for row in rows]]


def rated_chats(rows: Rows) -> Branches:
    return [[{**row, "messages": _chat(row)} for row in _rated(rows)]]


def solutions(rows: Rows) -> Branches:
    made = []
    for row in rows:
        steps = [step for step in row["response"].split(". ") if step.strip()] or ["nothing"]
        marked = [f"Step {at}: {step} {'+-'[(row['id'] + at) % 3 == 0]}" for at, step in enumerate(steps, 1)]
        made.append({**row, "solutions": marked})
    return [made]


def examples(rows: Rows) -> Branches:
    """None, one or more queries and answers in a row."""
    several = [rows[at : at + at % 4] for at in range(len(rows))]
    return [[{"query": [r["instruction"] for r in some], "answers": [r["response"] for r in some]} for some in several]]


def two_branches(rows: Rows) -> Branches:
    """What two models made of the same rows."""
    first = [{**row, "generation": row["response"], "model_name": "a"} for row in rows]
    second = [{**row, "generation": row["response"].upper(), "model_name": "b"} for row in rows]
    return [first, second]


def other_columns(rows: Rows) -> Branches:
    """Two branches that made different columns, and one that both made."""
    shared = [{"id": row["id"], "instruction": row["instruction"]} for row in rows]
    first = [{**row, "length": len(row["instruction"]), "kind": "a"} for row in shared]
    second = [{**row, "words": row["instruction"].split(), "kind": "b"} for row in shared]
    return [first, second]


def nothing(rows: Rows) -> Branches:
    return []


def _with_system(row: Row) -> Row:
    match row["id"] % 4:
        case 0:
            return {**row, "system_prompt": f"Answer as {row['model']} would."}
        case 1:
            return {**row, "system_prompt": ""}
        case 2:
            return {**row, "system_prompt": None}
    return row


def _rated(rows: Rows) -> Rows:
    """Rows whose answers are the same text are left out: there is no preference among them, and we say so."""
    orders = [*permutations([1, 3, 5]), *permutations([2.5, 4, 4]), *permutations([1, 1, 4])]
    made = []
    for at, row in enumerate(rows):
        others = [rows[(at + step) % len(rows)] for step in (0, 1, 2)]
        answers = [other["response"] for other in others]
        if len(set(answers)) == len(answers):
            models = [other["model"] for other in others]
            found = {"generations": answers, "ratings": list(orders[at % len(orders)]), "generation_models": models}
            made.append({**row, **found})
    return made


def _chat(row: Row) -> Rows:
    asked = {"role": "user", "content": row["instruction"]}
    system = [{"role": "system", "content": "Be brief."}] if row["id"] % 2 else []
    turns = [{"role": "assistant", "content": row["response"]}, {"role": "user", "content": row["input"]}]
    return [*system, asked, *(turns if row["id"] % 3 else [])]


# ---- texts
def instructions(rows: Rows) -> Branches:
    return [[{"id": row["id"], "text": row["instruction"]} for row in rows]]


def without_stops(rows: Rows) -> Branches:
    """Answers whose sentences cannot be told apart by full stops, so that nothing hangs on where they end."""
    return [[{**row, "text": row["text"].replace(".", " ")} for row in responses(rows)[0]]]


def responses(rows: Rows) -> Branches:
    return [[{"id": row["id"], "text": row["response"]} for row in rows]]


def many_texts(rows: Rows) -> Branches:
    """100,000 texts of two or three sentences of the answers, a tenth of them a word away from the one before."""
    import numpy as np

    found = (sentence.strip() for row in rows for sentence in re.split(r"(?<=[.!?])\s", row["response"]))
    sentences = sorted({sentence for sentence in found if len(sentence) > 20})
    rng, texts = np.random.default_rng(0), list[str]()
    while len(texts) < 100_000:
        text = " ".join(sentences[at] for at in rng.integers(len(sentences), size=rng.integers(2, 4)))
        texts += [text, f"{text} Indeed"] if rng.random() < 0.1 else [text]
    return [[{"id": at, "text": text} for at, text in enumerate(texts[:100_000])]]


# ---- vectors
def embedded(rows: Rows) -> Branches:
    """A vector for each instruction and its answer. Rows with the vector of one before are left out."""
    vectors = _vectors([f"{row['instruction']} {row['input']} {row['response']}" for row in rows])
    firsts = {vector.tobytes(): at for at, vector in reversed(list(enumerate(vectors)))}
    return [[{"id": rows[at]["id"], "embedding": vectors[at].tolist()} for at in sorted(firsts.values())]]


def repeated(rows: Rows) -> Branches:
    """A vector for each instruction, which most rows share with others: `repeats` is how many there are of it."""
    vectors = _vectors([row["instruction"] for row in rows])
    seen = [vector.tobytes() for vector in vectors]
    counts = {one: seen.count(one) for one in set(seen)}
    made = zip(rows, vectors, seen, strict=True)
    return [[{"id": row["id"], "embedding": vector.tolist(), "repeats": counts[one]} for row, vector, one in made]]


def scored(rows: Rows) -> Branches:
    """Vectors with the scores that DEITA asks for, of which some are 0 or missing."""
    asked, answered = (2, None, 3.5, 0, 5, 6, 1), (1, 4.5, None, 3, 0)
    scores = [{"evol_instruction_score": asked[at % 7], "evol_response_score": answered[at % 5]} for at in range(len(rows))]
    return [[{**row, **score} for row, score in zip(embedded(rows)[0], scores, strict=False)]]


def scored_short(rows: Rows) -> Branches:
    """The same with 64 numbers in a vector: distilabel holds the differences of all pairs at once."""
    import numpy as np

    made = scored(rows)[0]
    vectors = np.array([row["embedding"] for row in made], np.float32).reshape(len(made), 64, -1).sum(axis=2)
    return [[{**row, "embedding": vector.tolist()} for row, vector in zip(made, vectors, strict=True)]]


def alike(rows: Rows) -> Branches:
    """The rows whose instructions are nearest to each row's, as FaissNearestNeighbour finds them by the inner product.

    `is_first`: others are like this row, and none of those before it is.
    """
    import numpy as np

    vectors = _vectors([row["instruction"] for row in rows])
    near = vectors @ vectors.T
    np.fill_diagonal(near, -1)
    found = np.argsort(-near, axis=1, kind="stable")[:, :NEIGHBOURS]
    scores = np.take_along_axis(near, found, axis=1)
    is_alike = (near > 0.9) & (near.T > 0.9)
    firsts: Any = is_alike.any(axis=1) & ~np.tril(is_alike).any(axis=1)
    made = zip(rows, found.tolist(), scores.tolist(), firsts.tolist(), strict=True)
    return [[{"id": row["id"], "nn_indices": at, "nn_scores": score, "is_first": first} for row, at, score, first in made]]


def one_sided(rows: Rows) -> Branches:
    """Of rows that are alike, only the first names the others: then distilabel keeps the first, too."""
    made, named = [], set[int]()
    for at, row in enumerate(alike(rows)[0]):
        pairs = zip(row["nn_indices"], row["nn_scores"], strict=True)
        later = [pair for pair in pairs if pair[0] > at and at not in named and pair[0] not in named]
        named.update(number for number, score in later if score > 0.9)
        made.append({"id": row["id"], "nn_indices": [one for one, _ in later], "nn_scores": [score for _, score in later]})
    return [made]


def placed(rows: Rows) -> Branches:
    """Two numbers for each row, in as many clouds as there are files."""
    import numpy as np

    vectors = np.array([row["embedding"] for row in embedded(rows)[0]], np.float32)
    flat = vectors @ np.random.default_rng(0).normal(size=(DIMENSIONS, 2)).astype(np.float32)
    models = sorted({row["model"] for row in rows})
    clouds = np.array([6 * models.index(rows[row["id"]]["model"]) for row in embedded(rows)[0]], np.float32)
    flat[:, 0] += clouds
    return [[{**row, "projection": place.tolist()} for row, place in zip(embedded(rows)[0], flat, strict=True)]]


def unplaced(rows: Rows) -> Branches:
    """The vectors themselves, to be put into groups."""
    return [[{"id": row["id"], "projection": row["embedding"]} for row in embedded(rows)[0]]]


def many_vectors(rows: Rows) -> Branches:
    """20,000 vectors of texts that were put together of others."""
    texts = [row["text"] for row in many_texts(rows)[0][:20_000]]
    return [[{"id": at, "embedding": vector.tolist()} for at, vector in enumerate(_vectors(texts))]]


def many_places(rows: Rows) -> Branches:
    """20,000 places in 40 clouds, and among them."""
    import numpy as np

    rng = np.random.default_rng(0)
    centres = rng.uniform(-40, 40, size=(40, 2))
    clouds = centres[rng.integers(40, size=18_000)] + rng.normal(size=(18_000, 2))
    places = np.concatenate([clouds, rng.uniform(-45, 45, size=(2_000, 2))]).astype(np.float32)
    return [[{"id": at, "projection": place} for at, place in enumerate(rng.permutation(places).tolist())]]


def many_scored(rows: Rows) -> Branches:
    """10,000 vectors with scores: distilabel holds a table of all pairs."""
    made = many_vectors(rows)[0][:10_000]
    return [[{**row, "evol_instruction_score": 1 + row["id"] % 6, "evol_response_score": 1 + row["id"] % 5} for row in made]]


def _vectors(texts: Sequence[str]) -> Vectors:
    """Bags of words as vectors of length 1, without a model: the checksum of a word says where it adds or takes 1."""
    import numpy as np

    table = np.zeros((len(texts), DIMENSIONS), np.float32)
    for at, text in enumerate(texts):
        for word in re.findall(r"\w+", text.lower()):
            place = zlib.crc32(word.encode())
            table[at, place % DIMENSIONS] += 1 if place & 0x8000 else -1
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    table /= np.maximum(lengths, 1)
    return table


# ---- calls of functions
LIBRARY = """
def count_words(text):
    return len(text.split())


def share(text, letter):
    return round(text.count(letter) / len(text), 3)


def first(text, count=3):
    return text.split()[:count]
"""


def calls(rows: Rows) -> Branches:
    """Calls of the functions of LIBRARY: most right, some that fail, some of functions that are not there."""
    made: Rows = []
    for row in rows[:CALLED_ROWS]:
        text = row["instruction"]
        answers: list[dict[str, Any]] = [{"name": "count_words", "arguments": {"text": text}}]
        match row["id"] % 5:
            case 0:
                answers.append({"name": "share", "arguments": {"text": text, "letter": "e"}})
            case 1:
                answers.append({"name": "first", "arguments": {"text": text, "count": 2}})
            case 2:
                answers.append({"name": "share", "arguments": {"text": "", "letter": "e"}})
            case 3:
                answers.append({"name": "last", "arguments": {"text": text}})
        made.append({"id": row["id"], "answers": json.dumps(answers)})
    return [made]


# ---- statistics
def counted(rows: Rows) -> Branches:
    """Lists with the statistics of the model that made them, under the name of either side; numbers that can be shared."""
    made: Rows = []
    for row in words(rows)[0]:
        tokens = {"input_tokens": [420 * len(row["words"])], "output_tokens": [840, 420]}
        metadata = {"statistics_ask_0": tokens, "raw_input_ask_0": "said"}
        columns = {name: json.loads(json.dumps(metadata)) for name in (*METADATA, "unshared")}
        made.append({"id": row["id"], "words": row["words"], **columns})
    return [made]
