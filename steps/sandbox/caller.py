"""A program for the sandbox: calls functions of a library, and says what came of each call, one line of JSON for each.

Standard input names the calls. What the functions print is kept apart from what is said here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from functools import cache
from types import ModuleType
from typing import Any


def main() -> None:
    calls = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace") as says:
        os.dup2(2, 1)
        for call in calls:
            says.write(json.dumps(_called(**call)) + "\n")
            says.flush()  # a later call may end all
            sys.stdout.flush()


def _called(file: str, name: str, arguments: dict[str, Any], most: int) -> dict[str, Any]:
    try:
        value = getattr(_module(file), name)(**arguments)
        return {"is_ok": True, "said": str(value)[:most]}
    except BaseException as error:
        return {"is_ok": False, "said": f"{type(error).__name__}: {error}"[:most]}


@cache
def _module(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"library_{file.removesuffix('.py')}", f"library/{file}")
    if spec is None or spec.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
