"""The catalogue: every step, model and router, from docstrings and schemas, for command line, app and docs/catalogue."""

from flows.catalogue.describing import GROUPS, HEADINGS, describe, describe_all, heading_of, other_columns
from flows.catalogue.docstrings import Paper, read_docstring
from flows.catalogue.examples import example_params
from flows.catalogue.parameters import default_of, type_name
from flows.catalogue.searching import near_word, search

__all__ = [
    "GROUPS",
    "HEADINGS",
    "Paper",
    "default_of",
    "describe",
    "describe_all",
    "example_params",
    "heading_of",
    "near_word",
    "other_columns",
    "read_docstring",
    "search",
    "type_name",
]
