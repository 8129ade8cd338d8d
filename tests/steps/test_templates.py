"""Templates that only insert columns are filled in without Jinja; they must say what Jinja would say."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from steps import templates
from steps.errors import RowError

JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
ROW: dict[str, Any] = {
    "a": "x {{ b }}",
    "b": None,
    "n": 1.50,
    "tags": ["p", "q"],
    "range": "ours",
    "self_": {"k": 1},
    "empty": "",
}
SIMPLE = [
    "{{ a }}",
    "{{a}}{{   b   }}",
    "n is {{ n }},\n tags {{ tags }}\n",
    "{{ range }} and {{ self_ }}",
    "{{\na\n}}",
    "no column",
    "} } {{ empty }} {",
    "",
]
JINJA_ONLY = [
    "{{ a | upper }}",
    "{% if b %}1{% endif %}",
    "{# note #}{{ a }}",
    "{{ tags[0] }}",
    "{{ none }}",
    "{{ True }}",
    "{{- a }}",
    "a\r\nb",
]


@pytest.mark.parametrize("source", SIMPLE + JINJA_ONLY)
def test_a_template_is_filled_in_as_jinja_does_it(source: str) -> None:
    assert templates.compile_template(source)(ROW) == JINJA.from_string(source).render(ROW)


@pytest.mark.parametrize("source", SIMPLE)
def test_a_template_that_only_inserts_needs_no_jinja(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "_environment", None)

    templates.compile_template(source)(ROW)
    assert templates.template_problem(source) is None
    assert templates.template_columns(source) <= ROW.keys()


@pytest.mark.parametrize("source", ["{{ missing }}", "{{ a }} {{ missing }}"])
def test_a_row_without_the_column_says_so(source: str) -> None:
    with pytest.raises(RowError, match="missing"):
        templates.compile_template(source)(ROW)


def test_a_template_that_is_not_closed_is_a_problem() -> None:
    assert templates.template_problem("{{ a ") is not None
