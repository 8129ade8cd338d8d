from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.errors import RowError, RunError
from steps.filters.decontaminate_n_grams import DecontaminateNGrams

QUESTION = "What is the capital of France, and how many people live there?"


def judged(text: str, **params: Any) -> tuple[str | None, str | None, bool]:
    [row] = DecontaminateNGrams(**params).process([{"text": text}])
    return row["ngram"], row["ngram_source"], row["keep_row_after_decontamination"]


def test_a_shared_run_of_words_is_found_whatever_its_case_and_marks() -> None:
    said = judged("Q: THE CAPITAL of france... and how?", n=5, entries=["one", QUESTION])

    assert said == ("the capital of france and", "entry 2", False)


def test_fewer_words_in_a_row_are_no_passage() -> None:
    assert judged("the capital of France is Paris", n=5, entries=[QUESTION]) == (None, None, True)


@pytest.mark.parametrize(("entry", "is_kept"), [("Name the largest planet, please.", False), ("The planet", True), ("", True)])
def test_a_short_entry_counts_as_a_whole_if_it_is_long_enough(entry: str, is_kept: bool) -> None:
    assert judged("Please name the largest planet, please. The planet!", entries=[entry])[2] is is_kept


@given(
    words=st.lists(st.sampled_from("abcdef"), max_size=30), entry=st.lists(st.sampled_from("abcdef"), min_size=3, max_size=30)
)
def test_it_finds_what_a_plain_search_finds(words: list[str], entry: list[str]) -> None:
    text, benchmark = " ".join(words), " ".join(entry)
    shared = [" ".join(words[at : at + 3]) for at in range(len(words) - 2)]

    found, _, is_kept = judged(text, n=3, entries=[benchmark])

    assert found == next((run for run in shared if run in benchmark), None)
    assert is_kept is (found is None)


@pytest.mark.parametrize("name", ["tests.jsonl", "tests.csv", "tests.parquet"])
def test_a_benchmark_is_read_from_a_file(tmp_path: Path, name: str) -> None:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    rows = [{"question": "Something else entirely, I would say?"}, {"question": QUESTION}]
    path, table = tmp_path / name, pa.Table.from_pylist(rows)
    match path.suffix:
        case ".jsonl":
            path.write_text("\n".join(map(json.dumps, rows)))
        case ".csv":
            pa.csv.write_csv(table, path)
        case _:
            pa.parquet.write_table(table, path)

    params = {"benchmark_files": str(path), "benchmark_columns": ["question"]}

    assert list(DecontaminateNGrams.model_validate(params).check()) == []
    assert judged(QUESTION, **params)[1:] == (f"{name}:2", False)


def test_several_columns_are_looked_at() -> None:
    step = DecontaminateNGrams(columns=["instruction", "generation"], n=3, entries=["one two three"])

    made = step.process([{"instruction": "one", "generation": "one two three"}])

    assert made[0]["ngram"] == "one two three"


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({}, "no benchmark"),
        ({"benchmark_files": "nowhere.jsonl"}, "no file matches 'nowhere.jsonl'"),
        ({"benchmark_files": "toys.jsonl"}, "no column 'text'. Did you mean 'texts'?"),
    ],
)
def test_what_is_wrong_with_a_benchmark_is_told_before_the_run(
    params: dict[str, Any], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("toys.jsonl").write_text('{"texts": "x"}')

    said = [complaint if isinstance(complaint, str) else complaint[0] for complaint in DecontaminateNGrams(**params).check()]

    assert len(said) == 1
    assert what in said[0]


def test_an_entry_without_the_column_is_told(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "x"}\n{"other": "y"}')

    with pytest.raises(RunError, match=r"b\.jsonl: entry 2 has no 'text'"):
        DecontaminateNGrams(benchmark_files=str(tmp_path / "b.jsonl")).load()


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(RowError, match="'text' holds a list"):
        DecontaminateNGrams(entries=[QUESTION]).process([{"text": [5]}])
