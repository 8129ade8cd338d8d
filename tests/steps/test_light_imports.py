"""Importing the steps must not take what only some of them need when they work."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("prefect", "gradio", "torch", "transformers", "datasets", "pandas", "pyarrow", "openai", "aiohttp", "fastapi")
EVERY_STEP = "from steps import registry; [registry.resolve(name) for name in registry.names('steps')]"


@pytest.mark.parametrize("statement", ["import steps, steps.base, steps.registry", EVERY_STEP], ids=["the base", "every step"])
def test_a_fresh_interpreter_imports_nothing_heavy(statement: str) -> None:
    script = f"{statement}; import sys; print(*(name for name in {HEAVY} if name in sys.modules))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
