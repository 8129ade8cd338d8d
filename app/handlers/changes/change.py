"""What a change of the pipeline is, and what its fields may hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.handlers.drafts import Draft

Name = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Name], Field(max_length=10_000)]


class Change(BaseModel, ABC):
    """A change of the draft."""

    model_config = ConfigDict(extra="forbid")

    @abstractmethod
    def on(self, draft: Draft) -> Draft:
        """The draft after it.

        Raises:
            CannotEdit: It cannot be; nothing is changed.
        """
