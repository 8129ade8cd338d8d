"""For each registered step: one that is ready to work, and a row it accepts. A new step adds a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from steps.base import BaseStep, JoinStep, Row
from steps.columns.combine_outputs import CombineOutputs
from steps.columns.expand_columns import ExpandColumns
from steps.columns.group_columns import GroupColumns
from steps.columns.keep_columns import KeepColumns
from steps.columns.merge_columns import MergeColumns
from steps.columns.truncate_text_column import TruncateTextColumn
from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
from steps.formats.format_text_generation_sft import FormatTextGenerationSFT
from steps.sources.load_data_from_dicts import LoadDataFromDicts
from steps.sources.load_data_from_disk import LoadDataFromDisk
from steps.sources.load_data_from_file_system import LoadDataFromFileSystem
from steps.sources.load_data_from_hub import LoadDataFromHub
from steps.tasks.prometheus_eval import PrometheusEval
from steps.tasks.text_generation import TextGeneration
from steps.tasks.ultra_feedback import UltraFeedback


class Sample(NamedTuple):
    step: BaseStep
    row: Callable[[str], Row]
    """A row that holds this text wherever text may stand."""


def _no_row(text: str) -> Row:
    return {}


def _answers(text: str) -> Row:
    return {"instruction": text, "generations": [text, f"{text}!"], "ratings": [1, 5], "generation_models": ["a", "b"]}


def _answer(text: str) -> Row:
    return {"instruction": text, "generation": text, "reference": text}


def _texts(text: str) -> Row:
    return {"text": text, "texts": [text, text], "more": text}


SAMPLES: dict[str, list[Sample]] = {
    "LoadDataFromDicts": [Sample(LoadDataFromDicts(data=[]), _no_row)],
    "LoadDataFromFileSystem": [Sample(LoadDataFromFileSystem(data_files="*.json"), _no_row)],
    "LoadDataFromHub": [Sample(LoadDataFromHub(repo_id="acme/toys"), _no_row)],
    "LoadDataFromDisk": [Sample(LoadDataFromDisk(dataset_path="toys"), _no_row)],
    "TextGeneration": [Sample(TextGeneration(), _answer)],
    "UltraFeedback": [
        Sample(UltraFeedback(aspect="overall-rating"), _answers),
        Sample(UltraFeedback(aspect="instruction-following"), _answers),
        Sample(UltraFeedback(aspect="honesty"), _answers),
        Sample(UltraFeedback(aspect="truthfulness"), _answers),
        Sample(UltraFeedback(aspect="helpfulness"), _answers),
    ],
    "PrometheusEval": [
        Sample(PrometheusEval(mode="absolute", rubric="helpfulness"), _answer),
        Sample(PrometheusEval(mode="absolute", rubric="reasoning", reference=True), _answer),
        Sample(PrometheusEval(mode="relative", rubric="honesty"), _answers),
    ],
    "KeepColumns": [Sample(KeepColumns(columns=["text"]), _texts)],
    "GroupColumns": [Sample(GroupColumns(columns=["text"], output_columns=["all"]), _texts)],
    "ExpandColumns": [Sample(ExpandColumns(columns=["texts"]), _texts)],
    "MergeColumns": [Sample(MergeColumns(columns=["text", "more"]), _texts)],
    "CombineOutputs": [Sample(CombineOutputs(), _texts)],
    "TruncateTextColumn": [Sample(TruncateTextColumn(max_length=3), _texts)],
    "FormatTextGenerationSFT": [Sample(FormatTextGenerationSFT(), _answer)],
    "FormatTextGenerationDPO": [Sample(FormatTextGenerationDPO(), _answers)],
}


def samples_of(kind: type[BaseStep]) -> list[Any]:
    """The samples that are of this kind, as parameters of a test."""
    return [
        pytest.param(sample, id=f"{name}-{at}" if len(samples) > 1 else name)
        for name, samples in SAMPLES.items()
        for at, sample in enumerate(samples)
        if isinstance(sample.step, kind)
    ]


def run(step: BaseStep, rows: list[Row]) -> list[Row]:
    """What the step makes of these rows."""
    if isinstance(step, JoinStep):
        return [step.combine([row, row]) for row in rows]
    return step.process(rows)  # type: ignore[attr-defined,no-any-return]
