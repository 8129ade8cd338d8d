"""Steps that rearrange columns. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
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
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "CombineOutputs",
    "ComputeColumn",
    "ConcatenateRows",
    "EmbeddingGeneration",
    "ExpandColumns",
    "GenerateEmbeddings",
    "GroupColumns",
    "KeepColumns",
    "MergeColumns",
    "TruncateTextColumn",
]
