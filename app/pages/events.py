"""How events of the page are sent."""

from __future__ import annotations

from typing import Any

QUICK: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
EVERY: dict[str, Any] = {**QUICK, "trigger_mode": "multiple"}
"""Also what is sent before the last one is answered: Gradio otherwise drops it."""
LAST: dict[str, Any] = {**QUICK, "trigger_mode": "always_last"}
"""What is sent before the last one is answered waits for it, and takes the values of then."""
