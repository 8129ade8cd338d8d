"""Texts without personal data and keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row, Step, require
from steps.errors import RowError
from steps.extras import extra
from steps.filters.personal import KINDS, Kind, Span, spans_of


class MaskPII(Step):
    """Replaces e-mail addresses, phone and card numbers, and keys by placeholders.

    Found are e-mail addresses, phone numbers, IP addresses (v4, v6), credit cards (with a right check digit), IBANs (with
    right check digits), addresses of the web that hold a password, and keys of common services. The same thing gets the
    same placeholder wherever it stands in the row: [EMAIL_1], [PHONE_2]. Columns may hold texts, lists and chats. Names
    and addresses of people are not found.

    Phone numbers are those with a country code, and those of `phone_region` without one; they need
    `pip install 'distilflow[filters]'`.

    Example:
        >>> step = MaskPII(kinds=["email", "ip"])
        >>> step.process([{"text": "ann@acme.org asked bob@acme.org; ann@acme.org left 10.0.0.7."}])
        [{'text': '[EMAIL_1] asked [EMAIL_2]; [EMAIL_1] left [IP_1].', 'pii_masked': {'email': 3, 'ip': 1}}]
    """

    group: ClassVar[Group] = "filters"
    outputs = ("pii_masked",)

    columns: list[str] = Field(default=["text"], min_length=1, description="Columns in which it is looked for.")
    kinds: list[Kind] = Field(default=list(KINDS), min_length=1, description="What is replaced.")
    phone_region: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}$",
        description="Country of phone numbers without a country code, such as DE; empty for none.",
    )

    def needs(self) -> list[str]:
        return list(dict.fromkeys(self.columns))

    def makes(self) -> list[str]:
        return [*self.needs(), *self.outputs]

    def load(self) -> None:
        if "phone" in self.kinds:
            extra("phonenumbers", "filters", "finding phone numbers")

    def process(self, batch: Batch) -> Batch:
        return [self._masked(row) for row in batch]

    def _masked(self, row: Row) -> Row:
        require(row, self.needs())
        mask = _Mask(self.kinds, self.phone_region)
        masked = {column: mask.apply(row[column], column) for column in self.needs()}
        counts = {kind: mask.counts[kind] for kind in dict.fromkeys(self.kinds)}
        return {**row, **masked, "pii_masked": counts}


class _Mask:
    """The placeholders of one row."""

    def __init__(self, kinds: Sequence[Kind], region: str | None) -> None:
        self.counts: Counter[Kind] = Counter()
        self._kinds, self._region = kinds, region
        self._numbers: dict[Kind, dict[str, int]] = {}

    def apply(self, value: Any, column: str) -> Any:
        """The value with placeholders, in texts at any depth."""
        match value:
            case str():
                return self._replaced(value)
            case list():
                return [self.apply(inner, column) for inner in value]
            case dict():
                return {key: self.apply(inner, column) for key, inner in value.items()}
            case None | bool() | int() | float():
                return value
        raise RowError(f"column {column!r} holds a {type(value).__name__}, not text", "name columns of texts")

    def _replaced(self, text: str) -> str:
        parts: list[str] = []
        end = 0
        for span in _apart(text, spans_of(text, self._kinds, self._region)):
            parts += [text[end : span.start], self._placeholder(span)]
            end = span.end
        return "".join([*parts, text[end:]])

    def _placeholder(self, span: Span) -> str:
        self.counts[span.kind] += 1
        numbers = self._numbers.setdefault(span.kind, {})
        return f"[{span.kind.upper()}_{numbers.setdefault(span.same, len(numbers) + 1)}]"


def _apart(text: str, spans: Iterable[Span]) -> list[Span]:
    """Of spans that overlap the first one, in the order of the text."""
    is_taken, taken = bytearray(len(text)), []
    for span in spans:
        if not any(is_taken[span.start : span.end]):
            is_taken[span.start : span.end] = b"\1" * (span.end - span.start)
            taken.append(span)
    return sorted(taken, key=lambda span: span.start)
