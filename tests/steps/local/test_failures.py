from __future__ import annotations

import pytest

from steps.errors import BadRequest, ContextTooLong, LLMError, ModelNotFound, OutOfMemory
from steps.local.failures import cannot_answer, cannot_load, has_died, why_died


@pytest.mark.parametrize(
    ("said", "what", "fix"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", "does not fit into memory", "quantized"),
        ("ValueError: No available memory for the cache blocks.", "does not fit into memory", "max_model_len"),
        ("OSError: You are trying to access a gated repo.\nMake sure", "is gated", "accept its conditions"),
        ("HTTPError: 401 Client Error: Unauthorized for url", "refuses the token", "HF_TOKEN"),
        ("OSError: nowhere/model is not a valid model identifier listed on", "it is not there", "owner/name"),
        ("[Errno 98] error while attempting to bind: address already in use", "its port is taken", "a free port"),
        ("ValueError: model type `neu` but Transformers does not recognize this architecture", "this kind of model", "update"),
        ("RuntimeError: Failed to infer device type", "no GPU", "pool: gpu"),
        ("ValueError: something else", "ValueError: something else", "logs/"),
    ],
)
def test_why_a_model_cannot_be_loaded_is_said_with_what_to_do(said: str, what: str, fix: str) -> None:
    error = cannot_load("acme/m", RuntimeError(said))

    assert "'acme/m' cannot be loaded" in error.message
    assert what in error.message
    assert fix in error.fix


def test_the_cause_counts_not_what_a_library_made_of_it() -> None:
    error = RuntimeError("Engine core initialization failed")
    error.__cause__ = MemoryError("CUDA out of memory")

    assert "does not fit into memory" in cannot_load("m", error).message


def test_an_error_of_ours_stays_as_it_is() -> None:
    ours = ModelNotFound("gone")

    assert cannot_load("m", ours) is ours
    assert cannot_answer("m", ours) is ours


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA out of memory"), OutOfMemory),
        (ValueError("The decoder prompt (length 900) is longer than the maximum model length of 512"), ContextTooLong),
        (ValueError("Conversation roles must alternate user/assistant"), BadRequest),
        (KeyError("x"), BadRequest),
    ],
)
def test_what_goes_wrong_with_one_row_is_that_rows_error(error: Exception, kind: type[LLMError]) -> None:
    found = cannot_answer("m", error)

    assert type(found) is kind
    assert found.fix
    assert not found.is_fatal


def test_a_death_is_explained_by_the_last_words_or_the_signal() -> None:
    assert "out of memory" in why_died(1, "...\ntorch.OutOfMemoryError: CUDA out of memory\n")
    assert "short of memory" in why_died(-9)
    assert "exit code 3" in has_died("m", why_died(3)).message
    assert has_died("m", why_died(3)).is_fatal
