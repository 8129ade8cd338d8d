"""What people and models said, read back from a fake server and from a real one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from steps.argilla.load_annotations_from_argilla import LoadAnnotationsFromArgilla
from steps.argilla.to_argilla import ToArgilla
from steps.base import Row
from steps.errors import RunError
from steps.labels.annotations import COLUMNS, annotation_in
from tests.fakes.argilla import FakeArgilla
from tests.fakes.argilla.place import Place
from tests.fakes.argilla.state import stamped

QUESTIONS: dict[str, Any] = {
    "quality": {"labels": ["bad", "good"]},
    "order": {"type": "ranking", "labels": ["a", "b"], "required": False},
    "stars": {"type": "rating", "labels": ["1", "2", "3"], "required": False},
    "why": {"type": "text", "required": False},
}


def push(place: Place, count: int = 2, **columns: Any) -> list[dict[str, Any]]:
    """Records r0, r1, ... whose quality `judge` suggests; what Argilla has of them."""
    step = ToArgilla(
        **place.own,
        dataset_name="answers",
        fields={"text": "text"},
        questions=QUESTIONS,
        suggestions={"quality": {"value": "label", "score": "score", "agent": "agent"}},
        metadata=["round", "topic"],
        record_id="id",
    )
    about = {"label": "bad", "score": 0.75, "agent": "judge", "round": 2, "topic": "x", **columns}
    place.loaded(step).process([{"id": f"r{at}", "text": f"text {at}", **about} for at in range(count)])
    return place.records("answers")


def load(place: Place, **parameters: Any) -> list[Row]:
    step = LoadAnnotationsFromArgilla(**{**place.own, "dataset_name": "answers", "question": "quality", **parameters})
    return list(place.loaded(step).generate())


def test_responses_and_suggestions_become_annotations(place: Place) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=1)
    key = place.add_user("ann")
    first, _ = push(place)
    place.respond(key, first, quality="good", why="It is right.")

    found = load(place, explanation_question="why", fields=["text"], metadata=["topic"], round_metadata="round")

    assert [(row["item"], row["kind"], row["label"], row["confidence"], row["explanation"]) for row in found] == [
        ("r0", "human", "good", None, "It is right."),
        ("r0", "llm", "bad", 0.75, ""),
        ("r1", "llm", "bad", 0.75, ""),
    ]
    assert found[0]["annotator"].startswith("ann")
    assert (found[1]["annotator"], found[1]["round"], found[1]["text"], found[1]["topic"]) == ("judge", 2, "text 0", "x")
    address = f"{place.url}/dataset/{place.dataset('answers')['id']}"
    assert [row["source"] for row in found[:2]] == [f"{address}#{first['id']}"] * 2
    for row in found:
        annotation = annotation_in(row)
        assert annotation.timestamp is not None
        assert begin < annotation.timestamp < datetime.now(UTC) + timedelta(seconds=1)
        assert set(row) == {*COLUMNS, "text", "topic"}
    assert len({row["annotation_id"] for row in found}) == 3


def test_the_same_is_read_in_the_same_order_page_by_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [place.add_user(f"ann{at}") for at in range(3)]
    for record in push(place, count=7):
        for key in keys:
            place.respond(key, record, quality="good")
    whole = load(place)
    monkeypatch.setattr("steps.argilla.dataset.PAGE_RECORDS", 2)

    assert load(place) == load(place) == whole
    assert [row["item"] for row in whole] == [f"r{at}" for at in range(7) for _ in range(4)]
    assert [row["annotator"][:4] for row in whole[:4]] == ["ann0", "ann1", "ann2", "judg"]


def test_drafts_and_discarded_responses_are_read_where_they_are_asked_for(place: Place) -> None:
    key, other = place.add_user("ann"), place.add_user("bob")
    first, second = push(place, label=None)
    place.respond(key, first, "draft", quality="good")
    place.respond(key, second, "discarded", quality="bad")
    place.respond(other, second, "discarded")

    assert load(place) == []
    assert [row["label"] for row in load(place, statuses=["draft"])] == ["good"]
    assert [row["label"] for row in load(place, statuses=["draft", "discarded"])] == ["good", "bad"]


def test_only_people_or_only_models(place: Place) -> None:
    key = place.add_user("ann")
    place.respond(key, push(place, count=1)[0], quality="good")

    assert [row["kind"] for row in load(place, with_suggestions=False)] == ["human"]
    assert [row["kind"] for row in load(place, with_responses=False)] == ["llm"]


@pytest.mark.parametrize(
    ("question", "answer", "label"),
    [
        ("order", [{"value": "b", "rank": 1}, {"value": "a", "rank": 2}], ["b", "a"]),
        ("stars", 3, 3.0),
        ("why", "So.", "So."),
        (None, "good", "good"),
    ],
)
def test_answers_have_the_form_of_their_question(question: str | None, answer: Any, label: Any, place: Place) -> None:
    key = place.add_user("ann")
    [record] = push(place, count=1, label=None)
    place.respond(key, record, **{"quality": "good", question or "quality": answer})

    assert [row["label"] for row in load(place, question=question)] == [label]


def test_a_draft_that_is_not_whole_is_left_out_and_told(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    key = place.add_user("ann")
    [record] = push(place, count=1)
    place.respond(key, record, "draft", order=[{"value": "b"}])

    assert load(place, question="order", statuses=["draft"]) == []
    assert "1 answers to 'order' are not whole" in caplog.text


def test_an_admin_of_the_workspace_sees_the_names_of_its_users(argilla: FakeArgilla, fake: Place) -> None:
    key, admin = fake.add_user("ann"), argilla.add_user("boss", role="admin")
    argilla.users.append(stamped(username="gone", role="annotator", api_key="gone.key", first_name="", last_name=None))
    [record] = push(fake, count=1, label=None)
    for one in (key, admin, "gone.key"):
        fake.respond(one, record, quality="good")

    found = [row["annotator"] for row in load(fake, api_key=admin)]

    assert found == ["ann", "boss", argilla.users[-1]["id"]]


def test_what_cannot_be_read_is_told(place: Place) -> None:
    push(place)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"dataset_name": "anwsers"}, "there is no data set 'anwsers' .* Did you mean 'answers'?"),
        ({"question": "qualty"}, "has no question 'qualty'. Did you mean 'quality'?"),
        ({"explanation_question": "because"}, "has no question 'because'"),
        ({"fields": ["txt"]}, "has no field 'txt'"),
        ({"round_metadata": "topic"}, "record 'r0' has 'x' in metadata 'topic', which is no round"),
        ({"api_key": place.add_user("ann")}, "may not do this"),
    ]
    for changed, seen in wrong:
        with pytest.raises(RunError, match=seen):
            load(place, **changed)


def test_records_that_are_deleted_meanwhile_are_told(
    argilla: FakeArgilla, fake: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steps.argilla.dataset.PAGE_RECORDS", 2)
    push(fake, count=5)
    step = LoadAnnotationsFromArgilla(**fake.own, dataset_name="answers", question="quality")
    found = fake.loaded(step).generate()
    next(found)
    del argilla.dataset("answers").records["r0"]

    with pytest.raises(RunError, match="records of 'answers' were deleted while they were read"):
        list(found)


def test_a_data_set_without_records_gives_no_rows(place: Place) -> None:
    push(place, count=0)

    assert load(place) == []


@pytest.mark.parametrize(
    ("parameters", "seen"),
    [
        ({"fields": ["label"]}, "label would replace a column of the annotation"),
        ({"fields": ["text"], "metadata": ["text"]}, "name it once"),
        ({"with_responses": False, "with_suggestions": False}, "neither responses nor suggestions are read"),
    ],
)
def test_parameters_that_cannot_be_are_told(parameters: dict[str, Any], seen: str) -> None:
    [found] = LoadAnnotationsFromArgilla(dataset_name="a", **parameters).check()

    assert seen in str(found)
