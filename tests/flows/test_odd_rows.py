"""Whole runs over odd rows: the bad ones are in quarantine alone, each with a reason in words; the good ones are all there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.engine.quarantine import lines_in
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.spec import spec_from
from tests.flows.odd_rows import BAD, FIRST_BAD, GOOD, NAMED, USE

Steps = list[dict[str, Any]]


def step(name: str, use: str, *after: str, mapped: dict[str, str] | None = None, **params: Any) -> dict[str, Any]:
    told = {"name": name, "use": use, "after": list(after), "with": params, "input_mappings": mapped or {}}
    return {key: value for key, value in told.items() if value}


def odd(*columns: str) -> dict[str, Any]:
    return step("load", USE, into=list(columns))


CHAINS: dict[str, Steps] = {
    "preferences": [
        odd("instruction"),
        step("a", "TextGeneration", "load"),
        step("b", "TextGeneration", "load"),
        step("both", "GroupColumns", "a", "b", columns=["generation"], output_columns=["generations"]),
        step("judge", "UltraFeedback", "both", aspect="overall-rating", add_raw_output=True),
        step("pairs", "FormatTextGenerationDPO", "judge"),
    ],
    "evolution": [
        odd("instruction"),
        step("evolve", "EvolInstruct", "load", num_evolutions=2, generate_answers=True),
        step("twice", "MultiTurnChat", "evolve", n_turns=2, num_generations=2, group_generations=True),
    ],
    "filters": [
        odd("text"),
        step("texts", "FilterRows", "load", condition="text is string"),
        step("once", "MinHashDedup", "texts", drop=True),
        step("length", "FilterLength", "once"),
        step("private", "MaskPII", "length"),
    ],
    "clusters": [
        odd("text"),
        step("embed", "EmbeddingGeneration", "load"),
        step("group", "DBSCAN", "embed", mapped={"projection": "embedding"}, min_samples=1, n_jobs=1),
        step("name", "TextClustering", "group"),
    ],
    "exports": [
        odd("instruction", "generation"),
        step("sft", "FormatTextGenerationSFT", "load"),
        step("alpaca", "FormatAlpaca", "load"),
        step("sharegpt", "FormatShareGPT", "load", source="instruction"),
        step("openai", "FormatOpenAIChat", "load", source="instruction"),
    ],
    "columns": [
        odd("text", "more"),
        step("cut", "TruncateTextColumn", "load", column="more", max_length=20_000),
        step("compute", "ComputeColumn", "cut", column="both", template="{{ text }}-{{ n }}"),
        step("tone", "SampleCategory", "compute", column="tone", values=["warm", "dry"]),
        step("count", "FilterLength", "tone", column="text"),
        step("merge", "MergeColumns", "count", columns=["text", "both"], output_column="texts"),
    ],
    "checks": [
        odd("instruction"),
        step("ask", "TextGeneration", "load"),
        step("json", "ValidateJSON", "ask", column="instruction"),
        step("python", "ValidatePython", "json", column="instruction"),
        step("sql", "ValidateSQL", "python", column="instruction"),
        step("pattern", "ValidateRegex", "sql", column="instruction", pattern=".*"),
    ],
}


ALL_BAD = set(range(FIRST_BAD, FIRST_BAD + len(BAD)))
WITHOUT_COLUMN = {FIRST_BAD + n for n, row in enumerate(BAD) if not row}
QUARANTINED = {"filters": WITHOUT_COLUMN}
"""A step over all rows can set none aside, so there a condition drops those that have no text."""


@pytest.mark.parametrize("chain", CHAINS)
def test_a_run_keeps_all_good_rows_and_says_what_is_wrong_with_each_bad_one(
    chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", USE.partition(":")[0])
    planned = plan(spec_from({"distilflow": 1, "steps": CHAINS[chain]})[0])

    folder = run_inline(planned, tmp_path, run_id="r")

    assert folder.report().state == "finished"
    failed = list(lines_in(folder.path / "quarantine.jsonl"))
    assert [line for line in failed if line["row"]["n"] < FIRST_BAD] == []
    assert [line for line in failed if "step's code" in line["fix"] or not line["message"]] == []
    for leaf in planned.leaves:
        name = leaf if len(planned.leaves) > 1 else "default"
        rows = {row["n"]: row for row in pq.read_table(folder.path / "distiset" / name).to_pylist()}
        of_leaf = {line["row"]["n"] for line in failed if len(planned.leaves) == 1 or line["step"] == leaf}
        assert sorted(rows) == list(range(len(GOOD)))
        assert of_leaf == QUARANTINED.get(chain, ALL_BAD)
        assert {column: rows[0][column] for column in NAMED} == NAMED
