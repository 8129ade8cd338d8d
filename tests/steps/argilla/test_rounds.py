"""Two rounds on a real server: a thousand records, three people, and the uncertain ones asked again."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
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

RECORDS = 1000
HARD = 10
"""Every so many records two of three people err, in the first round."""
MOST_ANSWERS = 100
QUESTIONS = {"quality": {"labels": ["bad", "good"]}}


def truth(name: str) -> str:
    return ("bad", "good")[int(name[1:]) % 3 == 0]


def other(label: str) -> str:
    return {"bad": "good", "good": "bad"}[label]


def is_hard(name: str) -> bool:
    return int(name[1:]) % HARD == 0


def push(place: Place, dataset: str, rows: list[Row], **parameters: Any) -> list[dict[str, Any]]:
    told = {
        "dataset_name": dataset,
        "fields": {"text": "text"},
        "questions": QUESTIONS,
        "record_id": "item",
        "min_submitted": 3,
    }
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": rows}}
    own = {**place.own, "api_key": "${KEY_OF_THE_TESTS}"}
    return [load, {"name": "push", "use": "ToArgilla", "after": "load", "with": {**own, **told, "min_submitted": 3, **parameters}}]


def read_back(place: Place, folder: Path, *datasets: str) -> list[Row]:
    """What was said in several rounds, as a run reads it."""
    found: list[Row] = []
    for name in datasets:
        own = {**place.own, "api_key": "${KEY_OF_THE_TESTS}", "dataset_name": name, "round_metadata": "round"}
        found += run_steps(folder / f"read-{name}", [{"name": "load", "use": "LoadAnnotationsFromArgilla", "with": own}]).only
    return found


def consolidated(said: Iterable[Row]) -> list[Row]:
    """The label that most gave to each item, and how many of them."""
    by_item: dict[str, list[str]] = defaultdict(list)
    for row in said:
        by_item[row["item"]].append(row["label"])
    labels = []
    for item, given in by_item.items():
        label, votes = Counter(given).most_common(1)[0]
        share = votes / len(given)
        labels.append({"item": item, "label": label, "probability": share, "uncertainty": 1 - share, "strategy": "majority"})
    return labels


def answer(place: Place, dataset: str, key: str, says: Callable[[str], str]) -> None:
    """A person answers all records, many at a time as the page of Argilla does."""
    records = iter(place.records(dataset))
    with place.client(key) as client:
        while some := list(islice(records, MOST_ANSWERS)):
            items = [
                {"record_id": one["id"], "status": "submitted", "values": {"quality": {"value": says(one["external_id"])}}}
                for one in some
            ]
            client.post("me/responses/bulk", json={"items": items}).raise_for_status()


@pytest.fixture
def team(server: ArgillaServer, real: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The keys of three people. A server that goes away is given up soon."""
    monkeypatch.setenv("KEY_OF_THE_TESTS", real.key)
    monkeypatch.setattr("steps.argilla.api.PAUSES_S", (0.1, 0.1))
    yield [real.add_user(name) for name in ("ann", "bob", "eve")]
    try:
        httpx.get(real.url, trust_env=False)
    except httpx.TransportError:  # the test ended while it was stopped
        server.start()


def test_a_second_round_changes_what_the_first_one_left_open(
    server: ArgillaServer, real: Place, team: list[str], tmp_path: Path
) -> None:
    rows: list[Row] = [{"item": f"r{at}", "text": f"text {at}", "round": 1} for at in range(RECORDS)]
    first = push(real, "first", rows, metadata=["round"])

    # the server goes away while records come in, and the run goes on when it is back
    arrived = {"count": 0}

    def cut() -> None:
        def is_due() -> bool:
            try:
                arrived["count"] = len(real.records("first"))
            except ValueError:  # there is no such data set yet
                return False
            return arrived["count"] >= RECORDS // 4

        wait_for(is_due, 60)
        server.stop()

    cutting = threading.Thread(target=cut)
    cutting.start()
    with pytest.raises(RunError, match="cannot be reached"):
        run_steps(tmp_path / "push", first)
    cutting.join()
    server.start()
    there = len(real.records("first"))
    assert RECORDS // 4 <= there < RECORDS
    assert len(run_steps(tmp_path / "push", first).only) == RECORDS
    assert [one["external_id"] for one in real.records("first")] == [f"r{at}" for at in range(RECORDS)]

    # three people answer; where it is hard, two of them err
    for at, key in enumerate(team):
        answer(real, "first", key, lambda name, at=at: other(truth(name)) if is_hard(name) and at else truth(name))  # type: ignore[misc]
    said = read_back(real, tmp_path, "first")
    assert len(said) == 3 * RECORDS
    assert len({(row["item"], row["annotator"]) for row in said}) == 3 * RECORDS
    labels = consolidated(said)
    wrong = {row["item"] for row in labels if row["label"] != truth(row["item"])}
    assert wrong == {f"r{at}" for at in range(0, RECORDS, HARD)}

    # labels go back, and what is uncertain is asked again
    own = {**real.own, "api_key": "${KEY_OF_THE_TESTS}", "dataset_name": "first", "question": "quality", "certain_from": 0.9}
    write = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": labels}},
        {"name": "write", "use": "WriteLabelsToArgilla", "after": "load", "with": own},
    ]
    for folder in ("write", "write-again"):
        assert len(run_steps(tmp_path / folder, write).only) == RECORDS
    marked = Counter(one["metadata"]["review"] for one in real.records("first"))
    assert marked == {"done": RECORDS - RECORDS // HARD, "open": RECORDS // HARD}
    assert len(real.suggested("first", "quality")) == RECORDS
    again = [
        {"item": row["item"], "text": f"text {row['item'][1:]}", "round": 2, "uncertainty": row["uncertainty"]}
        for row in labels
        if row["uncertainty"] > 0
    ]
    second = push(real, "second", again, metadata=["round"], order_by="uncertainty")
    run_steps(tmp_path / "second", second)
    for key in team:
        answer(real, "second", key, truth)

    # sent once more, in runs that know nothing of the first ones, nothing is doubled and nothing is lost
    run_steps(tmp_path / "push-again", first)
    run_steps(tmp_path / "second-again", second)
    said = read_back(real, tmp_path, "first", "second")
    assert len(said) == len({row["annotation_id"] for row in said}) == 3 * RECORDS + 3 * RECORDS // HARD
    assert Counter(row["round"] for row in said) == {1: 3 * RECORDS, 2: 3 * RECORDS // HARD}
    after = {row["item"]: row["label"] for row in consolidated(said)}
    assert [name for name, label in after.items() if label != truth(name)] == []
