"""The cases of `equal_steps.py`: which step of ours stands beside which of distilabel's, and on which rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

from steps.base import Row

Rows = list[Row]
Branches = list[Rows]
"""Rows of each step before a join; of other steps there is one such step, of sources none."""


@dataclass(frozen=True)
class Case:
    """A step on both sides. What is not said of distilabel's is as with ours."""

    step: str
    branches: Callable[[Rows], Branches]
    """What the step gets, made of the rows of the data."""
    parameters: dict[str, Any] = field(default_factory=dict)
    theirs: str = ""
    """Module and class there; empty for the class of the same name in distilabel.steps."""
    their_parameters: dict[str, Any] | None = None
    view: Callable[[Row], Row] = dict
    """What is compared of a row."""
    tolerance: float = 0.0
    """By how much numbers may differ, beside their size."""

    @property
    def name(self) -> str:
        return f"{self.step}({', '.join(f'{name}={_short(value)}' for name, value in self.parameters.items())})"

    @property
    def their_class(self) -> str:
        return self.theirs or f"distilabel.steps:{self.step}"

    @property
    def parameters_there(self) -> dict[str, Any]:
        return self.parameters if self.their_parameters is None else self.their_parameters


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:30]}..."


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


def shape(row: Row) -> Row:
    """How many values each column holds: what can be compared of rows that were drawn by chance."""
    return {column: len(values) for column, values in row.items()}


_PRM = "distilabel.steps.tasks.math_shepherd.utils:FormatPRM"
_EXAMPLES = "distilabel.steps.tasks.apigen.utils:PrepareExamples"
_TEMPLATE = {"template": "## {query}\n{answers}"}
_ROWS = [{"query": f"query {at}", "answers": f"answer {at}"} for at in range(500)]

CASES = (
    Case("LoadDataFromDicts", nothing, {"data": _ROWS}),
    Case("DataSampler", nothing, {"data": _ROWS, "size": 3, "samples": 500}, view=shape),
    Case("KeepColumns", plain, {"columns": ["response", "id"]}),
    Case("MergeColumns", tagged, {"columns": ["model", "tags", "input"], "output_column": "labels"}),
    Case("MergeColumns", tagged, {"columns": ["tags"]}),
    Case("TruncateTextColumn", plain, {"column": "response", "max_length": 80}),
    Case("TruncateTextColumn", plain, {"column": "instruction"}),
    Case("ExpandColumns", words, {"columns": ["words"]}),
    Case("ExpandColumns", words, {"columns": ["words", "lengths"]}),
    Case("ExpandColumns", words, {"columns": {"words": "word", "lengths": "length"}}),
    Case("ExpandColumns", words, {"columns": ["json", "words"], "encoded": ["json"]}),
    Case("ExpandColumns", words, {"columns": ["json"], "encoded": True}),
    Case("GroupColumns", two_branches, {"columns": ["generation", "model_name"]}),
    Case("GroupColumns", two_branches, {"columns": ["generation", "model_name"], "output_columns": ["generations", "models"]}),
    Case("CombineOutputs", other_columns),
    Case("ConversationTemplate", plain),
    Case("FormatTextGenerationSFT", supervised),
    Case("FormatTextGenerationDPO", rated),
    Case("FormatChatGenerationSFT", chats),
    Case("FormatChatGenerationDPO", rated_chats),
    Case("FormatPRM", solutions, theirs=_PRM),
    Case("FormatPRM", solutions, {"step_token": "<rate>"}, theirs=_PRM),
    Case("FormatPRM", solutions, {"format": "trl"}, theirs=_PRM),
    Case("PrepareExamples", examples, _TEMPLATE, theirs=_EXAMPLES),
)
