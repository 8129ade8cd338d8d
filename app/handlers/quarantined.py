"""Rows that failed, as the page shows them."""

from __future__ import annotations

from itertools import islice
from typing import Any

from app.handlers.cells import as_json, clipped, rows_as_cells
from app.handlers.wording import in_words
from flows.runs import RunFolder

QUARANTINE_READ = 20_000
GROUP_ROWS = 200


def quarantine(run: RunFolder) -> dict[str, Any]:
    """Rows that failed, by step and reason, most frequent first."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    count = 0
    for entry in islice(run.quarantined(), QUARANTINE_READ):
        count += 1
        key = (str(entry.get("step")), str(entry.get("code")))
        group = groups.setdefault(
            key,
            {
                "step": key[0],
                "code": key[1],
                "title": in_words(key[1]),
                "message": str(entry.get("message", ""))[:2000],
                "fix": str(entry.get("fix", "")),
                "count": 0,
                "rows": [],
            },
        )
        group["count"] += 1
        if len(group["rows"]) < GROUP_ROWS:
            row = entry.get("row")
            group["rows"].append(
                {
                    "id": str(entry.get("id", "")),
                    "attempts": entry.get("attempts", 1),
                    "message": str(entry.get("message", ""))[:2000],
                    "reply": None if entry.get("reply") is None else clipped(str(entry["reply"]), 10_000),
                    "row": rows_as_cells([row], 4000)[0] if isinstance(row, dict) else {"row": _any(row)},
                }
            )
    ordered = sorted(groups.values(), key=lambda group: -group["count"])
    return {"total": count, "groups": ordered, "is_cut": count == QUARANTINE_READ}


def _any(value: Any) -> dict[str, Any]:
    return {"kind": "data", **clipped(as_json(value), 4000)}
