"""The recorded papers: what `examples/README.md` says to type for each, and what lies in the recordings."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "examples" / "README.md"


@dataclass(frozen=True)
class Recorded:
    """One `distilflow replay` of the list of examples."""

    recording: Path
    pipeline: Path
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.pipeline.stem

    @property
    def arguments(self) -> list[str]:
        """As they stand in the list, from the root of the repository."""
        return ["replay", *(str(path.relative_to(ROOT)) for path in (self.recording, self.pipeline)), *self.options]

    def option(self, name: str) -> list[str]:
        """All values given to one option."""
        return [value for flag, value in zip(self.options, self.options[1:], strict=False) if flag == name]

    def replies(self) -> list[dict[str, Any]]:
        """None before anything is recorded."""
        if not self.recording.exists():
            return []
        return [json.loads(line) for line in self.recording.read_text(encoding="utf-8").splitlines()]


def papers() -> dict[str, Recorded]:
    """All that the list of examples replays, by the name of the pipeline."""
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = [shlex.split(line, comments=True) for line in re.findall(r"^distilflow replay (.*)$", text, re.MULTILINE)]
    found = [Recorded(ROOT / file, ROOT / pipeline, tuple(options)) for file, pipeline, *options in commands]
    return {one.name: one for one in found}
