"""The examples that come with the package: `examples/...` is found from any folder."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent
NAME = "examples"
EXAMPLES = _HERE / NAME if (_HERE / NAME).is_dir() else _HERE.parent / NAME
"""Installed they lie within this package, where no other one writes over them; in the repository beside it."""


def here_or_shipped(path: str | Path) -> Path:
    """A path as it stands, where something lies there; else that of the example, or pattern of examples, which it names."""
    given = Path(path)
    if given.parts[:1] != (NAME,) or len(given.parts) == 1 or given.exists():
        return given
    meant = EXAMPLES.joinpath(*given.parts[1:])
    is_there = meant.parent.is_dir() and meant.resolve().is_relative_to(EXAMPLES)
    return meant if is_there and (meant.exists() or "*" in meant.name) else given
