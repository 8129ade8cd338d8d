"""Words of a text, and runs of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = re.compile(
    r"""\.{2,} | --+
      | [;@\#$%&?!()\[\]{}<>"“”„«»‘`]  # marks that always stand alone
      | [,:](?!\d)                      # 1,000 and 12:30 are one piece
      | (?:(?!--|\.\.)[^\s;@\#$%&?!()\[\]{}<>"“”„«»‘`,:]|[,:](?=\d))+  # all else up to a blank: well-known, a/b, C++
    """,
    re.VERBOSE,
)
_WITH_STOP = re.compile(r"(.*[^.])(\.)")
_ABBREVIATED = re.compile(r"[A-Za-z]\.|(?:\w+\.)+\w+\.|(?i:mr|mrs|ms|dr|st|jr|inc|co|corp|vs|no|etc)\.")
_SHORT_FORM = re.compile(r"(?i)(.+)(n't|['’](?:s|m|d|ll|re|ve)?)")


def words_of(text: str) -> set[str]:
    """Words and marks of a text, short forms taken apart: "don't" is "do" and "n't"."""
    found, end = set[str](), len(text.rstrip())
    for match in _PIECE.finditer(text):
        piece = match[0]
        is_last = match.end() >= end
        stop = _WITH_STOP.fullmatch(piece)
        if stop and (is_last or not _ABBREVIATED.fullmatch(piece)):
            piece = stop[1]
            found.add(".")
        short = _SHORT_FORM.fullmatch(piece)
        found.update(short.groups() if short else (piece,))
    return found


_WORD = re.compile(r"\w+")


def plain_words(text: str) -> list[str]:
    """Words of a text in small letters, without marks: what counts when texts are compared whatever their punctuation."""
    return _WORD.findall(text.casefold())


def runs(words: list[str], n: int) -> Iterator[str]:
    """Each `n` words that follow one another."""
    return (" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
