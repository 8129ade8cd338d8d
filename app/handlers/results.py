"""The result of a run: pages of rows, quarantine, card, log, and the whole as one file."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.handlers.cells import WHOLE, as_json, clipped, rows_as_cells
from app.handlers.wording import in_words
from flows.distiset.folders import REPORT, NotADistiset, leaves_in
from flows.lineage.ids import LINEAGE
from flows.parquet.reading import in_words as type_in_words
from flows.runs import RunFolder
from steps.errors import RunError

PAGE_ROWS = 50
QUARANTINE_READ = 20_000
GROUP_ROWS = 200
LOG_BYTES = 200_000


# ---- rows


def parts(run: RunFolder) -> dict[str, list[Path]]:
    """Parquet files of the result, by part ("default / train"), in order."""
    try:
        found = leaves_in(run.distiset)
    except NotADistiset:
        return {}
    return {f"{leaf} / {split}": files for leaf, splits in found.items() for split, files in splits.items()}


def page(run: RunFolder, part: str | None = None, number: int = 1, size: int = PAGE_ROWS) -> dict[str, Any]:
    """One page of rows as cells; only the row groups that it lies in are read.

    Raises:
        RunError: There is no such part.
    """
    import pyarrow.parquet as pq

    available = parts(run)
    if not available:
        return {"parts": [], "part": None, "columns": [], "rows": [], "total": 0, "page": 1, "size": size}
    chosen = part if part is not None else next(iter(available))
    if chosen not in available:
        raise RunError(f"the result has no part {chosen!r}", f"parts: {', '.join(available)}")
    files = [pq.ParquetFile(path) for path in available[chosen]]
    try:
        total = sum(file.metadata.num_rows for file in files)
        pages = max(1, -(-total // size))
        number = min(max(1, number), pages)
        start = (number - 1) * size
        rows = [row for file in _overlapping(files, start, size) for row in file]
        columns = [{"name": field.name, "type": _type(field.type)} for field in files[0].schema_arrow]
    finally:
        for file in files:
            file.close()
    return {
        "parts": list(available),
        "part": chosen,
        "columns": columns,
        "rows": rows_as_cells(rows),
        "total": total,
        "page": number,
        "pages": pages,
        "size": size,
        "start": start,
    }


_PLAIN = {"string": "text", "large_string": "text", "int64": "int", "double": "float", "bool": "yes or no", "null": "empty"}


def _type(stored: Any) -> str:
    words = type_in_words(stored)
    for name, plain in _PLAIN.items():
        words = re.sub(rf"\b{name}\b", plain, words) if not words.startswith("{") else words
    return words


def whole_row(run: RunFolder, part: str, index: int) -> dict[str, Any]:
    """One row with its long texts.

    Raises:
        RunError: There is no such part or row.
    """
    import pyarrow.parquet as pq

    available = parts(run)
    if part not in available:
        raise RunError(f"the result has no part {part!r}", f"parts: {', '.join(available) or 'none'}")
    files = [pq.ParquetFile(path) for path in available[part]]
    try:
        found = [row for file in _overlapping(files, index, 1) for row in file]
    finally:
        for file in files:
            file.close()
    if not found or index < 0:
        raise RunError(f"the part {part!r} has no row {index}")
    return {"index": index, "row": rows_as_cells(found, WHOLE)[0], "columns": list(found[0])}


def _overlapping(files: list[Any], start: int, size: int) -> Iterator[list[dict[str, Any]]]:
    """Rows `start` to `start + size` of some Parquet files, group by group."""
    before, stop = 0, start + size
    for file in files:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            low, high = max(start, before), min(stop, before + rows)
            if low < high:
                yield file.read_row_group(group).slice(low - before, high - low).to_pylist()
            before += rows


# ---- quarantine


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


# ---- card and log


def card_html(run: RunFolder) -> str | None:
    """The card as safe HTML: markup in the text stays text, and nothing is loaded from elsewhere."""
    try:
        text = (run.distiset / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return render_markdown(re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL))


def render_markdown(text: str) -> str:
    """Markdown as HTML without raw markup, images and links that do anything but lead somewhere."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("fence", _fence)
    return str(parser.render(text))


def _link(renderer: Any, tokens: list[Token], index: int, options: Any, environment: Any) -> str:
    token = tokens[index]
    if not str(token.attrGet("href") or "").startswith(("http://", "https://", "#", "mailto:")):
        token.attrSet("href", "#")
    token.attrSet("target", "_blank")
    token.attrSet("rel", "noopener noreferrer nofollow")
    rendered: str = renderer.renderToken(tokens, index, options, environment)
    return rendered


def _fence(renderer: Any, tokens: list[Token], index: int, options: Any, environment: Any) -> str:
    code = f"<pre><code>{escape(tokens[index].content)}</code></pre>"
    if tokens[index].info.strip() == "mermaid":  # the Hub draws it; here the steps are in Build and Run
        return f"<details><summary>Graph of the steps, as Mermaid text</summary>{code}</details>"
    return code


def log_text(run: RunFolder) -> dict[str, Any]:
    """The end of the log, and of what the run's process printed."""
    return {"log": _end_of(run.log), "process": _end_of(run.path / "process.log")}


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(0, size - LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return text if size <= LOG_BYTES else "…\n" + text.partition("\n")[2]


# ---- download


def zip_result(run: RunFolder) -> Path:
    """A zip file of the result, in a temporary place; the caller deletes it.

    Raises:
        RunError: There is no result.
    """
    folder = run.distiset
    found = sorted(folder.rglob("*")) if folder.is_dir() else []
    # the report and the lineage tell where things lie on this machine
    kept = [path for path in found if path.is_file() and not path.is_symlink() and path != folder / REPORT]
    files = [path for path in kept if folder / LINEAGE not in path.parents]
    if not files:
        raise RunError(f"run {run.run_id!r} has no result yet", "wait for its end, or stop it and keep what is finished")
    with (
        tempfile.NamedTemporaryFile(prefix="distilflow-", suffix=".zip", delete=False) as target,
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,  # Parquet is compressed already
    ):
        for path in files:
            archive.write(path, Path(run.run_id) / path.relative_to(folder))
    return Path(target.name)
