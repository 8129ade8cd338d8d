"""Languages of texts."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Row
from steps.errors import RunError
from steps.extras import extra
from steps.filters.marking import RowFilter
from steps.row_texts import text_in
from steps.wording import did_you_mean

LONGEST = 10_000
"""Characters that are looked at: more make it no surer."""


class FilterLanguage(RowFilter):
    """Tells the language of a text, and finds those in other languages than you want.

    Languages go by their codes of two letters: en, de, zh. The confidence is from 0 to 1; in texts of a few words it is
    often low, and wrong. Works offline.

    Needs `pip install 'distilflow[filters]'`.

    After langid.py: An Off-the-shelf Language Identification Tool, https://aclanthology.org/P12-3005/

    Example:
        >>> step = FilterLanguage(languages=["de"])
        >>> [row] = step.process([{"text": "Der Hund bellt den ganzen Tag vor dem Haus."}])
        >>> row["language"], row["keep_row_after_language_filtering"]
        ('de', True)
    """

    outputs = ("language", "language_confidence")
    mark: ClassVar[str] = "keep_row_after_language_filtering"

    column: str = Field(default="text", min_length=1, description="Column with the text.")
    languages: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]] = Field(
        default=["en"], min_length=1, description="Codes of the languages that are kept, such as en."
    )
    min_confidence: float = Field(default=0.5, ge=0, le=1, description="Least confidence of a text that is kept.")
    _identifier: Any = PrivateAttr(default=None)

    def needs(self) -> list[str]:
        return [self.column]

    def load(self) -> None:
        library = extra("py3langid.langid", "filters", "telling languages")
        self._identifier = library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)
        known = sorted(self._identifier.labels)
        for code in self.languages:
            if code not in known:
                raise RunError(f"there is no language {code!r}.{did_you_mean(code, known)}", f"there are {' '.join(known)}")

    def unload(self) -> None:
        self._identifier = None

    def judge(self, row: Row) -> tuple[bool, Row]:
        if self._identifier is None:
            self.load()
        text = text_in(row, self.column)[:LONGEST].encode("utf-8", "replace").decode()  # half characters are none
        language, confidence = self._identifier.classify(text)
        is_kept = language in self.languages and confidence >= self.min_confidence
        return is_kept, {"language": language, "language_confidence": round(float(confidence), 6)}
