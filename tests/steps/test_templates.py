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


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ a | lenght }}", "there is no filter 'lenght'. Did you mean 'length'?"),
        ("{{ a }}\n{{ b | nope }}", "there is no filter 'nope'."),
        ("{% if a is strng %}x{% endif %}", "there is no test 'strng'. Did you mean 'string'?"),
        ("{{ sorted(tags) }}", "there is no function 'sorted'; there are filters: tags|sort"),
        ("{{ " + "(" * 5000, "it has too many brackets"),
    ],
)
def test_what_no_template_knows_is_told_before_the_run(template: str, said: str) -> None:
    assert templates.template_problem(template) == said


def test_functions_that_a_template_knows_may_be_called() -> None:
    template = "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice(n) }}{{ range(2) | list }}{{ a.upper() }}"

    assert templates.template_problem(template) is None


HUGE = [
    "9 ** (9 ** 9)",
    "'a' * 3000000000",
    "3000000000 * [1]",
    "'%3000000000d' % 1",
    "'%*d' % (3000000000, 1)",
    "2 ** 9000 * 2 ** 9000",
]


@pytest.mark.parametrize("sum_", HUGE)
def test_a_sum_that_would_take_all_time_or_memory_is_refused(sum_: str) -> None:
    assert templates.condition_problem(f"n > {sum_}") is None  # it is looked at, not worked out

    for work_out in (templates.compile_condition(f"{sum_} == n"), templates.compile_template(f"{{{{ {sum_} }}}}")):
        with pytest.raises(RowError, match="would be too large"):
            work_out(ROW)


@pytest.mark.parametrize(
    ("sum_", "made"),
    [("2 ** 10", "1024"), ("'-' * 3", "---"), ("'%05.1f' % n", "001.5"), ("7 % 4", "3"), ("n * 2", "3.0"), ("2 ** -1", "0.5")],
)
def test_usual_sums_are_worked_out(sum_: str, made: str) -> None:
    assert templates.compile_template(f"{{{{ {sum_} }}}}")(ROW) == made
