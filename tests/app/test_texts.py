from __future__ import annotations

import pytest

from app.context import AppContext
from app.handlers import drafts, texts
from app.handlers.drafts import CannotEdit, new_draft
from app.handlers.texts import Language, TextState
from flows.spec import read_spec


def rows(state: TextState) -> dict[str, list[str]]:
    return {row["title"]: row["texts"] for section in state["sections"] for row in section["rows"]}


def test_changes_are_told_by_step_with_their_number(quickstart: str) -> None:
    edited = quickstart.replace("overall-rating", "honesty").replace("name: keep\n", "name: kept\n")

    state = texts.state_of(new_draft(quickstart), "yaml", edited)

    assert (state["isChanged"], state["count"], state["why_not"]) == (True, 2, "")
    assert rows(state) == {"judge": ["aspect overall-rating to honesty"], "kept": ["renamed, was keep"]}


def test_problems_that_an_edit_makes_or_mends_are_told(quickstart: str) -> None:
    broken = quickstart.replace("columns: [generation, model_name]", "columns: [model_name]").replace(
        "output_columns: [generations, generation_models]", "output_columns: [generation_models]"
    )

    made = texts.state_of(new_draft(quickstart), "yaml", broken)
    mended = texts.state_of(new_draft(broken), "yaml", quickstart)

    assert any("made" in title for title in rows(made))
    fixed = rows(mended)
    assert any(title.endswith("fixed") for title in fixed)
    assert any("'generations'" in text for texts in fixed.values() for text in texts)
    assert made["why_not"] == mended["why_not"] == ""


def test_an_untouched_text_is_applied_and_has_nothing_to_say(quickstart: str) -> None:
    draft = new_draft(quickstart)
    for language, (text, state) in texts.texts_of(drafts.view(draft)).items():
        assert state == texts.state_of(draft, language, text)
        assert (state["isChanged"], state["count"], state["diff"], state["problems"]) == (False, 0, [], [])
        assert state["why_not"] == "Nothing was changed"


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("yaml", "steps: [", "line 2, column 1"),
        ("python", "load = = 1", "line 1, column"),
        ("yaml", "- a", "mapping with `steps`"),
    ],
)
def test_a_text_that_is_no_pipeline_cannot_be_applied_and_says_where(
    quickstart: str, language: Language, text: str, said: str
) -> None:
    draft = new_draft(quickstart)

    state = texts.state_of(draft, language, text)

    assert "no pipeline yet" in state["why_not"]
    assert said in state["problems"][0]["what"]
    assert state["problems"][0]["fix"]
    with pytest.raises(CannotEdit):
        texts.applied(draft, language, text)


def test_a_pipeline_with_problems_can_be_applied_as_yaml_and_undone(quickstart: str) -> None:
    draft = new_draft(quickstart)
    text = quickstart.replace("aspect: overall-rating", "aspect: nonsense")

    after = texts.applied(draft, "yaml", text)

    assert after["text"] == text
    assert drafts.view(after)["problems"][0]["step"] == "judge"
    assert drafts.undo(after)["text"] == quickstart
    assert after["undo"][-1][0] == "edit of the YAML"


def test_python_is_applied_as_yaml_and_the_opening_comment_stays(quickstart: str) -> None:
    draft = new_draft(quickstart)
    code = texts.texts_of(drafts.view(draft))["python"][0]

    after = texts.applied(draft, "python", code.replace("overall-rating", "honesty"))

    assert after["text"].startswith("# Preference data")
    assert read_spec(after["text"])[0].step("judge").params["aspect"] == "honesty"
    assert [change for change, _ in after["undo"]] == ["edit of the Python"]
    assert texts.state_of(draft, "python", code.replace("overall-rating", "honesty"))["count"] == 1


def test_python_that_makes_the_same_pipeline_leaves_the_yaml_and_its_comments_alone(quickstart: str) -> None:
    draft = new_draft(quickstart)
    code = "# mine\n" + texts.texts_of(drafts.view(draft))["python"][0]

    assert texts.applied(draft, "python", code) == draft
    assert "stays the same" in texts.state_of(draft, "python", code)["why_not"]


def test_comments_of_the_yaml_can_be_applied(quickstart: str) -> None:
    state = texts.state_of(new_draft(quickstart), "yaml", quickstart + "# mine\n")

    assert (state["isChanged"], state["count"], state["why_not"]) == (True, 0, "")


def test_what_python_would_lose_is_not_applied(quickstart: str) -> None:
    draft = new_draft(quickstart)
    code = texts.texts_of(drafts.view(draft))["python"][0].replace('name="judge",', 'name="judge", batch_size=0,')

    state = texts.state_of(draft, "python", code)

    assert "would be lost" in state["why_not"]
    with pytest.raises(CannotEdit, match="batch_size"):
        texts.applied(draft, "python", code)


def test_a_draft_that_is_no_pipeline_has_no_python_and_says_why() -> None:
    draft = new_draft("steps: [unclosed")

    text, state = texts.texts_of(drafts.view(draft))["python"]

    assert text == ""
    assert "not YAML" in state["problems"][0]["what"]
    code = 'from flows import Pipeline\nwith Pipeline("p"):\n    X(name="x")\n'
    assert "name: x" in texts.applied(draft, "python", code)["text"]


def test_an_empty_draft_takes_a_first_text() -> None:
    state = texts.state_of(new_draft(), "yaml", "steps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{a: 1}]}}\n")

    assert state["count"] == 1
    assert rows(state) == {"load": ["added: LoadDataFromDicts"]}
    assert [line["kind"] for line in state["diff"]] == ["added", "added"]


def test_what_earlier_runs_leave_to_do_is_told_before_applying(ctx: AppContext) -> None:
    text = (ctx.store.get("sample-1").path / "pipeline.yaml").read_text()
    edited = text.replace("reply: answer", "reply: answer\n      recorded_model: other")
    assert edited != text

    state = texts.state_of(new_draft(text), "yaml", edited, ctx.store)

    assert state["sections"][-1]["title"] == "After applying"
    told = {row["title"]: row["texts"] for row in state["sections"][-1]["rows"]}
    assert told["1 step kept"] == ["load: taken over from earlier runs, at no cost"]
    assert told["2 steps to run again"][0].startswith("answer, chat")
