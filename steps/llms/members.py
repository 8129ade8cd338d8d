"""Models that ask others: which models a task reaches in the end, and how a question finds its way to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from steps.llms.base import Ask, Completion, Request, Responder, topped_up

M = TypeVar("M", bound=Responder)


def every_model(models: Mapping[str, M]) -> dict[str, M]:
    """These models and the members of each, by their paths: `aggregator`, or `strict/aggregator` of the one called `strict`."""
    found: dict[str, M] = {}
    for name, llm in models.items():
        found[name] = llm
        inside = every_model(llm.members())
        found |= {_path(name, member): one for member, one in inside.items()}
    return found


def answering(models: Mapping[str, M]) -> dict[str, M]:
    """Those that answer by themselves: the ones that cost something, and that have limits."""
    return {path: llm for path, llm in every_model(models).items() if not llm.members()}


def replying(models: Mapping[str, Responder]) -> set[str]:
    """Paths of those whose reply is what the task gets: of a model that asks others, the first of its members."""
    found: set[str] = set()
    for name, llm in models.items():
        inside = llm.members()
        first = dict(list(inside.items())[:1])
        found |= {_path(name, member) for member in replying(first)} if first else {name}
    return found


def through_members(models: Mapping[str, Responder], ask: Ask) -> Ask:
    """`ask` for requests to any of these models: one that asks others has them answer through `ask`, each by its path."""
    composed = {path: llm for path, llm in every_model(models).items() if llm.members()}
    if not composed:
        return ask

    async def ask_any(request: Request) -> Completion:
        llm = composed.get(request.model)
        if llm is None:
            return await ask(request)

        async def ask_member(inner: Request) -> Completion:
            return await ask_any(replace(inner, model=_path(request.model, inner.model)))

        return await llm.compose(request, topped_up(ask_member))

    return ask_any


def _path(name: str, member: str) -> str:
    return f"{name}/{member}" if name else member
