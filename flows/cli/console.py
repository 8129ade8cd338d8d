"""Where the command line writes: results to the standard output, everything else to the standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

LONGEST_CELL = 220
_CONTROLS = {at: None for at in (*range(32), *range(127, 160)) if chr(at) not in "\n\t"}


class _Console(Console):
    """Leaves out what would steer the terminal: texts of models, rows and files are shown, and none of them may."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=segment.text.translate(_CONTROLS))


out = _Console()
err = _Console(stderr=True)


def tell(text: str, style: str = "") -> None:
    """Text as it is: paths and commands in it are neither broken nor read as markup."""
    out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def show_rows(rows: list[dict[str, Any]], title: str) -> None:
    """A few rows, one below the other: long texts are easier to read so than in columns."""
    for number, row in enumerate(rows, start=1):
        out.print(Text(f"{title}, row {number}", style="bold"))
        table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 1))
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for column, value in row.items():
            table.add_row(Text(column), Text(cell(value)))
        out.print(table)
        out.print()


def cell(value: Any, longest: int = LONGEST_CELL) -> str:
    """A value on one short line; of a chat its last turn."""
    if isinstance(value, list) and value and all(isinstance(turn, dict) and "role" in turn for turn in value):
        text = f"{value[-1]['role']}: {value[-1].get('content')}"
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def show_aligned(header: list[str], lines: list[list[str]]) -> None:
    """A table that is never cut or broken, however narrow the terminal: names in it are there to be copied."""
    widths = [max(cell_len(line[at]) for line in (header, *lines)) for at in range(len(header))]
    for number, line in enumerate([header, *lines]):
        padded = (set_cell_size(text, width) for text, width in zip(line, widths, strict=True))
        out.print(Text("  ".join(padded).rstrip(), style="bold" if number == 0 else ""), soft_wrap=True)
