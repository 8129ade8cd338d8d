from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.handlers.desk import Desk
from app.handlers.drafts import Draft, with_text


def test_changes_of_one_session_take_turns_and_none_is_lost_or_shown_out_of_turn() -> None:
    desk = Desk()
    shown: list[int] = []

    def add(number: int) -> None:
        def change(draft: Draft) -> Draft:
            before = draft["text"]
            time.sleep(0.01)
            return with_text(draft, before + "x", f"change {number}")

        desk.change("a", None, change, lambda before, after: shown.append(len(after["text"])))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(20)))

    assert desk.look("a")["text"] == "x" * 20
    assert shown == list(range(1, 21))


def test_a_new_session_begins_with_what_its_browser_kept_and_others_do_not_see_it() -> None:
    desk = Desk()

    assert desk.look("a", {"text": "name: mine", "selected": "s"})["text"] == "name: mine"
    assert desk.look("a", {"text": "older"})["text"] == "name: mine"
    assert desk.look("b", "nonsense")["text"] == ""


def test_the_sessions_used_longest_ago_are_put_away() -> None:
    desk = Desk(most=2)
    for session in ("a", "b", "a", "c"):
        desk.look(session, {"text": session})

    assert desk.look("a", {"text": "other"})["text"] == "a"
    assert desk.look("b", {"text": "kept by the browser"})["text"] == "kept by the browser"


def test_a_draft_that_cannot_be_shown_is_not_kept() -> None:
    desk = Desk()

    def fail(before: Draft, after: Draft) -> None:
        raise ValueError("cannot be shown")

    with pytest.raises(ValueError, match="cannot be shown"):
        desk.change("a", {"text": "name: mine"}, lambda draft: with_text(draft, "name: other", "edit"), fail)

    assert desk.look("a")["text"] == "name: mine"
