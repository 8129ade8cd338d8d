from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from steps.errors import RunError
from steps.samplers.sample_person import FIELDS, SamplePerson, _locales
from tests.steps.samplers.drawing import complaints, drawn, numbered


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


@pytest.mark.parametrize("today", ["2026-01-01", "2024-02-29", "2025-12-31"])
def test_what_is_said_of_a_person_fits_together(today: str) -> None:
    for person in drawn(SamplePerson(youngest=20, oldest=40, today=today), 300):
        assert list(person) == list(FIELDS)
        assert person["name"] == f"{person['first_name']} {person['last_name']}"
        assert person["email"].startswith(f"{person['first_name']}.{person['last_name']}".lower().replace("'", ""))
        assert person["email"].rpartition("@")[2] in ("example.com", "example.net", "example.org")
        assert 20 <= person["age"] <= 40
        assert _age(date.fromisoformat(person["birth_date"]), date.fromisoformat(today)) == person["age"]


def test_women_and_men_are_drawn_as_wished() -> None:
    assert {person["sex"] for person in drawn(SamplePerson(), 50)} == {"female", "male"}
    assert {person["sex"] for person in drawn(SamplePerson(sex="male"), 50)} == {"male"}


@pytest.mark.parametrize(("locale", "between"), [("ja_JP", " "), ("zh_CN", ""), ("hu_HU", " ")])
def test_the_family_name_stands_where_the_language_puts_it(locale: str, between: str) -> None:
    [person] = drawn(SamplePerson(locale=locale), 1)

    assert person["name"] == f"{person['last_name']}{between}{person['first_name']}"
    assert person["email"].isascii()


@pytest.mark.filterwarnings("ignore:.*locale is deprecated")
def test_every_locale_has_persons_with_all_fields() -> None:
    for locale in _locales():
        [person] = drawn(SamplePerson(locale=locale), 1)

        assert complaints(SamplePerson(locale=locale)) == ""
        assert person["first_name"]
        assert person["email"].split("@")[0][:-2].strip("."), locale
        assert list(person) == list(FIELDS)


def test_fields_may_have_columns_of_their_own() -> None:
    step = SamplePerson(column="buyer", flat=True)

    [row] = step.process([{"number": 1}])

    assert list(row) == ["number", *step.makes()]
    assert step.makes()[:2] == ["buyer_first_name", "buyer_last_name"]


def test_threads_do_not_disturb_each_other() -> None:
    step, rows = SamplePerson(), numbered(200)
    expected = step.process(rows)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(step.process, [rows] * 8)) == [expected] * 8


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"locale": "de_EN"}, "no names for 'de_EN'"),
        ({"youngest": 30, "oldest": 20}, "youngest: 30 is more than `oldest`, 20"),
        ({"today": "now"}, "today: 'now' is no date"),
    ],
)
def test_parameters_that_make_no_person_are_told(params: dict[str, Any], said: str) -> None:
    assert said in complaints(SamplePerson(**params))


def test_a_locale_is_no_path() -> None:
    with pytest.raises(ValueError, match="locale"):
        SamplePerson(locale="../en_US")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", None)

    with ThreadPoolExecutor(1) as pool, pytest.raises(RunError, match="a made-up person needs `faker`") as caught:
        pool.submit(SamplePerson().load).result()

    assert caught.value.fix == "pip install 'distilflow[samplers]'"
