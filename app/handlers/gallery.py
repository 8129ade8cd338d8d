"""Working pipelines to start from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.handlers.outline import step_cards
from app.handlers.wording import cut, label_of
from flows.plan import Plan, examine
from flows.spec import PipelineSpec, read_file, read_spec
from steps.errors import DistilflowError, Problem, SpecError

ABOUT_CHARS = 110
"""What fits on a card; what is longer would be cut within a word by the browser."""


RUNS = "Runs as it is"
JUDGED = {"ratings", "rating", "score", "scores", "result"}
"""Columns by which a step that judges is known."""


def examples(folder: Path) -> list[dict[str, Any]]:
    """The pipelines of a folder, as cards; files that are none are left out."""
    found = []
    for path in _files(folder):
        card = _card(path, path.stat().st_mtime_ns)
        if card is not None:
            found.append(card)
    return sorted(found, key=lambda card: (card["file"] != "quickstart.yaml", not card["is_ready"], card["name"]))


def example_text(folder: Path, file: str) -> str:
    """The text of an example.

    Raises:
        SpecError: There is none of this name.
    """
    known = {path.name: path for path in _files(folder)}
    if file not in known:
        raise SpecError(f"there is no example {file!r}", f"examples: {', '.join(sorted(known)) or 'none'}")
    return read_file(known[file])


def names(folder: Path) -> list[str]:
    """What the examples are called."""
    return [card["name"] for card in examples(folder)]


def file_of(folder: Path, name: str) -> str | None:
    """The file of the example that has this name, or whose file does."""
    by_name = {path.stem: path.name for path in _files(folder)} | {card["name"]: card["file"] for card in examples(folder)}
    return by_name.get(name)


def _files(folder: Path) -> list[Path]:
    places = (folder, folder / "papers")
    return sorted(path for place in places for path in place.glob("*") if path.suffix in (".yaml", ".yml"))


def _reached(plan: Plan) -> list[str]:
    """What a pipeline needs beyond this machine."""
    reached = [*(planned.step.reaches_now for planned in plan.steps.values()), *(llm.reaches for _, llm in plan.every_llm)]
    return [words for words in dict.fromkeys(reached) if words]


def _lacks(plan: Plan, found: Sequence[Problem]) -> list[str]:
    """What a person has to bring, where that alone is wrong."""
    if any(problem.code != "model-not-ready" for problem in found):
        return []
    wrong = {problem.step for problem in found}
    lacks = [llm.lacks for step, llm in plan.every_llm if step in wrong]
    return list(dict.fromkeys(filter(None, lacks)))


@lru_cache(maxsize=64)
def _card(path: Path, changed: int) -> dict[str, Any] | None:
    try:
        spec, problems = read_spec(read_file(path))
    except DistilflowError:
        return None
    return {"file": path.name, **card_of(spec, problems)}


def card_of(spec: PipelineSpec, known: Sequence[Problem] = ()) -> dict[str, Any]:
    """What a card shows of a pipeline: its graph, what it is for, and whether it runs here. `known`: problems of its text."""
    plan, found = examine(spec)
    cards = step_cards(spec, plan, found)
    reached = _reached(plan)
    is_ready = not known and not found
    return {
        "name": spec.name,
        "title": label_of(spec.name),
        "description": cut(spec.description or "", ABOUT_CHARS),
        "steps": len(spec.steps),
        "kind": next((card["use"] for card in reversed(cards) if card["name"] in plan.llms), ""),
        "is_ready": is_ready,
        "lacks": _lacks(plan, found),
        "reaches": reached,
        "tags": _tags(plan, is_free=is_ready and not reached),
        "graph": [{"name": card["name"], "after": card["after"], "asks": card["name"] in plan.llms} for card in cards],
    }


def _tags(plan: Plan, *, is_free: bool) -> list[str]:
    """What the cards can be filtered by, from what the steps do."""
    groups = {planned.step.group for planned in plan.steps.values()}
    made = {column for planned in plan.steps.values() if planned.step.group == "ask" for column in planned.step.makes()}
    tags = {
        RUNS: is_free,
        "Fine-tuning": "formats" in groups,
        "Evaluation": "formats" not in groups and bool(made & JUDGED),
    }
    return [tag for tag, is_so in tags.items() if is_so]
