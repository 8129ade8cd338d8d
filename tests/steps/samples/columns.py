from __future__ import annotations

from steps.columns.combine_outputs import CombineOutputs
from steps.columns.compute_column import ComputeColumn
from steps.columns.concatenate_rows import ConcatenateRows
from steps.columns.embedding_generation import EmbeddingGeneration
from steps.columns.expand_columns import ExpandColumns
from steps.columns.generate_embeddings import GenerateEmbeddings
from steps.columns.group_columns import GroupColumns
from steps.columns.keep_columns import KeepColumns
from steps.columns.merge_columns import MergeColumns
from steps.columns.truncate_text_column import TruncateTextColumn
from tests.steps.samples.rows import texts
from tests.steps.samples.sample import Sample, Samples

SAMPLES: Samples = {
    "KeepColumns": [Sample(KeepColumns(columns=["text"]), texts)],
    "GroupColumns": [Sample(GroupColumns(columns=["text"], output_columns=["all"]), texts)],
    "EmbeddingGeneration": [Sample(EmbeddingGeneration(), texts)],
    "GenerateEmbeddings": [Sample(GenerateEmbeddings(), texts)],
    "ExpandColumns": [Sample(ExpandColumns(columns=["texts"]), texts)],
    "MergeColumns": [Sample(MergeColumns(columns=["text", "more"]), texts)],
    "ComputeColumn": [Sample(ComputeColumn(column="both", template="{{ text }} {{ more }}"), texts)],
    "ConcatenateRows": [Sample(ConcatenateRows(), texts)],
    "CombineOutputs": [Sample(CombineOutputs(), texts)],
    "TruncateTextColumn": [Sample(TruncateTextColumn(max_length=3), texts)],
}
