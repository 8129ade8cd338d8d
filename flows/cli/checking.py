"""`check`: whether the models of a pipeline can be asked, before anything is."""

from __future__ import annotations

import typer

from flows.cli.console import show_aligned, tell
from flows.cli.flags import Model, Params, Pipeline
from flows.cli.running import FAILED, planned_from
from flows.engine.tally import money
from steps.wording import counted


def check(
    pipeline: Pipeline,
    param: Params = None,
    llm: Model = None,
) -> None:
    """Ask each model of a pipeline one tiny question: is it there, does it take the key and know the model.

    Models for pictures are looked up in their server's list, for nothing. Where steps want JSON by a schema, it asks for that
    too. Nothing is kept; problems of the pipeline come first. It ends with 1 if a model cannot be used.
    """
    from flows.checking import Checked, check_models, not_asked, total_cost

    plan = planned_from(pipeline, param, llm)
    for left in not_asked(plan):
        tell(f"Not asked: {left.model!r} of {', '.join(left.steps)}: {left.why}.")
    found = check_models(plan)
    if not found:
        tell("No model is asked over the network.")
        return

    def line(one: Checked) -> list[str]:
        took = "" if one.seconds is None else f"{one.seconds:.2f} s"
        usable = "NO" if not one.is_usable else "yes" if one.is_known else "?"
        return [usable, one.model, one.endpoint, one.key, took, one.json, ", ".join(one.steps)]

    show_aligned(["usable", "model", "server", "key", "took", "JSON", "steps"], [line(one) for one in found])
    for one in found:
        if one.is_usable and one.note:
            tell(f"\nNote: {one.model!r} at {one.endpoint}: {one.note}.")
        if not one.is_usable:
            tell(f"\n[{one.code}] {one.said}", style="red")
            if one.fix:
                tell(f"  Fix: {one.fix}")
    cost, bad = total_cost(found), sum(not one.is_usable for one in found)
    spent = "at a price that is not known" if cost is None else "for free" if not cost else f"for {money(cost)}"
    told = f"{bad} of them cannot be used" if bad else "all can be used"
    if not bad and not all(one.is_known for one in found):
        told += ", as far as their servers say"
    tell(f"\nAsked {counted(len(found), 'model')} {spent}: {told}.")
    if bad:
        raise typer.Exit(FAILED)
