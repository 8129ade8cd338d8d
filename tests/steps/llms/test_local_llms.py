"""Models that this machine computes, as far as they go without their libraries (tests/engines has these)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import pytest

from steps.components import BadParameters
from steps.errors import BadRequest, EmptyReply, RowError, RunError
from steps.llms import LlamaCppLLM, MlxLLM, TransformersLLM, vLLM
from steps.llms.base import Request, Usage
from steps.llms.local_llm import LocalLLM
from steps.local.engine import Asked, Generated, Structure
from steps.local.mlx_engine import MlxEngine

ALL: list[LocalLLM] = [
    vLLM(model="acme/m"),
    TransformersLLM(model="acme/m"),
    LlamaCppLLM(model_path="m.gguf"),
    MlxLLM(path_or_hf_repo="acme/m"),
]
HELLO = [{"role": "user", "content": "Hello."}]


@pytest.mark.parametrize("llm", ALL, ids=lambda llm: type(llm).__name__)
def test_without_its_library_it_says_what_to_install(llm: LocalLLM) -> None:
    if find_spec(llm.package):
        pytest.skip(f"{llm.package} is installed")

    [(what, fix)] = [problem for problem in llm.problems() if isinstance(problem, tuple)]

    assert f"`{llm.package}`, which is not installed" in what
    assert fix == f"pip install 'distilflow[{llm.extra or llm.package}]'"
    if not isinstance(llm, LlamaCppLLM):  # it looks for its file first
        with pytest.raises(RunError, match="needs `") as caught:
            asyncio.run(llm.load())
        assert "pip install" in caught.value.fix


@pytest.mark.parametrize("llm", ALL, ids=lambda llm: type(llm).__name__)
def test_models_that_differ_in_sampling_only_are_the_same_weights(llm: LocalLLM) -> None:
    other = llm.model_copy(update={"generation_kwargs": {"temperature": 1}, "max_concurrency": 3})
    base = type(llm).model_validate({**llm.model_dump(exclude={"use"}), "seed": 7} if "seed" in type(llm).model_fields else llm)

    assert other.weights() == llm.weights()
    assert (base.weights() == llm.weights()) is ("seed" not in type(llm).model_fields)


@pytest.mark.parametrize(
    ("llm", "what"),
    [
        (TransformersLLM(model="m", structured_output={"format": "json"}), "cannot hold replies to format 'json'"),
        (LlamaCppLLM(model_path="m", structured_output={"format": "regex", "schema": "a"}), "it can to: choice, json"),
        (vLLM(model="m", structured_output={"format": "choice", "schema": []}), "needs texts in `schema`"),
        (vLLM(model="m", structured_output={"format": "regex"}), "needs the regex as `schema`"),
        (vLLM(model="m", generation_kwargs={"n": 2}), "num_generations of the step"),
        (LlamaCppLLM(), "names no model"),
    ],
)
def test_what_cannot_work_is_said_before_the_run(llm: LocalLLM, what: str) -> None:
    said = [problem if isinstance(problem, str) else " ".join(problem) for problem in llm.problems()]

    assert any(what in one for one in said), said


def test_a_schema_of_the_request_takes_the_place_of_the_one_for_all_replies() -> None:
    llm = vLLM(model="m", structured_output={"format": "choice", "schema": ["yes", "no"]})

    assert llm.asked(Request(HELLO)).structure == Structure("choice", ["yes", "no"])
    assert llm.asked(Request(HELLO, schema={"type": "object"})).structure == Structure("json", {"type": "object"})
    assert not llm.enforces_schemas
    assert vLLM(model="m").enforces_schemas
    assert not TransformersLLM(model="m").enforces_schemas


def test_texts_in_parts_are_joined_and_images_are_refused() -> None:
    def chat(*parts: dict[str, Any]) -> Request:
        return Request([{"role": "user", "content": list(parts)}])

    text, image = {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "data:"}}

    assert vLLM(model="m").asked(chat(text)).chat == [{"role": "user", "content": "What is it?"}]
    with pytest.raises(RowError, match="image_url"):
        vLLM(model="m").asked(chat(text, image))


def test_the_users_turn_is_asked_for_in_the_models_own_format() -> None:
    llm = vLLM(model="m", magpie_pre_query_template="qwen2", generation_kwargs={"stop": "!"})

    asked = llm.asked(Request([{"role": "system", "content": "Be kind."}], speaker="user"))

    assert asked.prompt == "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n"
    assert asked.sampling["stop"] == ["!", "<|im_end|>"]
    with pytest.raises(BadRequest, match="nothing says how"):
        vLLM(model="m").asked(Request([], speaker="user"))
    with pytest.raises(BadParameters, match="needs a magpie_pre_query_template"):
        vLLM(model="m", use_magpie_template=True)


def test_a_reply_without_text_is_an_error_that_says_what_it_used() -> None:
    llm = vLLM(model="m")

    with pytest.raises(EmptyReply) as empty:
        llm._completion(Generated([" "], ["stop"], Usage(3, 1)))
    with pytest.raises(BadRequest, match="used up") as cut:
        llm._completion(Generated([""], ["length"], Usage(3, 9)))
    kept = llm._completion(Generated(["", "yes"], ["stop", "stop"], Usage(3, 9)))

    assert (empty.value.usage, cut.value.usage) == (Usage(3, 1), Usage(3, 9))
    assert kept.texts == ["yes"]


def test_vllm_gets_all_gpus_of_its_step() -> None:
    assert vLLM(model="m").engine_args(4)["tensor_parallel_size"] == 4
    assert vLLM(model="m", tensor_parallel_size=2).engine_args(4)["tensor_parallel_size"] == 2
    assert vLLM(model="m", lora="acme/a", extra_kwargs={"max_lora_rank": 64}).engine_args(0)["enable_lora"] is True


def test_a_server_with_a_python_of_its_own_needs_no_package_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILFLOW_VLLM_PYTHON", "/opt/vllm/bin/python")

    assert vLLM(model="m", serve=True).missing_packages() == ()


def test_mlx_names_sampling_that_it_does_not_know() -> None:
    engine = MlxEngine("m", None, None, ThreadPoolExecutor(1), 8)

    with pytest.raises(BadRequest, match="does not know seed"):
        engine.sampling(Asked(HELLO, {"max_new_tokens": 3, "seed": 1}))


def test_a_model_that_was_trained_anew_under_its_name_is_another_one(tmp_path: Any) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"one")
    before = TransformersLLM(model=str(tmp_path)).fingerprint()
    (tmp_path / "model.safetensors").write_bytes(b"two")

    assert before
    assert TransformersLLM(model=str(tmp_path)).fingerprint() not in ("", before)
    assert TransformersLLM(model="acme/on-the-hub").fingerprint() == ""
