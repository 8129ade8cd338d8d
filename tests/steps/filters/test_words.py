from __future__ import annotations

from typing import Any

from steps.filters.words import words_of


class Watched(str):
    """A text that counts the characters copied out of it."""

    copied = 0

    def __getitem__(self, at: Any) -> str:
        part = super().__getitem__(at)
        Watched.copied += len(part)
        return part


def test_a_stop_at_the_end_stands_alone_and_one_in_an_abbreviation_does_not() -> None:
    assert words_of("Mr. Fox ran. \n") == {"Mr.", "Fox", "ran", "."}
    assert words_of("He met Mr.") == {"He", "met", "Mr", "."}


def test_the_rest_of_a_text_is_not_copied_for_each_word() -> None:
    words_of(Watched("one two. " * 1000))

    assert Watched.copied <= 9000
