"""Why an item is unsure, in a sentence that says what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flows.labelling.onboarding import in_words, label_key
from steps.wording import counted, listed

if TYPE_CHECKING:
    from steps.labels.settling import Pull, Settlement

SURE = 0.9
LIKE = 2.0
"""How many times as strong one of two sides may be for both to count as equally strong."""
MUCH = 0.7
"""A pull, in logarithms of odds, from which on an answer says something: it doubles the odds."""
NAMED = 3
"""Annotators of one opinion who are named."""


def why_unsure(settlement: Settlement, reliability: Mapping[str, float], *, by_shares: bool = False) -> str:
    """What keeps an item from being settled; empty where it is settled.

    `reliability`: how often annotators are right. `by_shares`: pulls are shares of votes, which know of nobody's errors.
    """
    if settlement.is_gold:
        return "Known to be right (gold)."
    if settlement.probability >= SURE:
        return ""
    pulls = sorted(settlement.pulls, key=lambda pull: -abs(pull.pull))
    known = "" if by_shares else _known(pulls, reliability)
    if len(pulls) == 1:
        return f"Unsure because only {pulls[0].annotator} answered{known}."
    if len({label_key(pull.label) for pull in pulls}) == 1:
        return _all_agree(settlement, pulls, known, by_shares=by_shares)
    return _they_differ(settlement, pulls, known, by_shares=by_shares)


def _all_agree(settlement: Settlement, pulls: Sequence[Pull], known: str, *, by_shares: bool) -> str:
    if by_shares:
        return f"Unsure although all {len(pulls)} agree: so few answers tell little."
    if label_key(pulls[0].label) != label_key(settlement.label):
        said, taken = (in_words(label, settlement.question) for label in (pulls[0].label, settlement.label))
        return f"Unsure because all {len(pulls)} say {said}, and have said so of much that is {taken}{known}."
    return f"Unsure although all {len(pulls)} agree: they are wrong often enough together{known}."


def _they_differ(settlement: Settlement, pulls: Sequence[Pull], known: str, *, by_shares: bool) -> str:
    for_it = [pull for pull in pulls if pull.pull > 0]
    against = [pull for pull in pulls if pull.pull < 0]
    who, label = _who_says_what(settlement, pulls), in_words(settlement.label, settlement.question)
    if not by_shares and abs(pulls[0].pull) < MUCH:
        return f"Unsure because none of the {counted(len(pulls), 'answer')} says much{known}."
    if by_shares or not against:
        return f"Unsure because they differ: {who}."
    if not for_it:
        return f"Unsure because every answer speaks against {label}, and no other label is more probable: {who}."
    for sole, others in ((for_it, against), (against, for_it)):
        if len(sole) == 1 < len(others) and abs(sole[0].pull) > LIKE * abs(others[0].pull):
            return f"Unsure because {counted(len(others), 'answer')} stand against {sole[0].annotator}, who weighs most: {who}."
    pro, contra = (sum(abs(pull.pull) for pull in side) for side in (for_it, against))
    if max(pro, contra) <= LIKE * min(pro, contra):
        sides = "both weigh" if len(pulls) == 2 else "both sides weigh"
        return f"Unsure because {who}, and {sides} about as much{known}."
    if pro > contra:
        speaks = "speaks" if len(against) == 1 else "speak"
        return (
            f"Unsure because {len(against)} of {len(pulls)} answers {speaks} against {label}, though with less weight: {who}."
        )
    return f"Unsure because more speaks against {label} than for it, but no other label is more probable: {who}."


def _who_says_what(settlement: Settlement, pulls: Sequence[Pull]) -> str:
    """The opinions, the weightiest first, each with who has it."""
    opinions: dict[str, list[Pull]] = {}
    for pull in pulls:
        opinions.setdefault(label_key(pull.label), []).append(pull)
    told = []
    for those in opinions.values():
        names = [pull.annotator for pull in those[:NAMED]]
        more = [f"{len(those) - NAMED} more"] if len(those) > NAMED else []
        verb = "says" if len(those) == 1 else "say"
        told.append(f"{_together([*names, *more])} {verb} {in_words(those[0].label, settlement.question)}")
    return _together(told) if len(told) == 2 else listed(told)


def _together(parts: Sequence[str]) -> str:
    """ "ann", "ann and bob", "ann, bob and cy"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _known(pulls: Sequence[Pull], reliability: Mapping[str, float]) -> str:
    rates = [f"{pull.annotator} in {reliability[pull.annotator]:.0%}" for pull in pulls[:2] if pull.annotator in reliability]
    return f" (right: {', '.join(rates)} of cases)" if rates else ""
