"""A judge whose model runs in the worker itself: it loads weights, and in a rehearsal makes up what they would say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Group, Section, Step
from steps.chances import chances
from steps.errors import Complaint
from steps.extras import without_extra
from steps.secrets import LATER


class LocalJudge(Step):
    """Gives numbers to rows by a model that runs here."""

    group: ClassVar[Group] = "ask"
    section: ClassVar[Section] = "judge"
    reaches: ClassVar[str] = "the Hub, for the weights"
    in_rehearsal: ClassVar[Mapping[str, Any]] = {"made_up": True}
    runs_code: ClassVar[bool] = True  # a model may bring some

    model: str = Field(min_length=1, description="Name on the Hub, or a folder.")
    made_up: bool = Field(
        default=False, description="On: no weights are loaded, and the numbers are made up.", json_schema_extra=LATER
    )
    _model: Any = PrivateAttr(default=None)

    @property
    def model_name(self) -> str:
        """What the column `model_name` says."""
        return "rehearsal" if self.made_up else self.model

    @property
    def makes_up(self) -> bool:
        return self.made_up

    def check(self) -> Iterable[Complaint]:
        return () if self.made_up else without_extra("transformers", "transformers", type(self).__name__)

    def load(self) -> None:
        if self._model is None and not self.made_up:
            self._model = self.load_model()

    def unload(self) -> None:
        self._model = None

    def numbers_for(self, shown: Any) -> list[float]:
        """What the model gives for what it is shown; in a rehearsal what it might give, always the same for the same."""
        return self.rehearse(shown, chances(0, {"shown": shown})) if self.made_up else self.judge(shown)

    def load_model(self) -> Any:
        """The model, ready to work.

        Raises:
            RunError: It cannot be had.
        """
        raise NotImplementedError(f"{type(self).__name__}.load_model")

    def judge(self, shown: Any) -> list[float]:
        """What the model gives for what it is shown."""
        raise NotImplementedError(f"{type(self).__name__}.judge")

    def rehearse(self, shown: Any, rng: Random) -> list[float]:
        """Numbers as `judge` gives them, made up."""
        raise NotImplementedError(f"{type(self).__name__}.rehearse")
