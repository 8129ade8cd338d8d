"""What the comparison of peers makes of a result: rows that are lost, doubled or wrong, and how it is kept and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.openai_server import answer
from benchmarks.peers.cases import BY_NAME
from benchmarks.peers.results import Results, tables
from benchmarks.peers.running import Killed, Rows, Run, Seen
from benchmarks.peers.systems import BY_NAME as SYSTEMS
from benchmarks.peers.systems import PROGRAMS, Peer

RIGHT = [{"id": number, "generation": answer(number)} for number in range(4)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (RIGHT, Rows(right=4, lost=0, doubled=0, wrong=0)),
        (RIGHT[:3], Rows(right=3, lost=1, doubled=0, wrong=0)),
        ([*RIGHT, RIGHT[1]], Rows(right=4, lost=0, doubled=1, wrong=0)),
        ([*RIGHT[:3], {"id": 3, "generation": answer(2)}], Rows(right=3, lost=0, doubled=0, wrong=1)),
        ([*RIGHT[:3], {"id": 3, "generation": None}], Rows(right=3, lost=0, doubled=0, wrong=1)),
    ],
    ids=["all-right", "lost", "doubled", "of-another-row", "empty"],
)
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_rows_are_compared_one_by_one(rows: list[dict[str, object]], expected: Rows, form: str, tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "default" / "train.parquet")
    else:
        (tmp_path / "default" / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))

    assert Rows.of(tmp_path, 4) == expected
    assert expected.are_right == (rows == RIGHT)


def test_no_result_at_all_is_all_rows_lost(tmp_path: Path) -> None:
    assert Rows.of(tmp_path / "missing", 4) == Rows(right=0, lost=4, doubled=0, wrong=0)


def run(system: str, case: str, wall_s: float, cpu_s: float = 1.0, failure: str = "") -> Run:
    rows = BY_NAME[case].rows
    seen = Seen(rows, 0, 0, 0, 256, wall_s, wall_s, 0.1)
    return Run(system, case, failure, Rows(rows, 0, 0, 0), seen, wall_s, cpu_s)


def test_results_are_shares_of_the_ideal_and_failures_are_told() -> None:
    results = Results(unavailable={"curator": "cannot be installed here"})
    for one in (
        run("aiohttp", "start", 0.4, cpu_s=0.5),
        run("aiohttp", "rows-1000", 1.0, cpu_s=0.7),
        run("openai", "rows-1000", 4.0),
        run("distilabel", "rows-1000", 9.0, failure="hangs | it does"),
    ):
        results.add(one)

    lines = {line.split(" | ")[0]: line for line in tables(results).splitlines()}

    assert "| 1000 | 1.00 | 0.20 |" in lines["| aiohttp"].replace("1,000", "1000")
    assert "| 250 | 0.25 |  |" in lines["| openai"]
    assert lines["| distilabel"] == "| distilabel | failed: hangs   it does |"
    assert lines["| curator"] == "| curator | cannot be installed here |"


def test_results_are_read_back_as_they_were_saved(tmp_path: Path) -> None:
    results = Results([run("prefect", "limit", 10.0), Run("openai", "errors", "exit code 1")])
    results.add(Killed("prefect", "kill", "", 1400, 1250, 150, Rows(2500, 0, 0, 0), 3.0))

    results.save(tmp_path / "bench" / "peers.json")
    found = Results.read(tmp_path / "bench" / "peers.json")

    assert found == results
    assert "| prefect | 1400 | 1250 | 150 | 2500 | 0 | 0 | 3.0 | 0 |" in tables(found)


def test_a_system_that_has_no_part_in_a_case_says_why() -> None:
    assert SYSTEMS["aiohttp"].cannot(BY_NAME["limit"]) == "makes one attempt only"
    assert SYSTEMS["openai"].cannot(BY_NAME["kill"]) == "keeps nothing before the end"
    assert not any(SYSTEMS["prefect"].cannot(case) for case in BY_NAME.values())


def test_peers_have_exact_versions_and_a_program() -> None:
    peers = [system for system in SYSTEMS.values() if isinstance(system, Peer)]

    assert len(peers) == 7
    for peer in peers:
        assert "==" in peer.packages[0]
        assert (PROGRAMS / peer.program).is_file()
