from __future__ import annotations

import pytest

from flows.models import with_llm
from flows.spec import read_spec
from steps.columns import EmbeddingGeneration
from steps.components import BadParameters
from steps.embeddings import RehearsalEmbeddings
from steps.errors import RowError

TEXT = """
distilflow: 1
name: p
steps:
- {name: load, use: LoadDataFromDicts}
- {name: embed, use: EmbeddingGeneration, after: load, with: {embeddings: {use: SentenceTransformerEmbeddings, model: acme/m}}}
"""


def test_each_row_gets_the_vector_of_its_text() -> None:
    step = EmbeddingGeneration(embeddings=RehearsalEmbeddings(dimensions=3))

    made = step.process([{"text": "a"}, {"text": "b", "n": 1}])

    assert [row["embedding"] for row in made] == RehearsalEmbeddings(dimensions=3).embed(["a", "b"])
    assert made[1] == {"text": "b", "n": 1, "embedding": made[1]["embedding"]}


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(RowError, match="column 'text' holds a list, not text"):
        EmbeddingGeneration().process([{"text": ["a"]}])


def test_a_model_of_another_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadParameters, match=r"no model class 'OpenAILLM'(.|\n)*SentenceTransformerEmbeddings"):
        EmbeddingGeneration(embeddings={"use": "OpenAILLM", "model": "m"})


def test_a_rehearsal_replaces_the_model_and_another_language_model_does_not() -> None:
    spec, _ = read_spec(TEXT)

    assert with_llm(spec, "rehearsal").step("embed").params == {"embeddings": {"use": "RehearsalEmbeddings"}}
    assert with_llm(spec, "openai/m").step("embed").params == spec.step("embed").params
