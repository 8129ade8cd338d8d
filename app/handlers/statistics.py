"""What a column of a result holds, counted: for the small charts in the head of the table and the large ones in Plots."""

from __future__ import annotations

import math
from threading import Condition
from typing import Any

from cachetools import LRUCache, cached

from app.handlers.columns import ResultColumn, is_numbers, number_sql, type_words
from app.handlers.duck import Question, table_of
from app.handlers.results import Result
from flows.runs import RunFolder
from steps.errors import RunError

BINS = 18
CATEGORIES = 12
EXACT_ROWS = 200_000
"""Up to so many rows distinct values are counted, beyond that they are estimated."""
KEPT = 512


def column_statistics(run: RunFolder, part: str | None, name: str) -> dict[str, Any]:
    """Counts and bars of one column over all rows of a part. Kept until rows or changes are others.

    Raises:
        RunError: There is no such part or column, or a file is torn.
    """
    return _statistics(Result(run, part), name)


@cached(LRUCache(KEPT), key=lambda result, name: (result.part.stamp, result.applied_stamp, name), condition=Condition())
def _statistics(result: Result, name: str) -> dict[str, Any]:
    table = table_of(result.part)
    if name not in table.by_name:
        raise RunError(f"the result has no column {name!r}", f"columns: {', '.join(table.by_name)}")
    column = table.by_name[name]
    with table.asking(result.applied) as question:
        return _counted(question, column)


def _counted(question: Question, column: ResultColumn) -> dict[str, Any]:
    [(rows, filled)] = question.fetch(f"SELECT count(*), count({column.value_sql}) FROM {{rows}}")
    kind = column.kind
    if not filled:
        found = _plain("nothing but empty cells" if rows else "no rows")
    elif kind == "text":
        found = _texts(question, column, rows)
    elif kind in ("int", "float"):
        found = _numbers(question, column, f"SELECT CAST({column.value_sql} AS DOUBLE) v FROM {{rows}}")
    elif is_numbers(column.type):
        found = _numbers(question, column, f"SELECT {number_sql('u')} v FROM (SELECT unnest({column.sql}) u FROM {{rows}})")
    elif kind == "list":
        found = _lengths(question, column, f"len({column.sql})", "item")
    elif kind == "bool":
        found = _categories(question, column)
    elif kind == "time":
        [(low, high)] = question.fetch(f"SELECT min({column.sql})::VARCHAR, max({column.sql})::VARCHAR FROM {{rows}}")
        found = _plain(f"{low} to {high}")
    else:
        found = _plain(type_words(column.type))
    missing = rows - filled
    share = f"{_percent(missing, rows)} empty" if missing and filled else ""
    found["caption"] = " · ".join(part for part in (found["caption"], share) if part)
    found["sentence"] = f"{column.name}: {found['sentence']}{f'; {share}' if share else ''}"
    return {"name": column.name, "kind": kind, "rows": rows, "missing": missing, **found}


def _plain(caption: str) -> dict[str, Any]:
    return {"bars": [], "what": "", "caption": caption, "sentence": caption}


def _texts(question: Question, column: ResultColumn, rows: int) -> dict[str, Any]:
    name = column.sql
    distinct = f"count(DISTINCT {name})" if rows <= EXACT_ROWS else f"approx_count_distinct({name})"
    [(least, most, mean, filled, values)] = question.fetch(
        f"SELECT min(length({name})), max(length({name})), avg(length({name})), count({name}), {distinct} FROM {{rows}}"
    )
    if values <= CATEGORIES and (values < filled or values == 1):
        return _categories(question, column)
    spread = f"{least:,} chars" if least == most else f"{least:,}–{most:,} chars"
    if rows > EXACT_ROWS:
        words = "nearly all distinct" if values > 0.95 * filled else f"about {_rounded(values):,} distinct"
    else:
        words = "all distinct" if values == filled else f"{values:,} distinct"
    found = _lengths(question, column, f"length({name})", "character", (least, most))
    found["caption"] = f"text · {spread}, {words}"
    many = f"all of {least:,} characters" if least == most else f"{least:,} to {most:,} characters, on average {mean:,.0f}"
    found["sentence"] = f"texts, {many}; {words}; {found['sentence']}"
    return found


def _rounded(count: int) -> int:
    """A count with two digits that mean something: an estimate is good to some percent."""
    digits = max(0, len(str(count)) - 2)
    return round(count, -digits)


def _lengths(
    question: Question, column: ResultColumn, length: str, unit: str, spread: tuple[int, int] | None = None
) -> dict[str, Any]:
    [(least, most)] = [spread] if spread else question.fetch(f"SELECT min({length}), max({length}) FROM {{rows}}")
    width = max(1, math.ceil((most - least + 1) / BINS))
    counts = dict(
        question.fetch(
            f"SELECT ({length} - {least}) // {width} b, count(*) FROM {{rows}} WHERE {length} IS NOT NULL GROUP BY b"
        )
    )
    bars = []
    for at in range((most - least) // width + 1):
        low, high = least + at * width, min(least + (at + 1) * width - 1, most)
        words = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        filters = [[column.name, "length ≥", str(low)], [column.name, "length ≤", str(high)]]
        bars.append({"label": f"{words} {unit}s", "low": low, "high": high, "count": counts.get(at, 0), "filters": filters})
    spread_words = f"{least:,} {unit}{'' if least == 1 else 's'}" if least == most else f"{least:,}–{most:,} {unit}s"
    most_common = max(bars, key=lambda bar: bar["count"])
    return {
        "bars": bars,
        "what": f"{unit}s",
        "caption": f"list · {spread_words}",
        "sentence": f"most often {most_common['label']}, in {most_common['count']:,} rows",
    }


def _categories(question: Question, column: ResultColumn) -> dict[str, Any]:
    name = column.sql
    counts = question.fetch(
        f"SELECT {name}, count(*) n FROM {{rows}} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {CATEGORIES}"
    )
    bars = []
    for value, count in counts:
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        bars.append({"label": shown[:80] or "no text", "count": count, "filters": [[column.name, "=", shown]] if shown else []})
    listed = ", ".join(f"{bar['label']} {bar['count']:,}" for bar in bars)
    noun = "yes or no" if column.kind == "bool" else f"text · {len(bars)} value{'' if len(bars) == 1 else 's'}"
    return {"bars": bars, "what": "values", "caption": noun, "sentence": f"{len(bars)} values: {listed}"}


def _numbers(question: Question, column: ResultColumn, values: str) -> dict[str, Any]:
    """Bars of numbers: one for each where they are few whole ones, else equal steps from the least to the greatest."""
    fit = f"(SELECT v FROM ({values}) WHERE v IS NOT NULL AND NOT isinf(v))"
    [(least, most, mean, count)] = question.fetch(f"SELECT min(v), max(v), avg(v), count(*) FROM {fit}")
    if not count:
        return _plain("no numbers")
    is_list = column.kind == "list"
    is_whole = "int" in type_words(column.type) and most - least < 2**53
    is_each = is_whole and most - least < BINS
    width = 1.0 if is_each else (math.ceil((most - least + 1) / BINS) if is_whole else (most - least) / BINS) or 1.0
    steps = int((most - least) // width) + 1 if is_whole else (BINS if most > least else 1)
    bin_of = f"least(CAST(floor((v - {least!r}) / {width!r}) AS BIGINT), {steps - 1})"
    counts: dict[int, int] = dict(question.fetch(f"SELECT {bin_of} b, count(*) FROM {fit} GROUP BY b"))
    bars = [_bar(column, least + at * width, width, counts.get(at, 0), is_each, at == steps - 1) for at in range(steps)]
    if is_list:
        for bar in bars:
            bar["filters"] = []
    noun = type_words(column.type)
    most_common = max(bars, key=lambda bar: bar["count"])
    words = f"from {_short(least)} to {_short(most)}, on average {_short(mean)}; most often {most_common['label']}"
    spread = "" if is_each else f", {_short(least)} to {_short(most)}"
    return {"bars": bars, "what": "values", "caption": f"{noun} · mean {_short(mean)}{spread}", "sentence": words}


def _bar(column: ResultColumn, low: float, width: float, count: int, is_each: bool, is_last: bool) -> dict[str, Any]:
    high = low + width
    if is_each:
        return {"label": _short(low), "low": low, "high": low, "count": count, "filters": [[column.name, "=", f"{low:.0f}"]]}
    filters = [[column.name, "≥", repr(low)]] + ([] if is_last else [[column.name, "<", repr(high)]])
    label = f"{_short(low)} to {_short(high)}"
    return {"label": label, "low": low, "high": high, "count": count, "filters": filters}


def _short(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.3g}"


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.0f}%" if share >= 1 else "under 1%"
