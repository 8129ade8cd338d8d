"""The catalogue: every step, model and router, from docstrings and schemas, for command line, app and docs/catalogue."""

from flows.catalogue.describing import (
    GROUPS,
    HEADINGS,
    describe,
    describe_all,
    groups_of,
    heading_of,
    in_group,
    other_columns,
)
from flows.catalogue.docstrings import Paper, read_docstring
from flows.catalogue.entries import Entry, Parameter
from flows.catalogue.examples import example_params
from flows.catalogue.parameters import default_of, type_name
from flows.catalogue.searching import near_word, search

__all__ = [
    "GROUPS",
    "HEADINGS",
    "Entry",
    "Paper",
    "Parameter",
    "default_of",
    "describe",
    "describe_all",
    "example_params",
    "groups_of",
    "heading_of",
    "in_group",
    "near_word",
    "other_columns",
    "read_docstring",
    "search",
    "type_name",
]
