"""The card and the log of a run as the page shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.handlers.markdown import render_markdown
from flows.card import read_front_matter
from flows.distiset.parts import standing_of
from flows.distiset.publishing import card_text
from flows.runs import RunFolder

LOG_BYTES = 200_000


def card_html(run: RunFolder) -> str | None:
    """The card as safe HTML: markup in the text stays text, and nothing is loaded from elsewhere."""
    text = card_text(run, standing_of(run))
    return render_markdown(read_front_matter(text)[1]) if text else None


def log_text(run: RunFolder) -> dict[str, Any]:
    """The end of the log, and of what the run's process printed."""
    return {"log": _end_of(run.log), "process": _end_of(run.path / "process.log")}


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(0, size - LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return text if size <= LOG_BYTES else "…\n" + text.partition("\n")[2]
