"""Importing the steps must not take what only some of them need when they work."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from steps import registry

HEAVY = (
    *("prefect", "gradio", "torch", "transformers", "datasets", "pandas", "pyarrow", "openai", "aiohttp", "fastapi"),
    *("numpy", "datasketch", "faiss", "sklearn", "umap", "phonenumbers", "py3langid", "scipy", "argilla"),
)
EVERY_STEP = "from steps import registry; [registry.resolve(name) for name in registry.names('steps')]"


@pytest.mark.parametrize("statement", ["import steps, steps.base, steps.registry", EVERY_STEP], ids=["the base", "every step"])
def test_a_fresh_interpreter_imports_nothing_heavy(statement: str) -> None:
    script = f"{statement}; import sys; print(*(name for name in {HEAVY} if name in sys.modules))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


PACKAGES = (
    *("argilla", "columns", "embeddings", "filters", "formats", "images", "labels", "llms"),
    *("samplers", "sinks", "sources", "tasks", "validators"),
)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_offers_the_built_ins_that_lie_in_it(package: str) -> None:
    module = importlib.import_module(f"steps.{package}")
    kinds: tuple[registry.Kind, ...] = ("steps", *registry.MODELS)
    found = {name: registry.resolve(name, kind) for kind in kinds for name in registry.names(kind)}
    inside = {name: one for name, one in found.items() if one.__module__.startswith(f"steps.{package}.")}

    assert set(module.__all__) == set(inside)
    assert {name: getattr(module, name) for name in module.__all__} == inside


def test_every_built_in_step_and_model_has_a_short_import() -> None:
    short = [name for package in PACKAGES for name in importlib.import_module(f"steps.{package}").__all__]

    assert sorted(short) == sorted(name for kind in ("steps", *registry.MODELS) for name in registry.names(kind))


def test_a_misspelt_import_is_told_the_near_name() -> None:
    with pytest.raises(ImportError, match="TextGenration"):
        exec("from steps.tasks import TextGenration")
    with pytest.raises(AttributeError, match="Did you mean 'TextGeneration'"):
        importlib.import_module("steps.tasks").TextGenration  # noqa: B018


def test_the_short_way_imports_what_is_asked_for_alone() -> None:
    script = "from steps.tasks import TextGeneration; import sys; print('steps.tasks.prometheus_eval' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_a_pipeline_is_imported_from_flows() -> None:
    from flows import Distiset, Pipeline

    assert (Pipeline.__module__, Distiset.__module__) == ("flows.pipeline", "flows.distiset.result")
