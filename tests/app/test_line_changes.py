from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.handlers import drafts, texts
from app.handlers.line_changes import LONG, MOST_SHOWN, line_changes
from flows.spec.lines import step_lines

texts_of_lines = st.lists(st.sampled_from(["a", "b", "c", "", " d"]), max_size=40).map("\n".join)


def test_steps_that_stay_are_one_line(quickstart: str) -> None:
    after = quickstart.replace("overall-rating", "honesty")

    lines = line_changes(quickstart, after, step_lines(after))

    assert [line["text"] for line in lines if line["kind"] == "fold"] == [
        "load … group, 5 steps unchanged",
        "format_dpo … keep, 2 steps unchanged",
    ]
    assert [line["text"].strip() for line in lines if line["kind"] == "removed"] == ["aspect: overall-rating"]
    [added] = [line for line in lines if line["kind"] == "added"]
    assert (added["text"].strip(), after.splitlines()[added["number"] - 1]) == ("aspect: honesty", added["text"])  # type: ignore[operator]


def test_python_is_folded_by_step_too(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart)
    code = texts.texts_of(drafts.view(draft))["python"][0].replace("overall-rating", "honesty")

    lines = texts.state_of(draft, "python", code)["diff"]

    assert "load … group, 5 steps unchanged" in [line["text"] for line in lines if line["kind"] == "fold"]


@given(texts_of_lines, texts_of_lines)
def test_the_new_text_can_be_read_off_and_the_old_one_too(before: str, after: str) -> None:
    lines = line_changes(before, after)
    shown = [line for line in lines if line["kind"] in ("same", "added")]
    new = after.splitlines()

    assert (lines == []) == (before == after) or before.splitlines() == new
    for line in shown:
        assert line["number"] is not None
        assert new[line["number"] - 1] == line["text"]
    if not any(line["kind"] == "fold" for line in lines) and lines:
        assert [line["text"] for line in shown] == new
        assert [line["text"] for line in lines if line["kind"] in ("same", "removed")] == before.splitlines()


def test_very_long_texts_are_compared_as_far_as_people_read() -> None:
    before, after = "\n".join(f"a{at}" for at in range(20_000)), "\n".join(f"b{at}" for at in range(20_000))

    lines = line_changes(before, after)

    assert len(lines) == MOST_SHOWN + 1
    assert lines[-1]["kind"] == "fold"


def test_a_long_run_of_other_lines_is_folded() -> None:
    same = "\n".join(f"line {at}" for at in range(5 * LONG))

    lines = line_changes(f"{same}\nend", f"{same}\nEND")

    assert [line["kind"] for line in lines] == ["fold", "same", "same", "same", "removed", "added"]
    assert lines[0]["text"] == f"{5 * LONG - 3} lines unchanged"
