"""Which of the next steps a batch goes to."""

from __future__ import annotations

from random import Random

from flows.engine.items import prefix
from steps.wiring import Router


class Switch:
    """Asks the router once per batch of the source, so that a resumed run sends every row the same way again."""

    def __init__(self, step: str, router: Router, targets: list[str], batch_rows: int) -> None:
        self._step = step
        self._router = router
        self._targets = targets
        self._batch_rows = batch_rows
        self._choices: dict[int, frozenset[str]] = {}

    def choose(self, item_id: str) -> frozenset[str]:
        """Names of the steps that this row goes to."""
        number = int(prefix(item_id, 1)) // self._batch_rows
        choice = self._choices.get(number)
        if choice is None:
            rng = Random(f"{self._step}:{number}")
            choice = frozenset(self._router.choose(list(self._targets), number, rng)) & frozenset(self._targets)
            if len(self._choices) > 1000:
                self._choices.clear()
            self._choices[number] = choice
        return choice
