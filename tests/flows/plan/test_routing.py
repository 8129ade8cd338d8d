"""Routers."""

from __future__ import annotations

import pytest

from tests.flows.describing import LOAD, codes_of, only, problems_of

TWO = LOAD + "".join(f"\n- {{name: {name}, use: TextGeneration, after: load}}" for name in "ab")


@pytest.mark.parametrize(
    ("routing", "code", "what"),
    [
        ("load: {use: sample_n_step, with: {n: 1}}", "unknown-router", "Did you mean 'sample_n_steps'?"),
        ("load: {use: sample_n_steps}", "bad-routing", "sample_n_steps needs `n`"),
        ("load: {use: sample_n_steps, with: {n: 0}}", "bad-routing", "`n`: should be greater than or equal to 1; seen 0"),
        ("load: {use: sample_n_steps, with: {n: 1, m: 1}}", "bad-routing", "has no parameter 'm'"),
        ("load: {use: sample_n_steps, with: {n: 3}}", "bad-routing", "only 2 follow"),
        ("a: {use: sample_n_steps, with: {n: 1}}", "bad-routing", "there are none"),
        ("laod: {use: sample_n_steps, with: {n: 1}}", "unknown-step", "Did you mean 'load'?"),
        ("load: {with: {n: 1}}", "bad-value", "`routing.load.use`"),
    ],
)
def test_routing_that_cannot_be_followed(routing: str, code: str, what: str) -> None:
    assert what in only(problems_of(TWO, more=f"routing: {{{routing}}}"), code).what


def test_a_router_counts_steps_that_could_not_be_made() -> None:
    text = TWO.replace("name: b, use: TextGeneration", "name: b, use: TextGenration")

    assert codes_of(text, more="routing: {load: {use: sample_n_steps, with: {n: 2}}}") == [("b", "unknown-step")]


def test_a_router_that_is_no_router(own: dict[str, str]) -> None:
    found = problems_of(TWO, more=f"routing: {{load: {{use: '{own['SortRows']}'}}}}")

    assert "is not a router" in only(found, "unknown-router").what
