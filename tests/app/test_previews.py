from __future__ import annotations

from pathlib import Path

from app.handlers import drafts, previews


def test_a_preview_shows_the_rows_of_every_step(quickstart: str, tmp_path: Path) -> None:
    found = previews.preview_draft(drafts.new_draft(quickstart), tmp_path, rows=2)

    assert found["notice"] is None
    assert {name: len(step["rows"]) for name, step in found["steps"].items()} == dict.fromkeys(
        ["load", "answer_1", "answer_2", "answer_3", "group", "judge", "format_dpo", "keep"], 2
    )
    assert found["steps"]["judge"]["columns"][:2] == ["ratings", "rationales"]


def test_a_problem_ends_the_preview_before_its_step(quickstart: str, tmp_path: Path) -> None:
    found = previews.preview_draft(
        drafts.new_draft(quickstart.replace("aspect: overall-rating", "aspect: nonsense")), tmp_path, rows=1
    )

    assert list(found["steps"]) == ["load", "answer_1", "answer_2", "answer_3", "group"]


def test_what_cannot_be_previewed_says_why(tmp_path: Path) -> None:
    found = previews.preview_draft(drafts.new_draft("name: x"), tmp_path)

    assert found["notice"]["title"] == "No steps"
    assert found["steps"] == {}


def test_rows_that_fail_are_told_with_their_reason(quickstart: str, tmp_path: Path) -> None:
    found = previews.preview_draft(
        drafts.new_draft(quickstart.replace("columns: [category,", "columns: [nonsense,")), tmp_path, rows=1
    )

    assert "keep" not in found["steps"] or found["steps"]["keep"]["failures"]
