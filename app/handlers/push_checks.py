"""What there is to know before a result is pushed: secrets in it, rows that stay behind, what will be written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from threading import Condition
from typing import Any

from cachetools import LRUCache, cached

from app.handlers.duck import table_of
from app.handlers.pushing import token_is_set
from flows.distiset.by_hand import in_words, rows_left
from flows.distiset.parts import Part, by_hand, parts_of
from flows.distiset.publishing import Published, published
from flows.runs import RunFolder
from steps.secrets import KEY_LIKE, has_key, secrets_here

FOUND_SHOWN = 5
PIECE, LONGEST_KEY = 2**22, 2**12
KEPT = 32


def checks(run: RunFolder) -> dict[str, Any]:
    """What the push panel shows of a run.

    Raises:
        RunError: There is no result, or a file of it is torn.
    """
    report = run.report()
    found = published(run)
    return {
        "rows": rows_left(report.rows, found.standing),
        "quarantined": report.quarantined,
        "is_rehearsal": report.is_rehearsal,
        "is_partial": report.state in ("stopped", "failed"),
        "models": sorted(set(report.models.values())),
        "changes": in_words(found.standing),
        "lost": len(found.standing.lost),
        "secrets": _secrets(run, found),
        "files": [{"name": name, "size": size, "is_about": name in found.rewritten} for name, size in _in_order(found)],
        "token": token_is_set(),
    }


def _in_order(found: Published) -> list[tuple[str, int]]:
    return sorted(found.sizes().items(), key=lambda one: (not one[0].endswith(".parquet"), one[0]))


def _looked_at(run: RunFolder, found: Published) -> tuple[Any, ...]:
    beside = tuple((name, one.stat().st_mtime_ns) for name, one in found.files.items() if isinstance(one, Path))
    return str(run.path), by_hand(run).stamp(), beside, *(part.stamp for part in parts_of(run).values())


@cached(LRUCache(KEPT), key=_looked_at, condition=Condition())
def _secrets(run: RunFolder, found: Published) -> list[dict[str, Any]]:
    """Where something looks like a key. The key itself is not told: what is shown is seen by whoever looks over a shoulder."""
    parts = parts_of(run)
    of_rows = {path for part in parts.values() for path in part.files}
    places = [{"file": name} for name, source in found.files.items() if source not in of_rows and _has_key(source)]
    for part in parts.values():
        places += _in_rows(part, found)
    return places


def _has_key(source: Path | bytes) -> bool:
    """Whether a file holds what looks like a key. Artifacts may be large: it is read piece by piece."""
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        end = b""
        while piece := file.read(PIECE):
            if has_key((end + piece).decode(errors="replace")):
                return True
            end = piece[-LONGEST_KEY:]
    return False


def _in_rows(part: Part, found: Published) -> list[dict[str, Any]]:
    table = table_of(part)
    known = secrets_here()
    places: list[dict[str, Any]] = []
    with table.asking(found.standing.of(part.name)) as question:
        for column in table.columns:
            text = column.text_sql
            if text is None:
                continue
            tests = " OR ".join([f"regexp_matches({text}, ?)", *(f"contains({text}, ?)" for _ in known)])
            where = f"SELECT i FROM {{rows}} WHERE {tests} ORDER BY i LIMIT {FOUND_SHOWN}"
            for (row,) in question.fetch(where, [KEY_LIKE, *known]):
                places.append({"part": part.name, "column": column.name, "row": row})
    return places
