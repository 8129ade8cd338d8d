"""Two rounds on a real server: a thousand records, three people, and the uncertain ones asked again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from steps.base import Row
from steps.errors import RunError
from tests.fakes.argilla.place import Place
from tests.fakes.argilla_server import ArgillaServer
from tests.flows.commands import wait_for
from tests.flows.engine.running import run_steps

pytestmark = [pytest.mark.argilla, pytest.mark.slow, pytest.mark.xdist_group("argilla")]

Steps = list[dict[str, Any]]

RECORDS = 1000
HARD = [f"r{at}" for at in range(0, RECORDS, 10)]
"""Records at which two of three people err, in the first round."""
MOST_ANSWERS = 100
KEY = "${KEY_OF_THE_TESTS}"
CONCATENATE = {"name": "all", "use": "ConcatenateRows", "after": ["first", "second"]}


def truth(name: str) -> str:
    return ("bad", "good")[int(name[1:]) % 3 == 0]


def mistaken(name: str) -> str:
    """What two of three people say in the first round."""
    return truth(name) if name not in HARD else {"bad": "good", "good": "bad"}[truth(name)]


def own(place: Place, dataset: str, **parameters: Any) -> dict[str, Any]:
    return {**place.own, "api_key": KEY, "dataset_name": dataset, **parameters}


def push(place: Place, dataset: str, **parameters: Any) -> dict[str, Any]:
    """A step that asks people about rows."""
    questions = {"quality": {"labels": ["bad", "good"]}}
    told = {"fields": {"text": "text"}, "questions": questions, "record_id": "item", "metadata": ["round"], "min_submitted": 3}
    return {"name": "push", "use": "ToArgilla", "with": own(place, dataset, **told, **parameters)}


def load(place: Place, dataset: str) -> dict[str, Any]:
    told = {"question": "quality", "round_metadata": "round", "fields": ["text"]}
    return {"name": dataset, "use": "LoadAnnotationsFromArgilla", "with": own(place, dataset, **told)}


def settled(*after: str) -> dict[str, Any]:
    return {"name": "settle", "use": "ConsolidateLabels", "after": list(after), "with": {"strategy": "majority"}}


def answer(place: Place, dataset: str, key: str, says: Callable[[str], str]) -> None:
    """A person answers all records, many at a time as the page of Argilla does."""
    records = iter(place.records(dataset))
    with place.client(key) as client:
        while some := list(islice(records, MOST_ANSWERS)):
            said = [(one["id"], {"quality": {"value": says(one["external_id"])}}) for one in some]
            items = [{"record_id": name, "status": "submitted", "values": values} for name, values in said]
            client.post("me/responses/bulk", json={"items": items}, timeout=120).raise_for_status()


@pytest.fixture
def team(server: ArgillaServer, real: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The keys of three people. A server that goes away is given up soon."""
    monkeypatch.setenv("KEY_OF_THE_TESTS", real.key)
    monkeypatch.setattr("steps.argilla.api.PAUSES_S", (0.1, 0.1))
    yield [real.add_user(name) for name in ("ann", "bob", "eve")]
    try:
        httpx.get(real.url, trust_env=False, verify=False)
    except httpx.TransportError:  # the test ended while it was stopped
        server.start()


def push_while_the_server_goes_away(server: ArgillaServer, place: Place, folder: Path, steps: Steps) -> int:
    """Push until the server goes away, and see that the run ends; returns how many records had arrived."""

    def cut() -> None:
        def has_some() -> bool:
            try:
                return len(place.records("first")) >= RECORDS // 4
            except ValueError:  # there is no such data set yet
                return False

        wait_for(has_some, 60)
        server.stop()

    cutting = threading.Thread(target=cut)
    cutting.start()
    with pytest.raises(RunError, match="cannot be reached"):
        run_steps(folder, steps)
    cutting.join()
    server.start()
    return len(place.records("first"))


def test_a_second_round_changes_what_the_first_one_left_open(
    server: ArgillaServer, real: Place, team: list[str], tmp_path: Path
) -> None:
    rows: list[Row] = [{"item": f"r{at}", "text": f"text {at}", "round": 1} for at in range(RECORDS)]
    first = [{"name": "load", "use": "LoadDataFromDicts", "with": {"data": rows}}, {**push(real, "first"), "after": "load"}]
    there = push_while_the_server_goes_away(server, real, tmp_path / "push", first)
    assert RECORDS // 4 <= there < RECORDS
    assert len(run_steps(tmp_path / "push", first).only) == RECORDS
    assert [one["external_id"] for one in real.records("first")] == [row["item"] for row in rows]

    # three people answer; labels go back, and what is uncertain is asked again
    for key, says in zip(team, (truth, mistaken, mistaken), strict=True):
        answer(real, "first", key, says)
    write = own(real, "first", question="quality", certain_from=0.8)
    again = [
        load(real, "first"),
        settled("first"),
        {"name": "write", "use": "WriteLabelsToArgilla", "after": "settle", "with": write},
        {"name": "doubtful", "use": "FilterRows", "after": "write", "with": {"condition": "uncertainty > 0.2"}},
        {
            "name": "number",
            "use": "ComputeColumn",
            "after": "doubtful",
            "with": {"column": "round", "template": "2", "result": "number"},
        },
        {**push(real, "second", order_by="uncertainty"), "after": "number"},
    ]
    settled_first = run_steps(tmp_path / "again", again)
    assert sorted(row["item"] for row in settled_first.only) == sorted(HARD)
    assert [row["item"] for row in settled_first.only if row["label"] == truth(row["item"])] == []
    marked = Counter(one["metadata"]["review"] for one in real.records("first"))
    assert marked == {"done": RECORDS - len(HARD), "open": len(HARD)}
    assert len(real.suggested("first", "quality")) == RECORDS
    for key in team:
        answer(real, "second", key, truth)

    # sent once more, by runs that know nothing of the first ones, nothing is doubled and nothing is lost
    run_steps(tmp_path / "push-once-more", first)
    run_steps(tmp_path / "again-once-more", again)
    said = run_steps(tmp_path / "said", [load(real, "first")]).only + run_steps(tmp_path / "said", [load(real, "second")]).only
    assert Counter(row["round"] for row in said) == {1: 3 * RECORDS, 2: 3 * len(HARD)}
    assert len({row["annotation_id"] for row in said}) == len(said)
    assert len({(row["item"], row["annotator"], row["round"]) for row in said}) == len(said)

    # and both rounds together come to the truth
    both = run_steps(tmp_path / "both", [load(real, "first"), load(real, "second"), CONCATENATE, settled("all")]).only
    assert len(both) == RECORDS
    assert [row["item"] for row in both if row["label"] != truth(row["item"])] == []
