"""A person who does not exist."""

from __future__ import annotations

import re
import threading
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, Literal

from pydantic import Field

from steps.base import Row
from steps.errors import Complaint, RowError
from steps.extras import extra, without_extra
from steps.samplers.base import Sampler
from steps.wording import did_you_mean, listed

FIELDS = (
    "first_name",
    "last_name",
    "name",
    "sex",
    "age",
    "birth_date",
    "email",
    "phone",
    "street",
    "city",
    "postcode",
    "country",
    "job",
)
_FAMILY_FIRST = {"hu": " ", "ja": " ", "vi": " ", "ko": "", "zh": ""}
"""Languages that put the family name first, and what stands between the names."""


class SamplePerson(Sampler):
    """Adds a made-up person: name, sex, age, e-mail, address, job.

    What can fit together does: the name fits the sex, the day of birth the age, the e-mail the name. The rest is drawn alone:
    city and postcode need not match, nor age and job. Nobody real is meant; e-mails end in domains that belong to nobody.
    Another version of the package Faker may draw others. Templates write `{{ person.first_name }}`. Equal rows draw equally:
    number them (`NumberedRows`).

    Example:
        >>> [row] = SamplePerson(locale="de_DE", sex="female", youngest=30, oldest=30).process([{"number": 1}])
        >>> row["person"]["sex"], row["person"]["age"], row["person"]["country"]
        ('female', 30, 'Germany')
    """

    column: str = Field(default="person", min_length=1, description="Column that gets the person.")
    locale: str = Field(
        default="en_US", pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$", description="Language and country of names and addresses: de_DE."
    )
    sex: Literal["any", "female", "male"] = Field(default="any", description="Draw women, men, or both equally often.")
    youngest: int = Field(default=18, ge=0, le=120, description="Least age in years; all ages are drawn equally often.")
    oldest: int = Field(default=90, ge=0, le=120, description="Greatest age.")
    today: str = Field(
        default="2026-01-01", description="Day on which they are that old. Fixed, so that a later run makes the same persons."
    )
    flat: bool = Field(
        default=False, description="Give each field a column of its own, such as `person_age`, instead of one for all."
    )

    def makes(self) -> list[str]:
        return [f"{self.column}_{field}" for field in FIELDS] if self.flat else [self.column]

    def columns_of(self, value: Any) -> Row:
        return {f"{self.column}_{field}": value[field] for field in FIELDS} if self.flat else {self.column: value}

    def check(self) -> Iterable[Complaint]:
        yield from without_extra("faker", "samplers", "a made-up person")
        if (known := _locales()) and self.locale not in known:
            yield f"locale: there are no names for {self.locale!r}, but for {listed(known)}.{did_you_mean(self.locale, known)}"
        if self.youngest > self.oldest:
            yield f"youngest: {self.youngest} is more than `oldest`, {self.oldest}", "swap them"
        try:
            date.fromisoformat(self.today)
        except ValueError:
            yield f"today: {self.today!r} is no date", "write 2026-01-31"

    def load(self) -> None:
        _faker(self.locale)

    def draw(self, row: Row, rng: Random) -> Row:
        fake = _faker(self.locale)
        fake.seed_instance(rng.getrandbits(64))
        sex = self.sex if self.sex != "any" else rng.choice(["female", "male"])
        first, last = _made(fake, f"first_name_{sex}"), _made(fake, f"last_name_{sex}")
        age = rng.randint(self.youngest, max(self.youngest, self.oldest))
        return {
            "first_name": first,
            "last_name": last,
            "name": _full_name(first, last, self.locale),
            "sex": sex,
            "age": age,
            "birth_date": self._born(age, rng),
            "email": _email(first, last, rng),
            "phone": _made(fake, "phone_number"),
            "street": _made(fake, "street_address"),
            "city": _made(fake, "city"),
            "postcode": _made(fake, "postcode"),
            "country": _made(fake, "current_country"),
            "job": _made(fake, "job"),
        }

    def _born(self, age: int, rng: Random) -> str:
        """A day of birth that makes this age."""
        try:
            last = _years_before(date.fromisoformat(self.today), age)
            first = _years_before(last, 1) + timedelta(days=1)
        except ValueError as error:  # `check` says so before a run
            raise RowError(f"{self.today!r} is no day on which somebody is {age} years old", "change `today`") from error
        return date.fromordinal(rng.randint(first.toordinal(), last.toordinal())).isoformat()


_MINE = threading.local()
"""Fakers by locale, for each thread: they are seeded for each row, so two threads must not share one."""


def _faker(locale: str) -> Any:
    fakers = _MINE.__dict__
    if locale not in fakers:
        fakers[locale] = extra("faker", "samplers", "a made-up person").Faker(locale)
    return fakers[locale]


def _locales() -> list[str]:
    """Locales with names of their own. Looks at folders: importing the package takes a second."""
    found = find_spec("faker")
    if found is None or found.origin is None:
        return []
    return sorted(path.parent.name for path in Path(found.origin).parent.glob("providers/person/*/__init__.py"))


def _made(fake: Any, what: str) -> Any:
    """A field, or None where the locale has none."""
    try:
        return getattr(fake, what)()
    except (AttributeError, ValueError):
        return None


def _full_name(first: str, last: str, locale: str) -> str:
    language = locale.partition("_")[0]
    return f"{last}{_FAMILY_FIRST[language]}{first}" if language in _FAMILY_FIRST else f"{first} {last}"


def _email(first: str, last: str, rng: Random) -> str:
    from faker.decode import unidecode  # writes any script in Latin letters

    names = [re.sub(r"[^a-z0-9]+", "", unidecode(name).lower()) for name in (first, last)]
    return f"{'.'.join(filter(None, names))}{rng.randint(1, 99)}@example.{rng.choice(['com', 'net', 'org'])}"


def _years_before(day: date, years: int) -> date:
    year = day.year - years
    return day.replace(year=year, day=min(day.day, monthrange(year, day.month)[1]))
