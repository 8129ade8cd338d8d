"""Whether the models of a pipeline can be asked, before it runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypedDict

from app.handlers.drafts import check, notice_of
from app.handlers.wording import in_words
from flows.checking import Checked, check_models, not_asked, total_cost
from steps.errors import DistilflowError, PlanError

_WORDS = {
    "auth-failed": "Key refused",
    "unreachable": "Not reachable",
    "network-failed": "No answer",
    "model-not-found": "No such model",
    "model-unfit": "Model does not fit",
    "rate-limited": "Refuses for now",
    "bad-request": "Request refused",
}
"""What is wrong, short enough for the foot of a card."""
_TRIED = (
    {"fine": "Reachable", "wrong": "Not reachable", "unknown": "Not reached"},
    {"fine": "Key accepted", "wrong": "Key refused", "unknown": "Key not tried"},
    {"fine": "Model known", "wrong": "No such model", "unknown": "Model not tried"},
)
_JSON = {"yes": ("JSON schema held", "fine"), "no": ("JSON schema not held", "odd"), "refused": ("JSON schema refused", "odd")}
_KEY = 1
_STOPPED_AT = {
    **{"unreachable": 0, "network-failed": 0, "server-failed": 0},
    **{"auth-failed": 1, "model-not-found": 2, "model-unfit": 3},
}
"""How far a model came that cannot be asked: at its server, its key, or its name."""


class Sign(TypedDict):
    """One thing that was tried. `state`: fine, wrong, odd where steps can live with it, unknown where it was not come to."""

    what: str
    state: str


def check_text(text: str) -> dict[str, Any]:
    """What each model of a pipeline answered to one tiny question, which costs what it costs.

    Never raises for what is wrong with the pipeline: it is in `notice`.
    """
    try:
        plan, problems = check(text)
        if problems:
            raise PlanError(problems)
        found = check_models(plan)
    except DistilflowError as error:
        return {"notice": notice_of(error)}
    return {
        "notice": None,
        "models": [_shown(one) for one in found],
        "not_asked": [asdict(one) for one in not_asked(plan)],
        "is_usable": all(one.is_usable for one in found),
        "cost": total_cost(found),
    }


def _shown(one: Checked) -> dict[str, Any]:
    word = _WORDS.get(one.code, in_words(one.code)) if one.code else "Answers"
    return {**asdict(one), "usage": asdict(one.usage), "is_usable": one.is_usable, "word": word, "signs": signs(one)}


def signs(one: Checked) -> list[Sign]:
    """What was tried of a model, one after the other."""
    stopped = _STOPPED_AT.get(one.code) if not one.is_usable else len(_TRIED) if one.is_known else None

    def state(at: int) -> str:
        if stopped is None:  # it was told something else, which says no more than that there is a server
            return "unknown" if at else "fine"
        return "fine" if at < stopped else "wrong" if at == stopped else "unknown"

    found = [Sign(what=words[state(at)], state=state(at)) for at, words in enumerate(_TRIED) if at != _KEY or one.key]
    if one.json:
        what, how = _JSON.get(one.json, ("JSON schema not known", "unknown"))
        found.append(Sign(what=what, state=how))
    return found
