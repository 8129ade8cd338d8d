"""The names of strategies. What learns and applies them needs numpy; whoever only names one does not."""

from __future__ import annotations

from typing import Literal

StrategyName = Literal["majority", "weighted", "one_coin", "dawid_skene", "learned"]
StrategyChoice = Literal["auto", StrategyName]
"""What may be asked for: "auto" takes the one that suits the annotations best."""

BY_SHARES: tuple[StrategyName, ...] = ("majority", "weighted")
"""Those whose probabilities are shares of votes."""
