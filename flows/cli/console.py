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

from steps.images.files import for_reading

LONGEST_CELL = 220
MOST_TURNS = 5
_BETWEEN = " | "
_TURNS = (("role", "content"), ("from", "value"))
"""How the turns of a chat are written: as in OpenAI's protocol, and as in ShareGPT."""
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
    """A value on one short line; of a chat, who says what."""
    if names := _names_of_turn(value):
        return _cut(_chat(value, *names, longest), longest)
    return _cut(_on_one_line(value), longest)


def _on_one_line(value: Any) -> str:
    value = for_reading(value)
    return " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)).split())


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _names_of_turn(value: Any) -> tuple[str, str] | None:
    """What the turns of a chat call the speaker and the text, in one form or the other; None: it is no chat."""
    is_list = isinstance(value, list) and len(value) > 0 and all(isinstance(turn, dict) for turn in value)
    return next((names for names in _TURNS if is_list and all(names[0] in turn for turn in value)), None)


def _chat(turns: list[dict[str, Any]], role: str, text: str, longest: int) -> str:
    """Every turn has its place on the line, the longer ones what the shorter leave; of very many, the first and the last."""
    shown = turns if len(turns) <= MOST_TURNS else [turns[0], *turns[1 - MOST_TURNS :]]
    said = [f"{turn[role]}: {_on_one_line(_text_of(turn, role, text))}" for turn in shown]
    gap = f"… {len(turns) - len(shown)} more …" if len(turns) > len(shown) else ""
    room = longest - len(_BETWEEN) * (len(said) - 1) - (len(gap) + len(_BETWEEN) if gap else 0)
    shortest_first = sorted(range(len(said)), key=lambda at: len(said[at]))
    for left, at in zip(range(len(said), 0, -1), shortest_first, strict=True):
        said[at] = _cut(said[at], max(room // left, 1))
        room -= len(said[at])
    return _BETWEEN.join([said[0], gap, *said[1:]] if gap else said)


def _text_of(turn: dict[str, Any], role: str, text: str) -> Any:
    """What is said; of a turn without text, such as a call of a tool, all the rest."""
    value = turn.get(text)
    return {key: one for key, one in turn.items() if key != role and one is not None} if value is None else value


def show_aligned(header: list[str], lines: list[list[str]]) -> None:
    """A table that is never cut or broken, however narrow the terminal: names in it are there to be copied."""
    widths = [max(cell_len(line[at]) for line in (header, *lines)) for at in range(len(header))]
    for number, line in enumerate([header, *lines]):
        padded = (set_cell_size(text, width) for text, width in zip(line, widths, strict=True))
        out.print(Text("  ".join(padded).rstrip(), style="bold" if number == 0 else ""), soft_wrap=True)
