"""Columns, files and folders."""

from __future__ import annotations

from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import (
    CombineOutputs,
    ExpandColumns,
    KeepColumns,
    LoadDataFromDicts,
    LoadDataFromDisk,
    MergeColumns,
    PushToHub,
    StepResources,
)
from distilabel.steps.tasks import TextGeneration

from tests.flows.compat.distilabel_pipelines.given import QUESTIONS, with_rows


def columns() -> Pipeline:
    with Pipeline(name="columns", requirements=["tabulate==0.9.0"]) as pipeline:
        load = LoadDataFromDicts(
            name="load", data=[{"a": "x", "b": ["y"], "c": '["p", "q"]', "d": [1, 2], "e": 0}], batch_size=7
        )
        apart = ExpandColumns(name="apart", columns={"c": "letter", "d": "d"}, encoded=["c"])
        left = MergeColumns(name="left", columns=["a", "b"], output_column="ab", use_cache=False)
        right = KeepColumns(name="right", columns=["d"], input_batch_size=1, resources=StepResources(replicas=2, cpus=1))
        load >> apart >> [left, right] >> CombineOutputs(name="both") >> KeepColumns(name="last", columns=["ab", "d", "letter"])
    return pipeline


def folder() -> Pipeline:
    with Pipeline(name="folder") as pipeline:
        load = LoadDataFromDisk(name="load", dataset_path="questions", num_examples=2, batch_size=1)
        with_rows(load, QUESTIONS)
        answer = TextGeneration(
            name="answer", llm=OpenAILLM(model="gpt-4o-mini"), resources=StepResources(resources={"licence": 1})
        )
        load >> answer
    return pipeline


def pushed() -> Pipeline:
    with Pipeline(name="pushed") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS)
        answer = TextGeneration(name="answer", llm=OpenAILLM(model="gpt-4o-mini"))
        load >> answer >> PushToHub(name="push", repo_id="acme/answers", split="test", private=True)
    return pipeline
