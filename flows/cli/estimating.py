"""`plan --estimate`: what a run would take, in ranges."""

from __future__ import annotations

import math
from collections.abc import Callable

from flows.cli.console import out, show_aligned, tell
from flows.engine.tally import money
from flows.estimate import Estimate, Range
from steps.wording import counted


def show_estimate(found: Estimate) -> None:
    """The table by step, the totals, and how far they can be trusted."""
    used = found.sample.in_words()
    paid = (
        f"which used {used}" if used else "whose replies were there already" if found.requests.mean else "which asked no model"
    )
    made_up = "rehearsed with made-up replies" if found.is_rehearsal else paid
    out.print()
    tell(f"Estimate for {counted(found.rows, 'row')}, from a sample of {found.sampled:,}, {made_up}:\n")
    header = ["step", "model", "rows in", "rows out", "requests", "tokens in", "tokens out", "cost"]
    lines = []
    for step in found.steps:
        line = [step.step, step.model, _number(step.rows_in), _number(step.rows_out)]
        if step.model:
            line += [_range(step.requests), _range(step.input_tokens), _range(step.output_tokens), _cost(step.cost)]
        lines.append(line + [""] * (len(header) - len(line)))
        for one in step.models:
            amounts = [_range(one.requests), _range(one.input_tokens), _range(one.output_tokens), _cost(one.cost)]
            lines.append([f"  {one.asked_as}", one.model, "", "", *amounts])
    if found.requests.mean:
        total = [_range(found.requests), _range(found.input_tokens), _range(found.output_tokens), _total_cost(found)]
        lines.append(["total", "", "", "", *total])
    show_aligned(header, lines)
    out.print()
    for note in _notes(found):
        tell(note)


def _notes(found: Estimate) -> list[str]:
    notes = []
    if found.seconds is not None and found.seconds.mean:
        notes.append(f"Time to ask: {_range(found.seconds, _duration)}, if the servers stay as fast as they were.")
    if found.batched:
        which = ", ".join(map(repr, found.batched))
        notes.append(
            f"What goes by batch takes as long as the provider does, up to a day: {which}. It is priced as batches are."
        )
    if found.unpriced:
        steps = ", ".join(map(repr, found.unpriced))
        fix = "add `price: {input: 0.15, output: 0.60}` to the model, in USD per million tokens"
        notes.append(f"The price of what {steps} asks is not known: {fix}.")
    if found.is_rehearsal:
        notes.append(
            "Prompts are real, replies are made up: tokens out and cost may be far off. A sample with the model tells more."
        )
    if found.failed:
        notes.append(f"{found.failed:,} of the {counted(found.sampled, 'sampled row')} failed: `distilflow preview` shows why.")
    return notes


def _cost(cost: Range | None) -> str:
    return "unknown price" if cost is None else _range(cost, money) if cost.mean else "free"


def _total_cost(found: Estimate) -> str:
    known = _cost(found.cost) if found.cost.mean else ""
    if not found.unpriced:
        return known or "free"
    return f"{known} and unknown" if known else "unknown price"


def _number(value: float) -> str:
    return f"{_rounded(value, 3):,.0f}"


def _range(found: Range, write: Callable[[float], str] = _number) -> str:
    """Low to high with two digits; one number where they are the same."""
    if found.margin < 0.005 * found.mean:
        return write(_rounded(found.mean, 3))
    low, high = write(_rounded(found.low, 2)), write(_rounded(found.high, 2))
    return low if low == high else f"{low}–{high}"


def _rounded(value: float, digits: int) -> float:
    return round(value, digits - 1 - math.floor(math.log10(value))) if value > 0 else 0.0


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
