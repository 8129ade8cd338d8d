"""Why an item is unsure, in a sentence that says what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.labelling.onboarding import in_words, label_key
from steps.wording import counted

if TYPE_CHECKING:
    from steps.labels.settling import Pull, Settlement

SURE = 0.9
LIKE = 2.0
"""How many times as strong one of two pulls may be for both to count as equally strong."""


def why_unsure(settlement: Settlement, reliability: Mapping[str, float]) -> str:
    """What keeps an item from being settled; empty where it is settled. `reliability`: how often annotators are right."""
    if settlement.is_gold:
        return "Known to be right (gold)."
    if settlement.probability >= SURE:
        return ""
    pulls = sorted(settlement.pulls, key=lambda pull: -abs(pull.pull))
    if len(pulls) == 1:
        return f"Unsure because only {pulls[0].annotator} answered."
    for_it = [pull for pull in pulls if pull.pull > 0]
    against = [pull for pull in pulls if pull.pull < 0]
    if not against or not for_it:
        if len({label_key(pull.label) for pull in pulls}) == 1:
            return f"Unsure although all {len(pulls)} agree: they are wrong often enough together{_known(pulls, reliability)}."
        return f"Unsure because none of the {counted(len(pulls), 'answer')} says much{_known(pulls, reliability)}."
    one, other = for_it[0], against[0]
    if max(one.pull, -other.pull) <= LIKE * min(one.pull, -other.pull):
        said = [f"{pull.annotator} says {in_words(pull.label, settlement.question)}" for pull in (one, other)]
        who = " and ".join(said)
        return f"Unsure because {who}, and both weigh about as much{_known([one, other], reliability)}."
    stronger, weaker = (one, against) if one.pull > -other.pull else (other, for_it)
    who = counted(len(weaker), "answer")
    return f"Unsure because {who} {'stands' if len(weaker) == 1 else 'stand'} against {stronger.annotator}, who weighs most."


def _known(pulls: list[Pull], reliability: Mapping[str, float]) -> str:
    rates = [f"{pull.annotator} in {reliability[pull.annotator]:.0%}" for pull in pulls[:2] if pull.annotator in reliability]
    return f" (right: {', '.join(rates)} of cases)" if rates else ""
