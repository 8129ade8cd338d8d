"""The router after a step, chosen in the form."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.handlers.changes import change_from
from app.handlers.drafts import CannotEdit, Draft, new_draft, view
from app.handlers.edits import enter
from app.handlers.fields import FormField
from app.handlers.forms import step_form
from flows.spec import RouterSpec, read_spec

ROUTING = (Path(__file__).parents[2] / "examples" / "routing.yaml").read_text()


def routing_of(draft: Draft) -> dict[str, RouterSpec]:
    return read_spec(draft["text"])[0].routing


def fields_of(draft: Draft, step: str) -> list[FormField]:
    form = step_form(draft, step)
    assert form is not None
    return form.part("router")


def changed(draft: Draft, **told: object) -> Draft:
    return change_from(told).on(draft)


def test_a_step_with_several_next_ones_says_who_gets_a_batch() -> None:
    draft = new_draft(ROUTING)

    choice, count = fields_of(draft, "load")

    assert (choice.shown, [value for _, value in choice.choices]) == ("sample_n_steps", ["", "sample_n_steps"])
    assert (count.path, count.shown, count.minimum) == (("router", "with", "n"), 2, 1)
    assert {card["name"]: card["router"] for card in view(draft)["steps"]}["load"] == "2 of 3"
    assert fields_of(draft, "model_a") == []


def test_a_router_is_left_out_chosen_and_set() -> None:
    every = changed(new_draft(ROUTING), do="choose-router", step="load", name="")
    assert routing_of(every) == {}
    [choice] = fields_of(every, "load")
    assert choice.shown == ""

    one = changed(every, do="choose-router", step="load", name="sample_n_steps")
    assert routing_of(one)["load"].params == {"n": 1}

    two = enter(one, "load", fields_of(one, "load")[1], 2)
    assert routing_of(two) == routing_of(new_draft(ROUTING))
    assert changed(two, do="undo")["text"] == one["text"]


def test_what_is_no_router_is_refused() -> None:
    with pytest.raises(CannotEdit, match="no router"):
        changed(new_draft(ROUTING), do="choose-router", step="load", name="TextGeneration")
    with pytest.raises(CannotEdit, match="no step"):
        changed(new_draft(ROUTING), do="choose-router", step="nobody", name="sample_n_steps")


@pytest.mark.parametrize("steps", [["model_b", "model_c"], ["load"]])
def test_a_router_goes_where_there_is_nothing_left_to_choose(steps: list[str]) -> None:
    draft = changed(new_draft(ROUTING), do="remove", steps=steps)

    assert routing_of(draft) == {}
    assert routing_of(changed(draft, do="undo")) == routing_of(new_draft(ROUTING))


def test_a_router_stays_while_two_steps_come_next() -> None:
    draft = changed(new_draft(ROUTING), do="disconnect", source="load", target="model_c")
    assert routing_of(draft)["load"].params == {"n": 2}

    assert routing_of(changed(draft, do="disconnect", source="load", target="model_b")) == {}


def test_a_router_that_is_not_installed_is_shown_and_can_be_replaced() -> None:
    draft = new_draft(ROUTING.replace("sample_n_steps", "acme.routers:by_length"))

    [choice] = fields_of(draft, "load")

    assert (choice.shown, choice.info) == ("acme.routers:by_length", "It is not installed here.")
    assert routing_of(changed(draft, do="choose-router", step="load", name="sample_n_steps"))["load"].params == {"n": 2}
