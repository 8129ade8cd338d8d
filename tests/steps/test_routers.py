from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from steps import registry
from steps.components import BadParameters
from steps.errors import RunError
from steps.routers import router, sample_n_steps

STEPS = ["a", "b", "c", "d"]


@router
def by_turns(steps: Sequence[str], batch_number: int, rng: Random, every: int = 1) -> list[str]:
    """Gives the batches to the steps in turn."""
    return [steps[batch_number // every % len(steps)]]


@router
def astray(steps: Sequence[str], batch_number: int, rng: Random, to: str) -> list[str]:
    return [to] if to else []


@pytest.mark.parametrize("n", [1, 2, 4])
def test_n_steps_are_drawn_in_their_order(n: int) -> None:
    chosen = sample_n_steps(n).choose(STEPS, 0, Random(3))

    assert len(chosen) == n
    assert chosen == sorted(chosen)


def test_all_steps_get_their_share() -> None:
    rng = Random(0)
    drawn = [step for batch in range(400) for step in sample_n_steps(2).choose(STEPS, batch, rng)]

    assert all(150 < drawn.count(step) < 250 for step in STEPS)


def test_the_same_chance_draws_the_same_steps() -> None:
    assert sample_n_steps(2).choose(STEPS, 5, Random(1)) == sample_n_steps(2).choose(STEPS, 5, Random(1))


def test_drawing_more_steps_than_there_are_is_reported() -> None:
    [sentence] = sample_n_steps(3).check(["a", "b"])

    assert "only 2 follow" in sentence
    assert list(sample_n_steps(2).check(["a", "b"])) == []


def test_drawing_no_steps_is_refused() -> None:
    with pytest.raises(BadParameters, match="greater than or equal to 1"):
        sample_n_steps(0)


def test_a_router_can_be_made_from_its_name_and_parameters() -> None:
    made = sample_n_steps(2)

    assert (made.name, made.params) == ("sample_n_steps", {"n": 2})
    assert registry.resolve(made.name, "routers").model_validate(made.params) == made  # type: ignore[attr-defined]


def test_a_function_becomes_a_router_with_its_own_parameters() -> None:
    made = by_turns(every=2)

    assert [made.choose(["a", "b"], batch, Random(0)) for batch in range(5)] == [["a"], ["a"], ["b"], ["b"], ["a"]]
    assert made.params == {"every": 2}
    assert made.name.endswith("test_routers:by_turns")


def test_a_parameter_that_a_function_does_not_have_is_refused() -> None:
    with pytest.raises(BadParameters, match="has no parameter 'each'"):
        by_turns(each=2)


@pytest.mark.parametrize(("to", "what"), [("z", "'z'"), ("", "no step")])
def test_a_choice_that_leads_nowhere_is_an_error(to: str, what: str) -> None:
    with pytest.raises(RunError, match=f"'astray' chose {what}"):
        astray(to=to).choose(STEPS, 0, Random(0))
