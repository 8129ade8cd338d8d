"""Labels back to their records, on a fake server and on a real one."""

from __future__ import annotations

from typing import Any

import pytest

from steps.argilla.load_annotations_from_argilla import LoadAnnotationsFromArgilla
from steps.argilla.to_argilla import ToArgilla
from steps.argilla.write_labels_to_argilla import WriteLabelsToArgilla
from steps.base import Row
from steps.errors import RowError, RunError
from tests.fakes.argilla import FakeArgilla
from tests.fakes.argilla.place import Place

QUESTIONS: dict[str, Any] = {
    "quality": {"labels": ["bad", "good"]},
    "tags": {"type": "multi_label", "labels": ["long", "odd"], "required": False},
}


def push(place: Place) -> None:
    step = ToArgilla(
        **place.own, dataset_name="answers", fields={"text": "text"}, questions=QUESTIONS, metadata=["topic"], record_id="id"
    )
    place.loaded(step).process([{"id": f"r{at}", "text": "a", "topic": "x"} for at in range(3)])


def writing(place: Place, **parameters: Any) -> WriteLabelsToArgilla:
    told = {"dataset_name": "answers", "question": "quality", "certain_from": 0.9}
    return place.loaded(WriteLabelsToArgilla(**{**place.own, **told, **parameters}))


def label(name: str, **columns: Any) -> Row:
    more = {"probability": 0.95, "uncertainty": 0.05, "strategy": {"name": "one_coin", "version": 1, "hash": "ab12"}}
    return {"item": name, "label": "good", **more, **columns}


def test_a_label_becomes_the_suggestion_and_marks_who_is_certain(place: Place) -> None:
    push(place)
    key = place.add_user("ann")
    place.respond(key, place.records("answers")[0], quality="bad")
    rows = [label("r0"), label("r1", label="bad", probability=0.5, uncertainty=0.75, strategy="by hand")]

    assert writing(place).process(rows) == rows
    writing(place).process(rows)

    said = place.suggested("answers", "quality")
    assert {name: (one["value"], one["score"], one["agent"]) for name, one in said.items()} == {
        "r0": ("good", 0.95, "consolidated/one-coin-v1-ab12"),
        "r1": ("bad", 0.5, "consolidated/by hand"),
    }
    records = place.records("answers")
    assert [one["metadata"] for one in records] == [
        {"topic": "x", "uncertainty": 0.05, "review": "done"},
        {"topic": "x", "uncertainty": 0.75, "review": "open"},
        {"topic": "x"},
    ]
    assert [one["values"]["quality"]["value"] for one in records[0]["responses"]] == ["bad"]


@pytest.mark.argilla
@pytest.mark.xdist_group("argilla")
def test_only_open_records_are_left_at_the_address_that_is_told(real: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="steps")
    push(real)
    key = real.add_user("ann")
    writing(real).process([label("r0"), label("r1", probability=0.5), label("r2", probability=0.6)])

    address = str(caplog.records[-1].args[0] if isinstance(caplog.records[-1].args, tuple) else "")
    assert address.endswith("?page=1&status=pending&metadata=review.open&sort=metadata.uncertainty.desc")
    scope = {"entity": "metadata", "metadata_property": "review"}
    with real.client(key) as client:
        told = {"filters": {"and": [{"type": "terms", "scope": scope, "values": ["open"]}]}}
        found = client.post(f"me/datasets/{real.dataset('answers')['id']}/records/search", json=told).raise_for_status()
    assert sorted(one["record"]["external_id"] for one in found.json()["items"]) == ["r1", "r2"]


def test_a_label_that_was_written_is_not_read_as_an_annotation(place: Place) -> None:
    push(place)
    writing(place).process([label("r0")])

    assert list(place.loaded(LoadAnnotationsFromArgilla(**place.own, dataset_name="answers")).generate()) == []


def push_judged(place: Place, agent: str | None = "judge") -> None:
    """Records of which one has the suggestion of a model, and the others none."""
    suggestions = {"quality": {"value": "judged", "agent": "agent"}}
    step = ToArgilla(
        **place.own,
        dataset_name="answers",
        fields={"text": "text"},
        questions={**QUESTIONS, "settled": {"labels": ["bad", "good"], "required": False}},
        suggestions=suggestions,
        record_id="id",
    )
    judged: list[Row] = [{"judged": None, "agent": None}, {"judged": None, "agent": None}, {"judged": "bad", "agent": agent}]
    place.loaded(step).process([{"id": f"r{at}", "text": "a", **said} for at, said in enumerate(judged)])


@pytest.mark.parametrize(("agent", "seen"), [("judge", "of 'judge'"), (None, "nobody that is named")])
def test_what_a_model_suggests_is_not_replaced_unless_it_may_be(
    agent: str | None, seen: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steps.argilla.dataset.PAGE_RECORDS", 2)
    push_judged(place, agent)
    before = place.records("answers")

    with pytest.raises(RunError) as caught:
        writing(place)

    assert "record 'r2' of data set 'answers'" in caught.value.message
    assert seen in caught.value.message
    assert "`replaces_suggestions: true`" in caught.value.fix
    assert place.records("answers") == before, "nothing is written, also where nothing would be replaced"

    writing(place, replaces_suggestions=True).process([label("r2")])
    assert place.suggested("answers", "quality")["r2"]["agent"] == "consolidated/one-coin-v1-ab12"
    writing(place).process([label("r2", label="bad")])
    assert place.suggested("answers", "quality")["r2"]["value"] == "bad"


def test_labels_in_a_question_of_their_own_leave_what_a_model_suggests(place: Place) -> None:
    push_judged(place)

    writing(place, question="settled").process([label("r2")])

    assert place.suggested("answers", "settled")["r2"]["value"] == "good"
    load = place.loaded(LoadAnnotationsFromArgilla(**place.own, dataset_name="answers", question="quality"))
    assert [(row["item"], row["annotator"], row["label"]) for row in load.generate()] == [("r2", "judge", "bad")]


def test_several_labels_get_a_score_each(place: Place) -> None:
    push(place)
    writing(place, question="tags", certain_from=None).process([label("r0", label=["odd", "long"])])

    assert place.suggested("answers", "tags")["r0"]["score"] == [0.95, 0.95]
    assert "review" not in place.records("answers")[0]["metadata"]


@pytest.mark.parametrize(
    ("columns", "seen"),
    [
        ({"item": "r9"}, "data set 'answers' has no record 'r9'"),
        ({"label": "ugly"}, "not 'ugly'"),
        ({"probability": 1.5}, "column 'probability' holds 1.5"),
        ({"probability": None}, "column 'probability' is empty"),
        ({"uncertainty": "much"}, "column 'uncertainty' holds 'much'"),
    ],
)
def test_a_row_that_cannot_be_written_is_told_alone(columns: Row, seen: str, place: Place) -> None:
    push(place)
    step = writing(place)

    with pytest.raises(RowError) as caught:
        step.process([label("r0", **columns)])

    assert seen in caught.value.message
    assert place.suggested("answers", "quality") == {}


def test_a_question_that_is_not_there_is_told_before_the_first_row(argilla: FakeArgilla, fake: Place) -> None:
    push(fake)

    with pytest.raises(RunError, match="no question 'qualty'"):
        writing(fake, question="qualty")


def test_the_question_must_be_named() -> None:
    assert list(WriteLabelsToArgilla(dataset_name="a").check()) == ["`question` is missing: which one do the labels answer?"]
