from __future__ import annotations

from steps.base import Row
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
from tests.steps.samples.rows import texts
from tests.steps.samples.sample import Sample, Samples


def _vector(text: str) -> Row:
    return {"text": text, "embedding": [0.6, 0.8], "projection": [0.6, 0.8]}


def _neighbours(text: str) -> Row:
    return {"text": text, "nn_indices": [0], "nn_scores": [0.5]}


def _scored(text: str) -> Row:
    return {**_vector(text), "evol_instruction_score": 3.0, "evol_response_score": 4.0}


SAMPLES: Samples = {
    "DBSCAN": [Sample(DBSCAN(n_jobs=1), _vector)],
    "UMAP": [Sample(UMAP(), _vector)],
    "DecontaminateNGrams": [Sample(DecontaminateNGrams(entries=["one two three four five"]), texts)],
    "DeitaFiltering": [Sample(DeitaFiltering(), _scored)],
    "EmbeddingDedup": [Sample(EmbeddingDedup(), _neighbours), Sample(EmbeddingDedup(drop=True), _neighbours)],
    "FaissNearestNeighbour": [Sample(FaissNearestNeighbour(), _vector)],
    "FilterLanguage": [Sample(FilterLanguage(), texts)],
    "FilterLength": [Sample(FilterLength(), texts)],
    "FilterRows": [Sample(FilterRows(condition="text is string"), texts)],
    "GenerateUntil": [
        Sample(GenerateUntil(num_rows=2, unique=["text"]), texts),
        Sample(GenerateUntil(num_rows=2, unique=["text"], similarity=0.8), texts),
    ],
    "MaskPII": [Sample(MaskPII(), texts)],
    "MinHashDedup": [
        Sample(MinHashDedup(), texts),
        Sample(MinHashDedup(tokenizer="ngrams", storage="disk", drop=True), texts),
    ],
}
