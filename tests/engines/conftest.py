from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.tiny import save_for_llama_cpp, save_for_transformers
from tests.flows.commands import Commands


@pytest.fixture(scope="session")
def folder_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny model as transformers and vLLM read it."""
    pytest.importorskip("torch", reason="make test-engines installs it")
    pytest.importorskip("transformers", reason="make test-engines installs it")
    return str(save_for_transformers(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="session")
def mlx_model(folder_model: str) -> str:
    """The same, where MLX can read it."""
    pytest.importorskip("mlx_lm", reason="make test-engines installs it")
    return folder_model


@pytest.fixture(scope="session")
def file_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny model as llama.cpp reads it."""
    for package in ("llama_cpp", "gguf", "tokenizers"):
        pytest.importorskip(package, reason="make test-engines installs it")
    return str(save_for_llama_cpp(tmp_path_factory.mktemp("models") / "tiny.gguf"))


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    """`distilflow` in a folder of this test; nothing that it started may outlive the test."""
    offline = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    found = Commands(tmp_path, **offline)
    yield found
    found.wait_until_gone(60)
