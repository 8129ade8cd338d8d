"""Vectors of real engines, with a tiny model: `make test-engines` and `make test-vllm`."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from steps.embeddings import LlamaCppEmbeddings, vLLMEmbeddings
from steps.errors import RunError

TEXTS = ["one", "two things that are longer", "", "half a \ud83e character", "long " * 3000]


@pytest.mark.engines
def test_llama_cpp_gives_each_text_a_vector_of_its_own_also_an_empty_or_long_one(file_model: str) -> None:
    model = LlamaCppEmbeddings(model=file_model, normalize_embeddings=True, n_ctx=64)

    vectors = model.embed(TEXTS)

    assert vectors == [model.embed([text])[0] for text in TEXTS]
    assert all(len(vector) == 64 and math.isclose(math.hypot(*vector), 1, rel_tol=1e-6) for vector in vectors)
    model.unload()


@pytest.mark.engines
def test_the_file_may_be_named_by_its_folder_and_one_that_is_missing_is_told(file_model: str, tmp_path: Path) -> None:
    path = Path(file_model)
    model = LlamaCppEmbeddings(model=path.name, model_path=str(path.parent))

    assert len(model.embed(["a"])[0]) == 64
    assert model.fingerprint()
    model.unload()
    with pytest.raises(RunError, match="there is no such file"):
        LlamaCppEmbeddings(model=path.name, model_path=str(tmp_path)).load()


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore")  # of torch, as it is imported
def test_vllm_gives_each_text_a_vector(folder_model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vllm", reason="make test-vllm installs it")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    model = vLLMEmbeddings(model=folder_model, dtype="float32", extra_kwargs={"max_model_len": 512, "convert": "embed"})

    vectors = model.embed(TEXTS)

    assert [len(vector) for vector in vectors] == [64] * len(TEXTS)
    assert math.dist(vectors[0], model.embed(["one"])[0]) < 1e-3
    assert math.dist(vectors[0], vectors[1]) > 1e-2
    model.unload()
