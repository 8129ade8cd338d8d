"""Small pipelines for the commands."""

from __future__ import annotations

from typing import Any

from tests.flows.engine.running import own

LOAD: dict[str, Any] = {"name": "load", "use": own("Numbers"), "with": {"rows": 6}}


def add(**params: Any) -> dict[str, Any]:
    return {"name": "add", "use": own("Add"), "after": "load", "with": params}
