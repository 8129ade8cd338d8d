"""Texts that have to match a pattern."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from steps.errors import Complaint
from steps.extras import without_extra
from steps.patterns import fits, pattern_problem
from steps.validators.base import Validator
from steps.wording import quoted


class ValidateRegex(Validator):
    """Checks texts against a regular expression.

    `<column>_is_valid` says whether a text matches, `<column>_problem` what is wrong. The syntax is Python's; `(?i)` in front
    ignores case, `(?s)` lets a dot match line breaks. A row whose match takes longer than `timeout_s` goes to the quarantine.

    Example:
        >>> step = ValidateRegex(column="zip", pattern="[0-9]{5}")
        >>> step.process([{"zip": "1234"}])
        [{'zip': '1234', 'zip_is_valid': False, 'zip_problem': "it does not match '[0-9]{5}'"}]
    """

    pattern: str = Field(min_length=1, description="Regular expression.", examples=[r"\d{4}-\d{2}-\d{2}"])
    whole: bool = Field(default=True, description="The pattern must match the whole text, not only something in it.")
    timeout_s: float = Field(
        default=1.0,
        gt=0,
        le=60,
        title="Longest time",
        description="Most seconds for one text; longer sends it to the quarantine.",
    )

    def check(self) -> Iterable[Complaint]:
        if missing := without_extra("regex", "validators", "a pattern"):
            yield from missing
        elif problem := pattern_problem(self.pattern):
            yield f"pattern: {problem}"

    def problem(self, text: str) -> str | None:
        if fits(self.pattern, text, whole=self.whole, seconds=self.timeout_s):
            return None
        return f"it does not match {quoted(self.pattern)}" if self.whole else f"nothing in it matches {quoted(self.pattern)}"
