from __future__ import annotations

from pathlib import Path

from app.handlers import previews


def test_a_preview_shows_the_rows_of_every_step(quickstart: str, tmp_path: Path) -> None:
    found = previews.preview_text(quickstart, tmp_path, rows=2)

    assert found["notice"] is None
    assert {name: len(step["rows"]) for name, step in found["steps"].items()} == dict.fromkeys(
        ["load", "answer_1", "answer_2", "answer_3", "group", "judge", "format_dpo", "keep"], 2
    )
    assert found["steps"]["judge"]["columns"][:2] == ["ratings", "rationales"]


def test_a_problem_ends_the_preview_before_its_step(quickstart: str, tmp_path: Path) -> None:
    found = previews.preview_text(quickstart.replace("aspect: overall-rating", "aspect: nonsense"), tmp_path, rows=1)

    assert list(found["steps"]) == ["load", "answer_1", "answer_2", "answer_3", "group"]


def test_what_cannot_be_previewed_says_why(tmp_path: Path) -> None:
    found = previews.preview_text("name: x", tmp_path)

    assert found["notice"]["title"] == "No steps"
    assert found["steps"] == {}


def test_rows_that_fail_are_told_with_their_reason(quickstart: str, tmp_path: Path) -> None:
    found = previews.preview_text(quickstart.replace("columns: [category,", "columns: [nonsense,"), tmp_path, rows=1)

    assert "keep" not in found["steps"] or found["steps"]["keep"]["failures"]


def test_one_step_is_tried_with_only_what_its_rows_come_from(quickstart: str, tmp_path: Path) -> None:
    broken = quickstart.replace("aspect: overall-rating", "aspect: nonsense")

    found = previews.preview_text(broken, tmp_path, "answer_1", rows=1)
    assert list(found["steps"]) == ["load", "answer_1"]

    assert "nonsense" in previews.preview_text(broken, tmp_path, "judge")["notice"]["what"]
    assert "there is no step 'gone'" in previews.preview_text(quickstart, tmp_path, "gone")["notice"]["what"]


def test_branches_are_tried_up_to_where_they_meet(quickstart: str, tmp_path: Path) -> None:
    found = previews.preview_text(quickstart, tmp_path, "group", rows=1)

    assert list(found["steps"]) == ["load", "answer_1", "answer_2", "answer_3", "group"]
