from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from steps.sources.data_sampler import DataSampler

NUMBERS = [{"n": n, "text": str(n)} for n in range(30)]


@given(seed=st.integers(), size=st.integers(1, 40), samples=st.integers(1, 20))
def test_each_row_holds_lists_of_what_was_drawn(seed: int, size: int, samples: int) -> None:
    rows = list(DataSampler(data=NUMBERS, size=size, samples=samples, seed=seed).generate())

    assert len(rows) == samples
    for row in rows:
        assert list(row) == ["n", "text"]
        assert [str(n) for n in row["n"]] == row["text"]
        assert len(row["n"]) == size
        assert size > len(NUMBERS) or len(set(row["n"])) == size


def test_the_seed_alone_says_what_is_drawn() -> None:
    first, again = (list(DataSampler(data=NUMBERS, samples=50).generate()) for _ in range(2))

    assert first == again
    assert list(DataSampler(data=NUMBERS, samples=50, seed=7).generate()) != first


def test_more_samples_leave_the_first_ones_as_they_were() -> None:
    few, many = (list(DataSampler(data=NUMBERS, samples=samples).generate()) for samples in (5, 500))

    assert many[:5] == few


def test_it_draws_from_all_of_the_data() -> None:
    drawn = {n for row in DataSampler(data=NUMBERS, samples=200).generate() for n in row["n"]}

    assert drawn == set(range(30))


def test_a_row_without_a_column_leaves_the_lists_as_long_as_each_other() -> None:
    [row] = DataSampler(data=[{"a": 1}, {"a": 2, "b": "x"}], size=2, samples=1, seed=1).generate()

    assert sorted(zip(row["a"], row["b"], strict=True)) == [(1, None), (2, "x")]


def test_rows_and_columns_are_known_beforehand() -> None:
    sampler = DataSampler(data=[{"a": 1}, {"b": 2}], samples=3)

    assert (sampler.count(), sampler.columns()) == (3, ["a", "b"])


def test_nothing_to_draw_from_is_a_mistake_and_makes_no_rows() -> None:
    sampler = DataSampler()

    assert (list(sampler.generate()), sampler.count(), sampler.columns()) == ([], 0, None)
    assert list(sampler.check()) == [("`data` has no rows to draw from", "write the rows there")]
