"""Where rows came from, as the page shows it."""

from __future__ import annotations

from typing import Any

from app.handlers.cells import WHOLE, cell, rows_as_cells
from app.handlers.outline import StepCard, step_cards
from flows.lineage.asked import asked
from flows.lineage.compare import compare
from flows.lineage.model import Asked, Only, Pair, StepOfRow
from flows.lineage.why import why
from flows.plan import examine
from flows.runs import RunFolder
from steps.errors import RunError


def leaf_of(part: str) -> str:
    """The leaf that a part ("default / train") belongs to.

    Raises:
        RunError: It is a split that no run made: nothing is known of its rows.
    """
    leaf, _, split = part.partition(" / ")
    if split not in ("", "train"):
        raise RunError(f"nothing is known of the rows of {part!r}", "look at the part that the run made")
    return leaf


def why_view(run: RunFolder, part: str, index: int) -> dict[str, Any]:
    """The way of a row through the steps.

    Raises:
        RunError: There is no such row, or nothing is known of it.
    """
    told = why(run, leaf_of(part), index)
    spec = run.spec()
    cards = {card["name"]: card for card in step_cards(spec, examine(spec)[0], [])}
    return {
        "run": told.run_id,
        "part": part,
        "index": told.index,
        "row": told.row,
        "requests": told.requests,
        "tokens": told.input_tokens + told.output_tokens,
        "cost": told.cost,
        "steps": [_step(step, cards.get(step.step)) for step in told.steps],
    }


def _step(step: StepOfRow, card: StepCard | None) -> dict[str, Any]:
    return {
        "step": step.step,
        "use": step.use,
        "kind": step.kind,
        "icon": card["icon"] if card else "box",
        "setting": card["setting"] if card else "",
        "row": step.row,
        "after": step.after,
        "received": step.received,
        "added": {name: cell(name, value, WHOLE) for name, value in step.added.items()},
        "whole": step.is_whole,
        "reused_from": step.reused_from,
        "siblings": step.siblings,
        "model": step.model,
        "note": step.note,
        "refused": [one.model_dump() for one in step.refused],
        "replies": [asked_view(one) for one in step.replies],
    }


def asked_page(run: RunFolder, step: str, page: int = 1) -> dict[str, Any]:
    """Some of the requests of a step, newest first.

    Raises:
        RunError: There is no such step, or it asks no model.
    """
    found = asked(run, step, page)
    return {**found.model_dump(exclude={"items"}), "items": [asked_view(one) for one in found.items]}


def asked_view(one: Asked) -> dict[str, Any]:
    """A request and its reply: texts as cells, everything else as it is."""
    told = one.model_dump(exclude={"chat", "texts"})
    told["tokens"] = one.input_tokens + one.output_tokens
    told["chat"] = cell("messages", one.chat, WHOLE)
    told["texts"] = [cell("reply", text, WHOLE) for text in one.texts]
    return told


def compare_page(a: RunFolder, b: RunFolder, part: str | None = None, page: int = 1, only: Only = "all") -> dict[str, Any]:
    """Some rows of two runs side by side.

    Raises:
        RunError: One has no such part, or nothing is known of its rows.
    """
    found = compare(a, b, leaf_of(part) if part else None, page, only)
    return {**found.model_dump(exclude={"pairs"}), "pairs": [_pair(pair) for pair in found.pairs]}


def _pair(pair: Pair) -> dict[str, Any]:
    sides = {"a": pair.row_a, "b": pair.row_b}
    cells = {side: rows_as_cells([row])[0] if row is not None else None for side, row in sides.items()}
    return {"kind": pair.kind, "a": pair.a, "b": pair.b, "changed": pair.changed, "cells": cells}
