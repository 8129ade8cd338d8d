"""Classes of distilabel that are not here, and what to take instead: what is said where somebody names one.

docs/migrating.md has the same in its tables, and a test holds the two together.
"""

from __future__ import annotations

GUIDE = "docs/migrating.md"


ABSENT = {
    "AsyncLLM": "`LLM`",
    "AsyncImageGenerationModel": "`ImageGenerationModel`",
    "ImageTask": "`AskingStep` of `steps.tasks.asking`",
}
"""What to take instead, by class."""


def instead_of(name: str) -> str | None:
    """What to take instead of a class of distilabel that is not here; None: it is none of those."""
    return ABSENT.get(name)
