"""transformers, llama.cpp and MLX with a tiny model, as users run them: `make test-engines`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from flows.journals import entries_of
from steps.errors import ContextTooLong, RunError
from steps.llms import LlamaCppLLM, MixtureOfAgentsLLM, MlxLLM, TransformersLLM
from steps.llms.local_llm import LocalLLM
from steps.local.engine import Asked, Generated
from steps.tasks import TextGeneration
from tests.engines.asking import LABELS, SCHEMA, ask, complete, load, run_killed_once, says
from tests.engines.tiny import save_for_transformers
from tests.flows.commands import Commands

pytestmark = pytest.mark.engines
ROWS = 200


@pytest.mark.parametrize("engine", ["transformers", "mlx", "llama.cpp", "llama.cpp served"])
def test_200_rows_survive_the_death_of_the_run(commands: Commands, engine: str, request: pytest.FixtureRequest) -> None:
    sampling: dict[str, Any] = {"max_new_tokens": 100 if "llama" in engine else 24}
    llm: dict[str, Any]
    if engine == "transformers":
        model = request.getfixturevalue("folder_model")
        llm = {"use": "TransformersLLM", "model": model, "generation_kwargs": {**sampling, "min_new_tokens": 12}}
    elif engine == "mlx":
        model = request.getfixturevalue("mlx_model")
        llm = {"use": "MlxLLM", "path_or_hf_repo": model, "generation_kwargs": {**sampling, "temperature": 1.0}}
    else:
        model = request.getfixturevalue("file_model")
        serve = engine.endswith("served")
        llm = {"use": "LlamaCppLLM", "model_path": model, "n_ctx": 512, "serve": serve, "generation_kwargs": sampling}
        llm["structured_output"] = LABELS

    report = run_killed_once(commands, [load(ROWS), ask(llm)], 4000)

    rows = commands.rows()
    assert [row["instruction"] for row in rows] == [f"Say something about {number}." for number in range(ROWS)]
    assert report["sessions"] == 2
    assert report["quarantined"] == 0
    if "llama" in engine:
        assert all(json.loads(row["answer"])["label"] in ("good", "bad") for row in rows)


def test_steps_with_one_model_load_it_once(commands: Commands, folder_model: str) -> None:
    sampling = {"max_new_tokens": 8, "min_new_tokens": 4}
    llm = {"use": "TransformersLLM", "model": folder_model, "generation_kwargs": sampling}
    warm = {**llm, "generation_kwargs": {**sampling, "temperature": 0.8}}

    ended = commands("run", commands.write([load(20), ask(llm), ask(warm, "again", "answer")]), "--run-id", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert len(commands.rows()) == 20
    assert len(list((commands.folder / "runs/r/logs").iterdir())) == 1


def test_a_mixture_of_one_model_loads_it_once(commands: Commands, folder_model: str) -> None:
    sampling = {"max_new_tokens": 8, "min_new_tokens": 4}
    cold = {"use": "TransformersLLM", "model": folder_model, "generation_kwargs": sampling}
    warm = {**cold, "generation_kwargs": {**sampling, "temperature": 0.8, "seed": 1}}
    mixture = {"use": "MixtureOfAgentsLLM", "aggregator_llm": cold, "proposers_llms": [cold, warm], "rounds": 2}

    ended = commands("run", commands.write([load(10), ask(mixture)]), "--run-id", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert all(row["answer"] for row in commands.rows())
    assert len(list((commands.folder / "runs/r/logs").iterdir())) == 1
    assert sum(1 for _ in entries_of(commands.folder / "runs/r/journal")) == 10 * (2 * 2 + 1)


def test_a_mixture_answers_without_a_run(folder_model: str) -> None:
    drafting = [transformers_llm(folder_model, temperature=0.8, seed=seed) for seed in (1, 2)]
    mixture = MixtureOfAgentsLLM(aggregator_llm=transformers_llm(folder_model, min_new_tokens=4), proposers_llms=drafting)

    [row] = TextGeneration(llm=mixture).process([{"instruction": "Say something."}])

    assert row["generation"]


def transformers_llm(model: str, **sampling: Any) -> TransformersLLM:
    return TransformersLLM(model=model, generation_kwargs={"max_new_tokens": 12, **sampling})


def test_rows_that_wait_together_get_what_each_gets_alone(folder_model: str) -> None:
    questions = [says("one"), says("a much longer question, so that the others are padded to its length"), says("three")]
    llm = transformers_llm(folder_model, min_new_tokens=12)

    together = complete(llm, *questions)

    assert [one.texts for one in together] == [complete(llm, question)[0].texts for question in questions]
    assert [one.usage.output_tokens for one in together] == [12, 12, 12]


def test_mlx_computes_rows_of_any_length_together_and_takes_more_as_they_come(mlx_model: str) -> None:
    questions = [says(f"question {number} " * (number % 7 + 1)) for number in range(20)]
    llm = mlx_llm(mlx_model, max_new_tokens=20)

    together = complete(llm.model_copy(update={"max_concurrency": 4}), *questions)

    assert together == [complete(llm, question)[0] for question in questions]
    assert len({one.usage.output_tokens for one in together}) > 1


def test_mlx_gives_several_replies_and_stops_where_it_is_told(mlx_model: str) -> None:
    (several,) = complete(mlx_llm(mlx_model, temperature=1.0), says("one", n=3))
    (whole,) = complete(mlx_llm(mlx_model), says("one"))
    stop = whole.texts[0][5:8]
    (cut,) = complete(mlx_llm(mlx_model, stop=[stop]), says("one"))

    assert len(set(several.texts)) == 3
    assert several.usage.output_tokens == 36
    assert cut.texts[0] == whole.texts[0].partition(stop)[0]
    assert cut.finish_reasons == ["stop"]
    assert cut.usage.output_tokens < 12


def test_mlx_refuses_one_question_and_answers_those_beside_it(mlx_model: str) -> None:
    async def go() -> list[Any]:
        llm = mlx_llm(mlx_model)
        await llm.load()
        asked = [llm.complete(says("short")), llm.complete(says("long " * 3000)), llm.complete(says("short"))]
        try:
            return await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await llm.unload()

    first, refused, last = asyncio.run(go())

    assert isinstance(refused, ContextTooLong)
    assert "2048" in str(refused)
    assert first.texts == last.texts


def test_mlx_computes_no_more_for_one_who_has_gone(mlx_model: str) -> None:
    async def go() -> tuple[Generated, int]:
        llm = mlx_llm(mlx_model, max_new_tokens=1500)
        await llm.load()
        engine: Any = llm._engine
        try:
            gone = asyncio.create_task(llm.complete(says("gone")))
            await asyncio.sleep(0.2)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            stays = await engine.answer(Asked([{"role": "user", "content": "stays"}], {"max_new_tokens": 5}))
            return stays, len(engine._open)
        finally:
            await llm.unload()

    stays, left = asyncio.run(go())

    assert stays.texts
    assert left == 0


def mlx_llm(model: str, **sampling: Any) -> MlxLLM:
    return MlxLLM(path_or_hf_repo=model, generation_kwargs={"max_new_tokens": 12, **sampling})


def test_several_replies_with_one_seed_differ_and_can_be_had_again(folder_model: str) -> None:
    llm = transformers_llm(folder_model, temperature=1.0, seed=5, min_new_tokens=12)

    (once,) = complete(llm, says("one", n=3))

    assert len(set(once.texts)) == 3
    assert complete(llm, says("one", n=3))[0].texts == once.texts


def test_a_prompt_that_is_too_long_is_refused_and_those_beside_it_are_answered(folder_model: str) -> None:
    llm = transformers_llm(folder_model, min_new_tokens=12)

    with pytest.raises(ContextTooLong, match="2048"):
        complete(llm, says("long " * 3000), says("short"))


def test_the_users_turn_is_written_where_the_chat_format_is_known(mlx_model: str, file_model: str) -> None:
    question = says("Tell me.", speaker="user")
    magpie: dict[str, Any] = {"magpie_pre_query_template": "qwen2"}
    local: list[LocalLLM] = [
        TransformersLLM(model=mlx_model, generation_kwargs={"max_new_tokens": 12, "min_new_tokens": 12}, **magpie),
        MlxLLM(path_or_hf_repo=mlx_model, generation_kwargs={"max_new_tokens": 12}, **magpie),
        LlamaCppLLM(model_path=file_model, n_ctx=512, generation_kwargs={"max_new_tokens": 12}, **magpie),
    ]

    for llm in local:
        assert complete(llm, question)[0].usage.input_tokens > 10


def test_llama_cpp_holds_replies_to_a_schema_or_to_texts(file_model: str) -> None:
    by_task = LlamaCppLLM(model_path=file_model, n_ctx=512)
    choosing = LlamaCppLLM(model_path=file_model, n_ctx=512, structured_output={"format": "choice", "schema": ["yes", "no"]})

    (answer,) = complete(by_task, says("Label it.", schema=SCHEMA))
    (choice,) = complete(choosing, says("Yes or no?"))

    assert json.loads(answer.texts[0])["stars"] in (1, 2, 3)
    assert choice.texts[0] in ("yes", "no")


@pytest.mark.parametrize(
    ("llm", "said", "fix"),
    [
        (TransformersLLM(model="no-such/model-here"), "it is not there", "without a network"),
        (TransformersLLM(model="/no/such/folder"), "it is not there", "check its name"),
        (MlxLLM(path_or_hf_repo="/no/such/folder"), "it is not there", "check its name"),
        (LlamaCppLLM(model_path="none.gguf"), "there is no such file", "repo_id"),
    ],
    ids=["hub", "folder", "mlx", "file"],
)
def test_a_model_that_is_not_there_is_named(
    llm: LocalLLM, said: str, fix: str, mlx_model: str, file_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(RunError, match=said) as caught:
        complete(llm, says("?"))

    assert fix in caught.value.fix


def test_a_model_without_a_chat_template_is_refused_before_a_row_is_asked(tmp_path: Path, mlx_model: str) -> None:
    model = str(save_for_transformers(tmp_path / "plain", template=None))

    for llm in (transformers_llm(model), mlx_llm(model)):
        with pytest.raises(RunError, match="no chat template"):
            complete(llm, says("?"))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, file_model: str) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))

    with pytest.raises(RunError, match=r"'.*broken\.gguf' cannot be loaded"):
        complete(LlamaCppLLM(model_path=str(broken)), says("?"))


def test_a_wrong_parameter_is_that_of_the_row(file_model: str, mlx_model: str) -> None:
    from steps.errors import BadRequest

    for llm in (
        transformers_llm(mlx_model, no_such_thing=1),
        mlx_llm(mlx_model, no_such_thing=1),
        LlamaCppLLM(model_path=file_model, generation_kwargs={"no_such_thing": 1}),
    ):
        with pytest.raises(BadRequest, match="no_such_thing"):
            complete(llm, says("?"))
