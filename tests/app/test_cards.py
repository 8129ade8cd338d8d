from __future__ import annotations

from pathlib import Path

import pytest

from app.context import AppContext
from app.handlers import cards, hand_edits
from app.handlers.markdown import render_markdown
from flows.engine.options import RunOptions


def test_the_card_is_html_without_front_matter(ctx: AppContext) -> None:
    found = cards.card_html(ctx.store.get("sample-1"))

    assert found is not None
    assert "<h1>" in found
    assert "configs:" not in found


def test_without_a_result_there_is_no_card(ctx: AppContext, tmp_path: Path) -> None:
    run = ctx.store.get("sample-1")
    run.save_report(run.report().model_copy(update={"options": RunOptions(output=tmp_path / "nowhere")}))

    assert cards.card_html(run) is None


def test_the_card_tells_what_was_changed_by_hand(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    hand_edits.drop_row(run, "default / train", 0)

    assert "1 row dropped" in (cards.card_html(run) or "")


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("![x](http://example.com/x.png)", "<img"),
        ("[x](javascript:alert(1))", 'href="javascript'),
        ("[x](data:text/html;base64,aaaa)", 'href="data'),
        ("[x](//example.com)", 'href="//'),
        ("```mermaid\n<script>\n```", "<script"),
        ("[x]: javascript:alert(1)\n\n[x]", 'href="javascript'),
    ],
)
def test_hostile_markdown_is_only_text(text: str, absent: str) -> None:
    assert absent not in render_markdown(text).lower()
