"""Branches that meet."""

from __future__ import annotations

from tests.flows.describing import LOAD, only, planned, problems_of


def join(*branches: str, use: str = "CombineOutputs") -> str:
    return f"\n- {{name: join, use: {use}, after: [{', '.join(branches)}]}}"


def test_columns_of_branches_meet() -> None:
    answer = "- {name: %s, use: TextGeneration, after: load, output_mappings: {generation: %s, model_name: %s}}\n"
    steps = planned(LOAD + "\n" + answer % ("a", "x", "m") + answer % ("b", "y", "n") + join("a", "b"))

    assert steps["join"].sent == ["instruction", "x", "m", "y", "n"]
    assert {column: steps["join"].made_by[column] for column in "xy"} == {"x": "a", "y": "b"}


def test_a_step_that_joins_needs_its_columns_in_every_branch() -> None:
    text = f"""
    {LOAD}
    - {{name: a, use: TextGeneration, after: load}}
    - {{name: group, use: GroupColumns, with: {{columns: [generation]}}, after: [a, load]}}
    """

    problem = only(problems_of(text), "missing-column")

    assert "'generation' from every branch; 'load' sends none" in problem.what


def test_a_plain_step_after_several_needs_a_column_from_one_of_them() -> None:
    text = f"""
    {LOAD}
    - {{name: a, use: TextGeneration, after: load}}
    - {{name: keep, use: KeepColumns, with: {{columns: [generation, instruction]}}, after: [a, load]}}
    """

    assert problems_of(text) == []


def test_a_step_on_all_rows_inside_a_branch_cannot_be_joined(own: dict[str, str]) -> None:
    sort = f"\n- {{name: sort, use: '{own['SortRows']}', after: load}}"
    after = "\n- {name: after, use: KeepColumns, with: {columns: [instruction]}, after: sort}"

    problem = only(problems_of(LOAD + sort + after + join("after", "load")), "cannot-join")

    assert "'sort' works on all rows at once" in problem.what
    assert problem.fix == "put 'sort' before the branches part or after they meet"


def test_a_step_on_all_rows_before_the_branches_part_or_after_they_meet_is_fine(own: dict[str, str]) -> None:
    sort = "\n- {name: %s, use: '" + own["SortRows"] + "', after: %s}"
    branch = "\n- {name: branch, use: KeepColumns, with: {columns: [instruction]}, after: sort}"

    text = LOAD + sort % ("sort", "load") + branch + join("branch", "sort") + sort % ("end", "join")

    assert problems_of(text) == []


def test_only_the_step_that_parts_the_branches_is_named(own: dict[str, str]) -> None:
    sort = "\n- {name: %s, use: '" + own["SortRows"] + "', after: %s}"

    text = LOAD + sort % ("first", "load") + sort % ("second", "first") + join("first", "second")

    assert "'second' works on all rows" in only(problems_of(text), "cannot-join").what


def test_rows_of_separate_sources_are_matched_by_position() -> None:
    text = LOAD + LOAD.replace("load", "other").replace("-", "\n-", 1) + join("load", "other")
    text += "\n- {name: again, use: CombineOutputs, after: [join, load]}"

    assert problems_of(text) == []


def test_a_step_on_all_rows_between_a_source_and_another_ones_rows_cannot_be_joined(own: dict[str, str]) -> None:
    other = LOAD.replace("load", "other").replace("-", "\n-", 1)
    sort = f"\n- {{name: sort, use: '{own['SortRows']}', after: load}}"
    later = f"\n- {{name: later, use: '{own['SortRows']}', after: join}}"

    problem = only(problems_of(LOAD + other + sort + join("sort", "other") + later), "cannot-join")

    assert "'sort' works on all rows at once" in problem.what
