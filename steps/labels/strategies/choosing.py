"""Which strategy suits these annotations: the one that tells best what it has not been shown.

With gold, that is gold that was hidden; without, it is answers that were. The learned one is taken unless another is clearly
better. Where annotators err together, answers tell nothing: who takes common errors for the truth foretells them best. Of few
answers nothing can be learned that could be relied on: the majority decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from steps.labels.questions import QuestionType
from steps.labels.strategies.families import families_of
from steps.labels.strategies.fitting import fit
from steps.labels.strategies.hidden_gold import ENOUGH_GOLD, hidden_gold
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategies.sureness import sum_by_label
from steps.labels.strategy_names import StrategyName
from steps.labels.votes import Floats, Ints, Votes

FEW_ANSWERS = 150
"""Answers for each class below which the majority decides, unless gold does: docs/labels.md has the measurements."""
HIDDEN = 0.1
"""Share of the answers that are hidden where gold does not decide."""
MOST_VOTES = 200_000
"""Votes that are tried with; strategies that were to be told apart by more would be as good as each other."""
DOUBT = 0.02
"""What another must be better by, in the mean logarithm, than the learned one."""


@dataclass(frozen=True)
class Trial:
    """How one strategy did: `scores`, logarithms of the probability that it gave to what was hidden."""

    name: StrategyName
    scores: Floats

    @property
    def mean(self) -> float:
        return float(self.scores.mean())


def choose(votes: Votes, question: QuestionType = "label", rounds: list[int] | None = None) -> Strategy:
    """The strategy that suits best, learned from all votes; `why` says what it was compared with.

    Raises:
        ValueError: There are no votes.
    """
    by_gold = len(votes.has_gold) >= ENOUGH_GOLD
    if not by_gold and len(votes) < FEW_ANSWERS * len(votes.classes):
        few = f"fewer than {FEW_ANSWERS} answers for each of {len(votes.classes)} classes tell too little of annotators"
        why = f"majority: {few}, and {_too_little(votes)}."
        return fit("majority", votes, question, rounds).model_copy(update={"why": why})
    if not by_gold and families_of(votes):
        why = f"annotators of a family would foretell each other's errors, and {_too_little(votes)}."
        return fit("learned", votes, question, rounds).model_copy(update={"why": f"learned: {why}"})
    names: tuple[StrategyName, ...] = get_args(StrategyName)
    trials = [Trial(name, _on_gold(name, votes, question) if by_gold else _on_answers(name, votes, question)) for name in names]
    learned = next(trial for trial in trials if trial.name == "learned")
    best = max(trials, key=lambda trial: trial.mean)
    chosen = best if best.mean > learned.mean + DOUBT + _doubt(best, learned) else learned
    strategy = fit(chosen.name, votes, question, rounds)
    return strategy.model_copy(update={"why": _why(chosen, trials, by_gold, votes)})


def _doubt(one: Trial, other: Trial) -> float:
    """The standard error of how much better one is than the other."""
    off = one.scores - other.scores
    return float(off.std() / np.sqrt(max(len(off), 1)))


def _why(chosen: Trial, trials: list[Trial], by_gold: bool, votes: Votes) -> str:
    ranked = sorted(trials, key=lambda trial: -trial.mean)
    told = ", ".join(f"{trial.name} {-trial.mean:.3f}" for trial in ranked)
    if by_gold:
        return f"{chosen.name}: of {len(votes.has_gold)} gold items that were hidden in turn, log-loss {told}."
    return f"{chosen.name}: {_too_little(votes)}; of answers that were hidden, log-loss {told}."


def _too_little(votes: Votes) -> str:
    gold = len(votes.has_gold)
    return f"{gold} gold items are too few to go by (fewer than {ENOUGH_GOLD})" if gold else "there is no gold to go by"


def _on_gold(name: StrategyName, votes: Votes, question: QuestionType) -> Floats:
    """Scores of gold items, each by a fit that did not know it."""
    tried = _some(votes, votes.has_gold)
    posterior = hidden_gold(tried, lambda seen: fit(name, seen, question))
    return _logarithm(posterior[np.arange(len(posterior)), tried.gold[tried.has_gold]])


def _on_answers(name: StrategyName, votes: Votes, question: QuestionType) -> Floats:
    """Scores of answers that were hidden, on items that others answered about too."""
    tried = _some(votes, np.zeros(0, dtype=np.int64))
    is_hidden = (tried.lots(0) < HIDDEN) & (tried.per_item[tried.item] > 1)
    if not is_hidden.any():
        return np.zeros(1)
    seen, hidden = tried.only(~is_hidden), tried.only(is_hidden)
    strategy = fit(name, seen, question)
    posterior = strategy.apply(seen).posterior
    told = posterior[hidden.item]
    if strategy.counts_shares:
        weight = np.array([strategy.voices[voter.name].weight for voter in seen.voters])
        counts = sum_by_label(seen, weight[seen.voter] / weight.mean())[hidden.item] + 0.5
        return _logarithm((counts / counts.sum(axis=1, keepdims=True))[np.arange(len(hidden)), hidden.label])
    confusion = np.stack([np.array(strategy.voices[voter.name].confusion) for voter in tried.voters])
    return _logarithm((told * confusion[hidden.voter, :, hidden.label]).sum(axis=1))


def _some(votes: Votes, needed: Ints) -> Votes:
    """The votes on some items, where there are very many; those of `needed` items among them."""
    if len(votes) <= MOST_VOTES:
        return votes
    taken = votes.item_lots(0) < MOST_VOTES / len(votes)
    taken[needed] = True
    return votes.on_items(taken)


def _logarithm(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, 1e-6)))
