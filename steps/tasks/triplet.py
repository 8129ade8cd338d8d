"""Tasks that write a text, one that is much like it, and one that is less so."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from steps.tasks.attributes import GeneratorWithAttributes, HighScore, LowScore, SentenceDifficulty, Unit


class Triplet(BaseModel):
    S1: str = Field(min_length=1, description="The first text.")
    S2: str = Field(min_length=1, description="One that is very much like it in meaning.")
    S3: str = Field(min_length=1, description="One that is less so.")


class TripletGenerator(GeneratorWithAttributes):
    """Writes texts that are more and less alike.

    The prompt of a subclass says in which languages, and goes on with `GUIDE`.
    """

    Answer = Triplet
    attributes: ClassVar[tuple[str, ...]] = ("unit", "difficulty", "high_score", "low_score")
    GUIDE: ClassVar[str] = (
        "Likeness of meaning is told from 1 (nothing in common) to 5 (the same).\n"
        "- S1 and S2: {high_score}.\n"
        "- S1 and S3: {low_score}. It shares some words or names with S1, so that words alone do not tell the two apart.\n"
        "- Each takes this education to understand: {difficulty}. They differ in length.\n"
        "- This is example number {number} of a collection: take a topic that the others will hardly have."
    )

    unit: Unit | None = Field(default=None, description="What is written. Empty: drawn for each row.")
    difficulty: SentenceDifficulty | None = Field(default=None, description="Education of readers. Empty: drawn for each row.")
    high_score: HighScore | None = Field(default=None, description="Likeness of S1 and S2, up to 5. Empty: drawn for each row.")
    low_score: LowScore | None = Field(default=None, description="Likeness of S1 and S3, from 1. Empty: drawn for each row.")
