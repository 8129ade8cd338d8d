"""Parameters that the classes of all providers have, each described by the provider's row."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from steps.providers import Provider
from steps.secrets import TRANSPORT


def model_field(provider: Provider, *, vectors: bool = False) -> Any:
    """The parameter that says which model; `vectors`: one that turns texts into them."""
    about = f"Model at {provider.title}" + (f": {provider.models}." if provider.models else ".")
    example = provider.embeds.example if vectors and provider.embeds is not None else provider.example
    return Field(min_length=1, description=about, examples=[example])


def address_field(provider: Provider) -> Any:
    """The parameter that says where, for whoever has a proxy or a server of their own."""
    variable = f"${provider.address_variable}" if provider.address_variable else ""
    usual = provider.address + provider.path if provider.address else ""
    otherwise = " or else ".join(part for part in (variable, usual) if part)
    return Field(default=None, description=f"Address of the API. Empty for {otherwise}.")


def key_field(provider: Provider) -> Any:
    """The parameter that says which key."""
    variables = " or ".join(f"${name}" for name in provider.key_variables)
    return Field(
        default=None,
        description="${NAME} of the variable that holds the key, or a list of them: each key has limits of its own, and all "
        f"are used. Empty for {variables}" + ("." if provider.needs_key else ", or none."),
        json_schema_extra={"writeOnly": True, **TRANSPORT},
    )
