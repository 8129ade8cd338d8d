"""Pipeline files in distilabel's form, written here: what its `save` writes of a step, a model and a pipeline."""

from __future__ import annotations

from typing import Any

import yaml

STEPS = "distilabel.steps"
RUNTIME = [{"name": "input_batch_size", "optional": True, "description": "Rows of a batch."}]


def step(name: str, module: str, theirs: str, **fields: Any) -> dict[str, Any]:
    return {
        "step": {
            "name": name,
            "resources": {"replicas": 1, "cpus": None, "gpus": None, "memory": None, "resources": None},
            "input_mappings": {},
            "output_mappings": {},
            "use_cache": True,
            **fields,
            "runtime_parameters_info": RUNTIME,
            "type_info": {"module": module, "name": theirs},
        },
        "name": name,
    }


def model(module: str = "openai", theirs: str = "OpenAILLM", **fields: Any) -> dict[str, Any]:
    return {
        "generation_kwargs": {"temperature": 0.3},
        "use_offline_batch_generation": False,
        "offline_batch_generation_block_until_done": None,
        "jobs_ids": None,
        **fields,
        "type_info": {"module": f"distilabel.models.llms.{module}", "name": theirs},
    }


def generation(name: str, **fields: Any) -> dict[str, Any]:
    task: dict[str, Any] = {"group_generations": False, "add_raw_output": True, "add_raw_input": True, "num_generations": 1}
    task |= {"use_default_structured_output": False, "system_prompt": None, "template": "{{ instruction }}"}
    task |= {"columns": ["instruction"], "input_batch_size": 50, "llm": model(model="m"), **fields}
    return step(name, f"{STEPS}.tasks.text_generation", "TextGeneration", **task)


def load(**fields: Any) -> dict[str, Any]:
    fields = {"repo_id": "me/data", "split": "train", "config": None, "streaming": False, "batch_size": 50, **fields}
    return step("load", f"{STEPS}.generators.huggingface", "LoadDataFromHub", **fields)


def group(**fields: Any) -> dict[str, Any]:
    fields = {"columns": ["generation", "model_name"], "output_columns": ["generations", "generation_models"], **fields}
    return step("group", f"{STEPS}.columns.group", "GroupColumns", input_batch_size=50, **fields)


def pipeline(steps: list[dict[str, Any]], connections: dict[str, list[str]], **more: Any) -> dict[str, Any]:
    return {
        "distilabel": {"version": "1.5.3"},
        "pipeline": {
            "name": "theirs",
            "description": None,
            "steps": steps,
            "connections": [{"from": source, "to": targets} for source, targets in connections.items()],
            "routing_batch_functions": [],
            "type_info": {"module": "distilabel.pipeline.local", "name": "Pipeline"},
            **more,
        },
        "requirements": [],
    }


def text(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, sort_keys=False)


def preference() -> dict[str, Any]:
    """Two answers to each instruction, rated, as pairs: nothing in it is unknown here."""
    steps = [load(output_mappings={"prompt": "instruction"}), generation("a"), generation("b", llm=model(model="n")), group()]
    rate = {"input_batch_size": 50, "llm": model(model="judge"), "aspect": "honesty", "num_generations": 1}
    steps.append(step("rate", f"{STEPS}.tasks.ultrafeedback", "UltraFeedback", **rate))
    steps.append(step("pairs", f"{STEPS}.formatting.dpo", "FormatTextGenerationDPO", input_batch_size=50))
    links = {"load": ["a", "b"], "a": ["group"], "b": ["group"], "group": ["rate"], "rate": ["pairs"], "pairs": []}
    return pipeline(steps, links)
