"""The cases of `equal_steps.py`: which step of ours stands beside which of distilabel's, and on which rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks import equal_rows as rows_of
from benchmarks.equal_rows import METADATA, Branches, Rows
from steps.base import Row


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
    """What must be equal of a row. In how many rows the rest differs is counted, and said."""
    order: str = ""
    """Column by which rows are put in order before they are compared; empty where they must come in the same order."""
    tolerance: float = 0.0
    """By how much numbers may differ, beside their size."""

    @property
    def name(self) -> str:
        told = [f"{name}={_short(value)}" for name, value in self.parameters.items()]
        return f"{self.step}({', '.join(told)}) on {self.branches.__name__}"

    @property
    def their_class(self) -> str:
        return self.theirs or f"distilabel.steps:{self.step}"

    @property
    def parameters_there(self) -> dict[str, Any]:
        return self.parameters if self.their_parameters is None else self.their_parameters


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:30]}..."


# ---- what must be equal where not all is
def shape(row: Row) -> Row:
    """How many values each column holds: what can be compared of rows that were drawn by chance."""
    return {column: len(values) for column, values in row.items()}


def texts_of_cells(row: Row) -> Row:
    """Cells of a CSV are text with us; distilabel guesses numbers, and has None for an empty one."""
    return {column: "" if value is None else str(value) for column, value in row.items()}


def but_whom_it_keeps(row: Row) -> Row:
    """Of rows that are alike distilabel keeps none, we the first."""
    return {
        column: value for column, value in row.items() if column != "keep_row_after_embedding_filtering" or not row["is_first"]
    }


def but_neighbours_equally_near(row: Row) -> Row:
    """Which of several neighbours that are equally near comes first is chance: how near they are is compared."""
    return {column: value for column, value in row.items() if column != "nn_indices"}


def but_repeated_neighbours(row: Row) -> Row:
    """Which of several equal vectors comes first is chance; distilabel takes it for the row itself, we look for the row."""
    return {column: value for column, value in row.items() if column != "nn_indices" or row["repeats"] == 1}


def but_what_went_wrong(row: Row) -> Row:
    """What a call returned; of those that failed, we say the kind of the error too."""
    return {
        column: value for column, value in row.items() if column != "execution_result" or row["keep_row_after_execution_check"]
    }


def but_unclear_stops(row: Row) -> Row:
    """Marks of texts in which a full stop may end a sentence or not: words are found without NLTK's sentence splitter."""
    mark = "keep_row_after_minhash_filtering"
    return {column: value for column, value in row.items() if column != mark or not _UNCLEAR.search(row["text"])}


def shared_metadata(row: Row) -> Row:
    """The metadata under the name that the side reads: the other one stays as it was."""
    shared = [row[name] for name in METADATA if row[name] != row["unshared"]]
    return {**{name: value for name, value in row.items() if name not in METADATA}, "metadata": shared or row["unshared"]}


_UNCLEAR = re.compile(r"\w\.(?!\d|\s+[A-Z]|\s*\Z)")
_PRM = "distilabel.steps.tasks.math_shepherd.utils:FormatPRM"
_EXAMPLES = "distilabel.steps.tasks.apigen.utils:PrepareExamples"
_CHECKER = "distilabel.steps.tasks:APIGenExecutionChecker"
_TEMPLATE = {"template": "## {query}\n{answers}"}
_ROWS = [{"query": f"query {at}", "answers": f"answer {at}"} for at in range(500)]
_TWO_CORES = 2
_FIFTY = {"search_batch_size": 50}
"""As with distilabel: how many are looked up at a time changes the last digits, and so the order of neighbours equally near."""
_SINGLE = 1e-5
"""We compute with vectors in single precision, distilabel with some in double."""

CASES = (
    Case("LoadDataFromDicts", rows_of.nothing, {"data": _ROWS}),
    Case("LoadDataFromFileSystem", rows_of.nothing, {"data_files": "rows.jsonl"}),
    Case("LoadDataFromFileSystem", rows_of.nothing, {"data_files": "rows.parquet", "num_examples": 700}),
    Case("LoadDataFromFileSystem", rows_of.nothing, {"data_files": "rows.csv"}, view=texts_of_cells),
    Case("LoadDataFromDisk", rows_of.nothing, {"dataset_path": "saved"}),
    Case("DataSampler", rows_of.nothing, {"data": _ROWS, "size": 3, "samples": 500}, view=shape),
    Case("KeepColumns", rows_of.plain, {"columns": ["response", "id"]}),
    Case("MergeColumns", rows_of.tagged, {"columns": ["model", "tags", "input"], "output_column": "labels"}),
    Case("MergeColumns", rows_of.tagged, {"columns": ["tags"]}),
    Case("TruncateTextColumn", rows_of.plain, {"column": "response", "max_length": 80}),
    Case("TruncateTextColumn", rows_of.plain, {"column": "instruction"}),
    Case("ExpandColumns", rows_of.words, {"columns": ["words"]}),
    Case("ExpandColumns", rows_of.words, {"columns": ["words", "lengths"]}),
    Case("ExpandColumns", rows_of.words, {"columns": {"words": "word", "lengths": "length"}}),
    Case("ExpandColumns", rows_of.words, {"columns": ["json", "words"], "encoded": ["json"]}),
    Case("ExpandColumns", rows_of.words, {"columns": ["json"], "encoded": True}),
    Case("ExpandColumns", rows_of.counted, {"columns": ["words"], "split_statistics": True}, view=shared_metadata),
    Case("GroupColumns", rows_of.two_branches, {"columns": ["generation", "model_name"]}),
    Case(
        "GroupColumns",
        rows_of.two_branches,
        {"columns": ["generation", "model_name"], "output_columns": ["generations", "models"]},
    ),
    Case("CombineOutputs", rows_of.other_columns),
    Case("ConversationTemplate", rows_of.plain),
    Case("FormatTextGenerationSFT", rows_of.supervised),
    Case("FormatTextGenerationDPO", rows_of.rated),
    Case("FormatChatGenerationSFT", rows_of.chats),
    Case("FormatChatGenerationDPO", rows_of.rated_chats),
    Case("FormatPRM", rows_of.solutions, theirs=_PRM),
    Case("FormatPRM", rows_of.solutions, {"step_token": "<rate>"}, theirs=_PRM),
    Case("FormatPRM", rows_of.solutions, {"format": "trl"}, theirs=_PRM),
    Case("PrepareExamples", rows_of.examples, _TEMPLATE, theirs=_EXAMPLES),
    Case("APIGenExecutionChecker", rows_of.calls, {"libpath": "library.py"}, theirs=_CHECKER, view=but_what_went_wrong),
    Case("MinHashDedup", rows_of.responses, {"tokenizer": "ngrams"}),
    Case("MinHashDedup", rows_of.responses, {"tokenizer": "ngrams", "n": 3, "threshold": 0.5, "seed": 7}),
    Case("MinHashDedup", rows_of.responses, {"tokenizer": "ngrams", "num_perm": 64, "threshold": 0.7}),
    Case("MinHashDedup", rows_of.instructions, {"tokenizer": "ngrams", "storage": "disk"}),
    Case("MinHashDedup", rows_of.instructions),
    Case("MinHashDedup", rows_of.instructions, {"threshold": 0.5}),
    Case("MinHashDedup", rows_of.without_stops),
    Case("MinHashDedup", rows_of.without_stops, {"threshold": 0.5}),
    Case("MinHashDedup", rows_of.responses, view=but_unclear_stops),
    Case("MinHashDedup", rows_of.responses, {"threshold": 0.5}, view=but_unclear_stops),
    Case("FaissNearestNeighbour", rows_of.embedded, {"k": 5}, view=but_neighbours_equally_near, tolerance=_SINGLE),
    Case("FaissNearestNeighbour", rows_of.embedded, {"k": 5, **_FIFTY}),
    Case("FaissNearestNeighbour", rows_of.embedded, {"k": 5, "metric_type": 0, **_FIFTY}),
    Case("FaissNearestNeighbour", rows_of.embedded, {"k": 3, "string_factory": "IVF8,Flat", "train_size": 500, **_FIFTY}),
    Case("FaissNearestNeighbour", rows_of.repeated, {"k": 5, **_FIFTY}, view=but_repeated_neighbours),
    Case("EmbeddingDedup", rows_of.one_sided),
    Case("EmbeddingDedup", rows_of.alike, {"threshold": 0.9}, view=but_whom_it_keeps),
    Case("DeitaFiltering", rows_of.scored, {"data_budget": 600, "diversity_threshold": 0.3}, order="id", tolerance=_SINGLE),
    Case("DeitaFiltering", rows_of.scored, {"data_budget": 100, "diversity_threshold": 0.37}, order="id", tolerance=_SINGLE),
    Case(
        "DeitaFiltering",
        rows_of.scored_short,
        {"data_budget": 600, "diversity_threshold": 2.0, "distance_metric": "manhattan"},
        order="id",
        tolerance=_SINGLE,
    ),
    Case(
        "DeitaFiltering",
        rows_of.scored_short,
        {"data_budget": 600, "diversity_threshold": 0.1, "normalize_embeddings": False},
        order="id",
        tolerance=_SINGLE,
    ),
    Case("UMAP", rows_of.embedded, {"random_state": 7, "n_jobs": 1}),
    Case("UMAP", rows_of.embedded, {"random_state": 7, "n_jobs": 1, "n_components": 5, "metric": "cosine"}),
    Case("DBSCAN", rows_of.placed, {"eps": 0.3, "min_samples": 10, "n_jobs": _TWO_CORES}),
    Case("DBSCAN", rows_of.placed),
    Case("DBSCAN", rows_of.unplaced, {"eps": 0.4, "min_samples": 5, "metric": "cosine"}),
)
"""Of steps that ask no model and reach no server. Not here: `LoadDataFromHub` and `PushToHub`, which need the Hub, and
`TruncateTextColumn` with a tokenizer, which needs one of the Hub."""

LARGE = (
    Case("MinHashDedup", rows_of.many_texts, {"tokenizer": "ngrams"}),
    Case("MinHashDedup", rows_of.many_texts, view=but_unclear_stops),
    Case("FaissNearestNeighbour", rows_of.many_vectors, {"k": 5}, view=but_neighbours_equally_near, tolerance=_SINGLE),
    Case("DBSCAN", rows_of.many_places),
    Case(
        "DeitaFiltering", rows_of.many_scored, {"data_budget": 2000, "diversity_threshold": 0.2}, order="id", tolerance=_SINGLE
    ),
)
"""The same where rows are many."""
