from __future__ import annotations

from tests.flows.conftest import commands, surroundings

__all__ = ["commands", "surroundings"]
