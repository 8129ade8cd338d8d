"""What the place shows: the project with its queue and measures, and one item with who said what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import combinations
from typing import Any

from app.handlers.labels.learners import Job
from app.handlers.labels.tones import answer_of, tone_of
from app.handlers.wording import cut
from flows.labelling import LabelProject
from flows.labelling.comparing import compare_versions
from flows.labelling.exporting import Segment, items_in
from flows.labelling.learning import measures_of
from flows.labelling.onboarding import Example, in_words, known_set, most_alike
from flows.labelling.project import handle_of
from flows.labelling.rounds import Entry, Gains, Order, queue
from flows.labelling.said import ANNOTATION
from flows.labelling.unsure import why_unsure
from steps.base import Row
from steps.errors import DistilflowError
from steps.labels.questions import label_text
from steps.labels.strategy_names import BY_SHARES
from steps.wording import counted

QUEUE_SHOWN = 200
TITLE_CHARS = 60
LONGEST_CELL = 20_000
SHOWN_AT_ONCE = 12
"""Annotators at the side before the rest is asked for."""
MOST_TOPICS = 100
CLEAR = 3.0
"""Standard errors above none from which on a correlation of errors is clear, though many pairs were looked at."""


def overview(
    project: LabelProject,
    gains: Gains,
    job: Job | None,
    reviewer: str = "",
    *,
    segment: Segment | None = None,
    order: Order = "gain",
) -> dict[str, Any]:
    """A project as the place shows it, but for the item. `segment`: what the queue has instead of the open round."""
    with project.reading():
        about, problem = project.about, None
        try:
            strategy = project.strategy
            entries = queue(project, gains, None if segment is None else items_in(project, segment), order, reviewer)
        except DistilflowError as error:  # labels came that the strategy does not know: it has to be learned anew
            strategy, entries = None, []
            problem = {"what": error.message, "fix": error.fix}
        opened, measures = about.open_round, {}
        try:
            measures = measures_of(project.folder)
        except DistilflowError as error:
            problem = problem or {"what": error.message, "fix": error.fix}
        if unread := project.unread:
            problem = problem or {"what": unread, "fix": "mend the line, or delete it"}
        return {
            "name": project.name,
            "id": "/".join(project.identity),
            "question": {**about.question.model_dump(), "labels": [_choice(label) for label in project.labels]},
            "settings": {
                "shown": about.shown,
                "topic": about.topic,
                "strategy": about.strategy,
                "round_size": about.round_size,
            },
            "made_from": about.made_from,
            "columns": _columns(project),
            "topics": _topics(project, about.topic),
            "items": len(project.items),
            "annotations": project.said.count,
            "gold": len(project.said.gold()),
            "round": _round(project, opened),
            "rounds": sorted(project.said.rounds),
            "version": _version(strategy) if strategy else None,
            "versions": project.versions.numbers(),
            "since": _said_since(project, strategy.fitted.annotations) if strategy else 0,
            "learning": job.told() if job else None,
            "problem": problem,
            "queue": [_entry(project, one) for one in entries[:QUEUE_SHOWN]],
            "queued": len(entries),
            "can_undo": project.said.last_of(reviewer) is not None,
            "is_reckoned": gains.are_reckoned and strategy is not None,
            **_side(measures),
        }


def compared(project: LabelProject, one: int, other: int) -> dict[str, Any]:
    """Two versions side by side.

    Raises:
        UnknownVersion: There is no such version.
        RunError: A version does not know labels that were added since.
    """
    found = compare_versions(project, one, other)
    return {**found, "changes": [{**change, "item": handle_of(change["item"])} for change in found["changes"]]}


def _round(project: LabelProject, opened: Any) -> dict[str, Any] | None:
    from flows.labelling.rounds import is_answered

    if opened is None:
        return None
    done = sum(is_answered(project, item, opened.number) for item in opened.items)
    return {"number": opened.number, "size": len(opened.items), "done": done}


def _version(strategy: Any) -> dict[str, Any]:
    return {"number": strategy.version, "name": strategy.name.replace("_", " "), "tag": strategy.tag, "why": strategy.why}


def _said_since(project: LabelProject, learned_from: int) -> int:
    return abs(project.said.count - learned_from)


def _entry(project: LabelProject, entry: Entry) -> dict[str, Any]:
    return {
        "item": handle_of(entry.item),
        "title": title_of(project, entry.item),
        "unsure": entry.score.uncertainty if entry.score.answers else None,
        "answers": entry.score.answers,
        "gain": round(entry.gain, 4),
        "is_done": entry.is_done,
        "is_skipped": entry.is_skipped,
    }


def title_of(project: LabelProject, item: str) -> str:
    """What an item is called in a list: the first of its texts, else its id."""
    columns = project.items.get(item, {})
    names = project.about.shown or list(columns)
    first = next((columns[name] for name in names if isinstance(columns.get(name), str) and columns[name].strip()), None)
    return cut(" ".join(first.split()), TITLE_CHARS) if first else f"Item {cut(item, TITLE_CHARS)}"


def _columns(project: LabelProject) -> list[str]:
    seen: dict[str, None] = {}
    for number, columns in enumerate(project.items.values()):
        if number == 200:
            break
        seen.update(dict.fromkeys(columns))
    return list(seen)


def _topics(project: LabelProject, column: str) -> list[str]:
    if not column:
        return []
    return sorted({str(columns[column]) for columns in project.items.values() if column in columns})[:MOST_TOPICS]


def _choice(label: str) -> dict[str, Any]:
    return {"value": label, "tone": tone_of(label)}


# ---- the side


def _side(measures: dict[str, Any]) -> dict[str, Any]:
    annotators = measures.get("annotators", [])
    quality = measures.get("quality") or {}
    return {
        "annotators": [
            {
                "name": one["annotator"],
                "kind": one["kind"],
                "answers": one["answers"],
                "reliability": one["reliability"],
                "bias": _bias(one),
                "drift": one["drift"],
                "confusion": one["confusion"],
            }
            for one in sorted(annotators, key=lambda one: (one["kind"] != "human", one["kind"], -one["reliability"]["low"]))
        ],
        "annotators_in_all": measures.get("annotators_in_all", 0),
        "together": together(annotators, measures.get("families") or {}),
        "curve": measures.get("curve", []),
        "measures": {
            "calibration_error": quality.get("calibration_error"),
            "review_gain": quality.get("review_gain"),
            "accuracy": quality.get("accuracy"),
            "alpha": measures.get("alpha"),
            "uncertainty": measures.get("uncertainty"),
        },
    }


def _bias(one: dict[str, Any]) -> str:
    """What an annotator says too often, if it is much."""
    label, more = max(one["bias"].items(), key=lambda pair: pair[1], default=("", 0.0))
    return f"says {label} in {more:.0%} more of the answers than it is so" if more >= 0.05 else ""


def together(annotators: Iterable[dict[str, Any]], families: Mapping[str, float]) -> list[dict[str, Any]]:
    """Pairs that err on the same items, those that do most first. LLMs among themselves before all others.

    `families`: those that the strategy counts as fewer, with how far each errs together. `count_as`: what a pair of one of them
    counts as. `could_be_family`: for pairs without a common one, whether it is clear enough that they err together.
    """
    annotators = list(annotators)
    family_of = {one["annotator"]: one["family"] for one in annotators}
    kinds = {one["annotator"]: one["kind"] for one in annotators}
    pairs: dict[frozenset[str], dict[str, Any]] = {}
    for one in annotators:
        for partner in one["errs_with"]:
            pairs[frozenset((one["annotator"], partner["annotator"]))] = partner
    order = list(kinds)
    found: list[dict[str, Any]] = []
    for left, right in combinations(order, 2) if len(order) <= 200 else [tuple(sorted(pair)) for pair in pairs]:
        if (partner := pairs.get(frozenset((left, right)))) is None:
            continue
        correlation = partner["correlation"]
        family = family_of[left] if family_of[left] == family_of[right] else ""
        count_as = round(2 / (1 + families[family]), 1) if family in families else None
        is_clear = correlation - CLEAR / partner["shared"] ** 0.5 > 0
        found.append(
            {
                "names": [left, right],
                "correlation": correlation,
                "count_as": count_as,
                "could_be_family": is_clear and not family,
            }
        )
    found.sort(
        key=lambda pair: (kinds[pair["names"][0]] == "human" or kinds[pair["names"][1]] == "human", -pair["correlation"])
    )
    return found[:3]


# ---- one item


def item_view(project: LabelProject, gains: Gains, item: str, reviewer: str = "") -> dict[str, Any]:
    """An item: its columns, what it is taken for and why, what is alike, and what the reviewer said.

    Raises:
        UnknownItem: There is no such item.
    """
    with project.reading():
        item = project.item_called(item)
        project.check_item(item)
        about, problem = project.about, None
        try:
            strategy, settlement = project.strategy, project.settlement(item)
            alike = most_alike(known_set(project), project.items[item], item, 2)
        except DistilflowError as error:
            strategy, settlement, alike, problem = None, None, [], {"what": error.message, "fix": error.fix}
        try:
            measures = measures_of(project.folder)
        except DistilflowError:  # the overview says so
            measures = {}
        measured = {one["annotator"]: one["reliability"]["value"] for one in measures.get("annotators", [])}
        pulls = {pull.annotation_id: pull.pull for pull in settlement.pulls} if settlement else {}
        counts_shares = strategy is not None and strategy.name in BY_SHARES
        spread = gains.spread(item) if settlement and not settlement.is_gold else None
        said = [_said(one, pulls, project) for one in project.said.annotations_of(item)]
        said.sort(
            key=lambda one: (one["pull"] is None, {"human": 0, "llm": 1, "template": 2}[one["kind"]], -abs(one["pull"] or 0))
        )
        number = about.open_round.number if about.open_round else project.last_round
        mine = next((one for one in said if one["annotator"] == reviewer and one["round"] == number), None)
        return {
            "item": handle_of(item),
            "title": title_of(project, item),
            "columns": _cells(project.items[item], about.shown),
            "now": _now(settlement) if settlement else None,
            "said": said,
            "rounds": sorted({one["round"] for one in said}),
            "why": why_unsure(settlement, measured, by_shares=counts_shares) if settlement else "",
            "settles": round(spread.settles) if spread else 0,
            "alike": [_example(project, one) for one in alike],
            "mine": {"label": mine["label"], "comment": mine["explanation"]} if mine else None,
            "example": project.said.examples().get(item),
            "gold": project.said.gold_of(item),
            "history": [
                {**asdict(one), "words": in_words(one.label, about.question.type)} for one in project.versions.told_of(item)
            ],
            "problem": problem,
        }


def _now(settlement: Any) -> dict[str, Any]:
    told = settlement.distribution
    shares = sorted(told.items(), key=lambda pair: -pair[1]) if isinstance(told, dict) else []
    label = in_words(settlement.label, settlement.question)
    return {
        "label": settlement.label,
        **answer_of(settlement.label, settlement.question),
        "probability": settlement.probability,
        "is_gold": settlement.is_gold,
        "others": [{"label": name, "probability": share} for name, share in shares if name != label][:6],
    }


def _said(one: dict[str, Any], pulls: dict[str, float], project: LabelProject) -> dict[str, Any]:
    line = project.said.annotation(one["annotation_id"]) or {}
    return {
        "annotator": one["annotator"],
        "kind": one["kind"],
        "label": one["label"],
        **answer_of(one["label"], project.about.question.type),
        "explanation": one["explanation"],
        "round": one["round"],
        "pull": pulls.get(one["annotation_id"]),
        "is_here": line.get("line") == ANNOTATION and "id" in line,
    }


def _example(project: LabelProject, example: Example) -> dict[str, Any]:
    names = project.about.shown or list(example.columns)
    texts = [
        label_text(example.columns[name])
        for name in names
        if isinstance(example.columns.get(name), str) and example.columns[name]
    ]
    return {
        "item": handle_of(example.item),
        "texts": [cut(" ".join(text.split()), 90) for text in texts[:2]],
        **answer_of(example.label, project.about.question.type),
        "why": example.why,
        "text": example.text,
    }


def _cells(columns: Row, shown: list[str]) -> list[dict[str, Any]]:
    names = [name for name in shown if name in columns] or list(columns)
    return [{"name": name, "text": _text(columns[name])} for name in names]


def _text(value: Any) -> str:
    from flows.parquet.values import json_text

    text = value if isinstance(value, str) else json_text(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}… ({counted(len(text), 'character')} in all)"
