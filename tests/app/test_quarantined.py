from __future__ import annotations

from app.context import AppContext
from app.handlers import quarantined


def test_the_quarantine_is_grouped_by_step_and_reason_with_row_and_fix(ctx: AppContext) -> None:
    found = quarantined.quarantine(ctx.store.get("sample-1"))

    [group] = found["groups"]
    assert (found["total"], group["step"], group["code"], group["count"]) == (1, "answer", "no-recording", 1)
    assert group["rows"][0]["row"]["instruction"]["text"] == "unknown to the recordings"
    assert group["fix"]
