"""Stand-ins for steps that cannot be made as they are written: columns are followed through them all the same.

What is wrong with one parameter hides no missing column, at this step or after it. Where that parameter might decide over the
columns, nothing is said about them: it would only follow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from steps.base import BaseStep
from steps.models import models_of
from steps.tasks.base import Task
from steps.wording import nearest

_NEEDS = ("needs",)
_SENDS = ("makes", "columns_after", "columns", "columns_joined")
_PLAIN = ("steps.base", "steps.tasks.base", "steps.tasks.generator", "steps.tasks.global_task")
"""Where these methods say what the class declares, whatever its parameters are."""
_RAW = {"add_raw_input", "add_raw_output"}
"""The parameters of every task that add a column."""


class StandIn(NamedTuple):
    """A step without the parameters that are wrong, or as far as it can be made without them."""

    step: BaseStep
    models: Collection[str]
    """Parameters that hold a model as it was given."""
    sends: bool
    """Whether it is known which columns leave it."""


def stand_in(found: type[BaseStep], given: Mapping[str, Any], error: ValidationError) -> StandIn | None:
    """What stands in for the step of this class that could not be made; None where not even its needs are known."""
    wrong = {str(detail["loc"][0]) if detail["loc"] else "" for detail in error.errors()}
    meant = {name if name in found.model_fields else nearest(name, found.model_fields) or name for name in wrong}
    if not _are_known(found, _NEEDS, meant):
        return None
    sends = _are_known(found, _SENDS, meant)
    try:
        made = found.model_validate({name: value for name, value in given.items() if name not in wrong})
    except ValidationError:  # what is missing has no default
        placement = {name: given[name] for name in BaseStep.model_fields.keys() & given.keys() - wrong}
        return StandIn(found.model_construct(**dict(BaseStep.model_validate(placement))), (), sends)
    return StandIn(made, models_of(found).keys() - wrong, sends)


def _are_known(found: type[BaseStep], methods: Collection[str], wrong: Collection[str]) -> bool:
    """Whether these methods say the same whatever the parameters are that are wrong."""
    if all(getattr(found, name).__module__ in _PLAIN for name in methods if hasattr(found, name)):
        return True
    of_no_account = {*models_of(found), *(Task.model_fields.keys() - _RAW if issubclass(found, Task) else ())}
    return set(wrong) <= of_no_account
