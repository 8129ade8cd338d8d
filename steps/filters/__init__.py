"""Steps that find what to leave out: duplicates, leaks, languages, lengths; and the vectors they go by.

An import of one takes that one alone.
"""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.filters.dbscan import DBSCAN
    from steps.filters.decontaminate_n_grams import DecontaminateNGrams
    from steps.filters.deita_filtering import DeitaFiltering
    from steps.filters.embedding_dedup import EmbeddingDedup
    from steps.filters.faiss_nearest_neighbour import FaissNearestNeighbour
    from steps.filters.filter_language import FilterLanguage
    from steps.filters.filter_length import FilterLength
    from steps.filters.filter_rows import FilterRows
    from steps.filters.generate_until import GenerateUntil
    from steps.filters.mask_pii import MaskPII
    from steps.filters.min_hash_dedup import MinHashDedup
    from steps.filters.umap import UMAP
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "DBSCAN",
    "UMAP",
    "DecontaminateNGrams",
    "DeitaFiltering",
    "EmbeddingDedup",
    "FaissNearestNeighbour",
    "FilterLanguage",
    "FilterLength",
    "FilterRows",
    "GenerateUntil",
    "MaskPII",
    "MinHashDedup",
]
