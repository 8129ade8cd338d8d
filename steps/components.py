"""What steps, models and routers share: a mistake in their parameters is told in words, in Python as in a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from steps.errors import PlanError, Problem


class BadParameters(PlanError, ValueError):
    """A component was made in Python with parameters that it does not have, or that do not fit."""


LOCAL_FILES: dict[str, Any] = {"local_files": True}
"""`json_schema_extra` of parameters that name files of this machine: a server that is open to everybody looks at them."""


class _Described(BaseModel):
    @classmethod
    def summary(cls) -> str:
        """First line of the docstring: what palette and forms show."""
        return (cls.__doc__ or "").strip().partition("\n")[0]


if TYPE_CHECKING:

    class Component(_Described):
        """What type checkers know of it: a model like any other."""

else:

    class _Told(type(BaseModel)):
        """`TextGeneration(llms=...)` raises BadParameters; `model_validate`, which planning uses, raises as pydantic does."""

        def __call__(cls, *values: Any, **params: Any) -> Any:
            try:
                return super().__call__(*values, **params)
            except ValidationError as error:
                raise _told(error, cls, params) from None

    class Component(_Described, metaclass=_Told):
        """A step, a model or a router."""


def _told(error: ValidationError, found: type[BaseModel], params: dict[str, Any]) -> BadParameters:
    from steps.mistakes import mistakes

    name = found.__name__
    said = mistakes(error, found, name, params, in_python=True)
    return BadParameters([Problem(code, f"{name}(...)", what, fix) for code, what, fix in said])
