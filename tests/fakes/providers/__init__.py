"""Servers that speak as the providers of models do: by host, with their paths, keys, refusals, limits and errors."""

from tests.fakes.providers.dialects import DIALECTS, Dialect
from tests.fakes.providers.embedders import EMBEDDERS, vector_of
from tests.fakes.providers.interception import Intercepted, intercepting
from tests.fakes.providers.refusals import BAD_KEY, NO_MODEL
from tests.fakes.providers.server import FakeProviders, Prompt

__all__ = [
    "BAD_KEY",
    "DIALECTS",
    "EMBEDDERS",
    "NO_MODEL",
    "Dialect",
    "FakeProviders",
    "Intercepted",
    "Prompt",
    "intercepting",
    "vector_of",
]
