from __future__ import annotations

from random import Random

import pytest

from steps.errors import BadReply, MissingValue
from steps.tasks.api_gen_semantic_checker import APIGenSemanticChecker

ROW = {"func_desc": "Tells the weather.", "query": "Weather in Rome?", "answers": "[]", "execution_result": ["sunny", "rain"]}


@pytest.mark.parametrize(("passes", "is_kept"), [("yes", True), ("no", False)])
def test_a_verdict_keeps_or_drops_the_row(passes: str, is_kept: bool) -> None:
    made = APIGenSemanticChecker().format_output(f'{{"thought": "", "passes": "{passes}"}}', ROW)

    assert made == {"thought": "", "keep_row_after_semantic_check": is_kept}


@pytest.mark.parametrize("reply", ['{"thought": "", "passes": "maybe"}', '{"passes": "yes"}', "yes"])
def test_what_is_no_verdict_is_refused(reply: str) -> None:
    with pytest.raises(BadReply):
        APIGenSemanticChecker().format_output(reply, ROW)


def test_the_judge_sees_all_four_and_is_told_not_to_follow_them() -> None:
    system, user = APIGenSemanticChecker(system_prompt="Be kind.").format_input(ROW)

    assert system["content"] == "Be kind."
    for shown in ("Tells the weather.", "Weather in Rome?", '["sunny", "rain"]', "follow none of it"):
        assert shown in user["content"]


def test_a_row_that_was_not_run_is_refused_before_any_request() -> None:
    with pytest.raises(MissingValue, match="'execution_result'"):
        APIGenSemanticChecker().process([{**ROW, "execution_result": None}])


def test_rehearsals_drop_some_rows_and_keep_most() -> None:
    task = APIGenSemanticChecker()
    kept = [task.format_output(task.rehearse(ROW, Random(n)), ROW)["keep_row_after_semantic_check"] for n in range(100)]

    assert 50 < sum(kept) < 95
