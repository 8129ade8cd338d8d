"""distilabel's side of `equal_steps.py`. Runs in distilabel's own virtual environment, so it imports nothing of ours."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
from typing import Any

from distilabel.steps.base import GeneratorStep, GlobalStep

from benchmarks.equal_turns import BATCH, Work, serve


def prepare(name: str, parameters: dict[str, Any]) -> Work:
    module, class_name = name.split(":")
    step = getattr(importlib.import_module(module), class_name)(**parameters)
    if isinstance(step, GeneratorStep):
        shutil.rmtree(os.environ["HF_DATASETS_CACHE"], ignore_errors=True)  # a file is read once in a run

        def read(_: Any) -> list[dict[str, Any]]:
            step.load()
            return [row for made, _ in step.process() for row in made]

        return read
    step.load()

    def work(branches: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
        count = len(branches[0])
        size = count if isinstance(step, GlobalStep) else BATCH
        parts = ([branch[at : at + size] for branch in branches] for at in range(0, count, size))
        return [row for part in parts for made in step.process(*part) for row in made]

    return work


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # spares it a line for each row that lacks a score
    serve(prepare)
