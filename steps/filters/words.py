"""Words of a text, and runs of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ALONE = r";@\#$%&?!()\[\]{}<>*“”„«»‘’‒–—―"
_PIECE = re.compile(
    rf"""\.{{2,}} | -- | `+ | "|''
      | [{_ALONE}]  # marks that always stand alone
      | [,:](?!\d)  # 1,000 and 12:30 are one piece
      | (?:(?!--|\.\.|'')[^\s`",:{_ALONE}]|[,:](?=\d))+  # all else up to a blank: well-known, a/b, C++
    """,
    re.VERBOSE,
)
_QUOTES = ('"', "''")
_OPENS = re.compile(r"(?:^|[ (\[{<]|[.?!]\s+)\Z")
_ENDS = re.compile(r"""[\])}>"'»”’\s]*\Z""")
_WITH_STOP = re.compile(r"(.*[^.])(\.)")
_ABBREVIATED = re.compile(r"[A-HJ-Za-z]\.|(?:\w+\.)+\w+\.|(?i:mr|mrs|ms|dr|st|jr|inc|co|corp|vs|no|etc)\.")
_SHORT_FORM = re.compile(r"(?i)(.+)(n't|'(?:s|m|d|ll|re|ve)?)|(can)(not)|(gim|lem)(me)|(gon|wan)(na)|(got)(ta)")
_QUOTED = re.compile(r"(?i)(')((?!(?:re|ve|ll|m|t|s|d|n)\b)\w.*)")


def words_of(text: str) -> set[str]:
    """Words and marks of a text, much as NLTK tells them apart.

    Short forms are taken apart: "don't" is "do" and "n't". Quotes are `` where they open and '' where they close.
    """
    found: set[str] = set()
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece in _QUOTES:
            found.add("``" if _OPENS.search(text, max(0, match.start() - 3), match.start()) else "''")
            continue
        if piece.endswith("."):
            is_last = _ENDS.match(text, match.end())
            stop = _WITH_STOP.fullmatch(piece)
            if stop and (is_last or not _ABBREVIATED.fullmatch(piece)):
                piece = stop[1]
                found.add(".")
        if "'" in piece and (quoted := _QUOTED.fullmatch(piece)):
            found.add("'")
            piece = quoted[2]
        short = _SHORT_FORM.fullmatch(piece)
        found.update(part for part in short.groups() if part) if short else found.add(piece)
    return found


_WORD = re.compile(r"\w+")


def plain_words(text: str) -> list[str]:
    """Words of a text in small letters, without marks: what counts when texts are compared whatever their punctuation."""
    return _WORD.findall(text.casefold())


def runs(words: list[str], n: int) -> Iterator[str]:
    """Each `n` words that follow one another."""
    return (" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
