"""Rows as records, on a fake server and on a real one."""

from __future__ import annotations

from typing import Any

import pytest

from steps.argilla.api import ArgillaAPI
from steps.argilla.to_argilla import ToArgilla
from steps.base import Row
from steps.errors import RowError, RunError
from tests.fakes.argilla import FakeArgilla
from tests.fakes.argilla.place import Place
from tests.fakes.argilla.state import FAULT, Refusal

QUESTIONS: dict[str, Any] = {
    "quality": {"labels": ["bad", "good"], "title": "How good?"},
    "tags": {"type": "multi_label", "labels": ["long", "odd"], "required": False},
    "stars": {"type": "rating", "labels": ["1", "2", "3"], "required": False},
    "order": {"type": "ranking", "labels": ["a", "b"], "required": False},
    "errors": {"type": "spans", "field": "text", "labels": ["error"], "required": False},
    "why": {"type": "text", "required": False},
}
ANSWERS: Row = {
    "quality": "good",
    "tags": ["odd", "long"],
    "stars": 2.0,
    "order": ["b", "a"],
    "errors": [{"start": 2, "end": 4, "label": "error"}],
    "why": "It is so.",
}
SUGGESTED = {name: {"value": name, "score": "score", "agent": "model_name"} for name in QUESTIONS}


def simple(place: Place, **parameters: Any) -> ToArgilla:
    told = {"dataset_name": "answers", "fields": {"text": "text"}, "questions": {"quality": QUESTIONS["quality"]}}
    return ToArgilla(**{**place.own, **told, **parameters})


def rows(count: int) -> list[Row]:
    return [{"id": f"r{at}", "text": f"text {at}", "uncertainty": at / 10} for at in range(count)]


def test_a_row_becomes_a_record_with_all_that_it_has(place: Place) -> None:
    step = simple(
        place,
        fields={"text": "text", "chat": "chat", "picture": "image", "shape": "custom"},
        optional_fields=["chat", "picture"],
        templates={"shape": "<b>{{record.fields.shape.corners}}</b>"},
        questions=QUESTIONS,
        suggestions=SUGGESTED,
        metadata=["topic", "length", "weight"],
        order_by="uncertainty",
        vectors=["meaning"],
        record_id="id",
        guidelines="Read first.",
        min_submitted=3,
    )
    chat = [{"role": "user", "content": "Hello"}]
    about = {"id": 7, "text": "some text", "chat": chat, "shape": {"corners": 4}, "picture": None}
    more = {"score": 0.5, "model_name": "a judge@home", "topic": True, "length": 9, "weight": 0.5, "uncertainty": 1}
    row = {**about, **ANSWERS, **more, "meaning": [0, 1]}

    assert place.loaded(step).process([row]) == [row]

    [record] = place.records("answers")
    assert (record["external_id"], record["status"]) == ("7", "pending")
    assert record["fields"] == {"text": "some text", "chat": chat, "shape": {"corners": 4}}
    assert record["metadata"] == {"topic": "true", "length": 9, "weight": 0.5, "uncertainty": 1.0}
    dataset = place.dataset("answers")
    assert (dataset["guidelines"], dataset["distribution"]["min_submitted"]) == ("Read first.", 3)
    said = {name: place.suggested("answers", name)["7"] for name in QUESTIONS}
    assert {name: one["value"] for name, one in said.items()} == {
        **ANSWERS,
        "stars": 2,
        "order": [{"value": "b", "rank": 1}, {"value": "a", "rank": 2}],
    }
    assert {name: one["score"] for name, one in said.items()} == {
        "quality": 0.5,
        "tags": [0.5, 0.5],
        "stars": 0.5,
        "order": [0.5, 0.5],
        "errors": [0.5],
        "why": 0.5,
    }
    assert {one["agent"] for one in said.values()} == {"a judge-home"}


def test_a_record_sent_again_is_changed_and_not_doubled(place: Place) -> None:
    step = place.loaded(simple(place, suggestions={"quality": {"value": "label"}}, record_id="id"))
    step.process([{**row, "label": "bad"} for row in rows(3)])
    step.process([{**row, "text": "new", "label": "good"} for row in rows(2)])

    records = place.records("answers")
    assert [(one["external_id"], one["fields"]["text"]) for one in records] == [("r0", "new"), ("r1", "new"), ("r2", "text 2")]
    assert [one["value"] for one in place.suggested("answers", "quality").values()] == ["good", "good", "bad"]


def test_without_an_id_a_record_is_known_by_its_fields(place: Place) -> None:
    place.loaded(simple(place)).process([*rows(2), {"text": "text 0", "other": 1}])
    place.loaded(simple(place)).process(rows(3))

    assert [one["fields"]["text"] for one in place.records("answers")] == ["text 0", "text 1", "text 2"]


def test_what_users_said_goes_along(place: Place) -> None:
    place.add_user("ann")
    with place.client() as client:
        users = {one["id"]: one["username"] for one in client.get("users").json()["items"]}
    name = next(user for user in users.values() if user.startswith("ann"))
    row = {"text": "a", "said": [{"user": name, "values": {"quality": "bad"}}]}

    place.loaded(simple(place, responses="said")).process([row])

    [response] = place.records("answers")[0]["responses"]
    assert (users[response["user_id"]], response["values"], response["status"]) == (
        name,
        {"quality": {"value": "bad"}},
        "submitted",
    )


def test_metadata_that_come_later_are_known_later(place: Place) -> None:
    step = place.loaded(simple(place, metadata=["topic"], vectors=["meaning"]))
    step.process([{"text": "a", "topic": None, "meaning": None}])
    step.process([{"text": "b", "topic": "x", "meaning": [1, 2, 3]}])

    assert [one["metadata"] for one in place.records("answers")] == [{}, {"topic": "x"}]
    with pytest.raises(RowError, match="2 numbers; those of the data set have 3"):
        step.process([{"text": "c", "topic": "x", "meaning": [1, 2]}])
    with pytest.raises(RowError, match=r"'length' holds 0\.5, but is metadata of type 'integer'"):
        place.loaded(simple(place, metadata={"length": "integer"})).process([{"text": "c", "length": 0.5}])


@pytest.mark.argilla
@pytest.mark.xdist_group("argilla")
def test_people_get_the_most_uncertain_first_at_the_address_that_is_told(real: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="steps")
    key = real.add_user("ann")
    real.loaded(simple(real, record_id="id", order_by="uncertainty")).process(rows(5))

    [address] = [one.args[0] for one in caplog.records if isinstance(one.args, tuple) and one.args]
    assert str(address).endswith("annotation-mode?page=1&status=pending&sort=metadata.uncertainty.desc")
    scope = {"entity": "metadata", "metadata_property": "uncertainty"}
    with real.client(key) as client:
        place = f"me/datasets/{real.dataset('answers')['id']}/records/search"
        found = client.post(place, json={"sort": [{"scope": scope, "order": "desc"}]}).raise_for_status().json()
    assert [one["record"]["external_id"] for one in found["items"]] == ["r4", "r3", "r2", "r1", "r0"]


@pytest.mark.argilla
@pytest.mark.xdist_group("argilla")
@pytest.mark.filterwarnings("ignore")
def test_argillas_own_client_sees_the_same(real: Place) -> None:
    argilla = pytest.importorskip("argilla")
    real.loaded(simple(real, questions=QUESTIONS, suggestions=SUGGESTED, metadata=["topic"], record_id="id")).process(
        [{"id": "r0", "text": "some text", "topic": "x", "score": 0.5, "model_name": "judge", **ANSWERS}]
    )

    client = argilla.Argilla(api_url=real.url, api_key=real.key)
    dataset = client.datasets("answers", workspace=real.workspace)

    [record] = list(dataset.records)
    assert (record.id, dict(record.fields), dict(record.metadata)) == ("r0", {"text": "some text"}, {"topic": "x"})
    assert {one.question_name: one.value for one in record.suggestions} == {**ANSWERS, "stars": 2, "order": ["b", "a"]}
    assert {one.agent for one in record.suggestions} == {"judge"}


# ---- what goes wrong
@pytest.mark.parametrize(
    ("column", "value", "seen"),
    [
        ("text", ["a"], "column 'text' holds a list, not text"),
        ("text", None, "nothing in 'text'"),
        ("id", "", "column 'id' holds '', which can be no id"),
        ("id", "a\0b", "an id with characters that Argilla cannot keep"),
        ("chat", [{"role": "user", "content": ""}], "message 1 of 'chat' has 4 characters of role and 0 of text"),
        ("chat", "hello", "not a chat"),
        ("picture", "a.png", "which Argilla does not show as a picture"),
        ("picture", "data:text/html,x", "which Argilla does not show as a picture"),
        ("shape", [4], "column 'shape' holds a list, not a dict"),
        ("shape", {"x": float("nan")}, "a dict that is no JSON"),
        ("quality", "ugly", "it has 'bad', 'good', not 'ugly'"),
        ("tags", [], "holds no label at all"),
        ("stars", 4, "ratings are 1, 2, 3"),
        ("order", ["a"], "a ranking names at least two things"),
        ("errors", [{"start": 0, "end": 90, "label": "error"}], "'text' has 9 characters"),
        ("score", 2, "column 'score' holds 2, which is no score"),
        ("model_name", "???", "which Argilla cannot show"),
        ("meaning", [], "not a vector"),
        ("meaning", [0, 0], "all zeros"),
        ("meaning", [1, float("inf")], "no finite number"),
        ("uncertainty", "much", "metadata of type 'float'"),
        ("said", [{"user": "ann"}], "which is no user's response"),
        ("said", [{"user": "ann", "values": {"mood": "x"}}], "answers to mood"),
        ("said", [{"user": "anna", "values": {"quality": "bad"}}], "no user of Argilla. Did you mean 'ann'?"),
    ],
)
def test_an_odd_value_is_named_before_anything_is_sent(
    column: str, value: Any, seen: str, argilla: FakeArgilla, fake: Place
) -> None:
    argilla.add_user("ann")
    step = simple(
        fake,
        fields={"text": "text", "chat": "chat", "picture": "image", "shape": "custom"},
        optional_fields=["chat", "picture", "shape"],
        templates={"shape": "<b></b>"},
        questions=QUESTIONS,
        suggestions=SUGGESTED,
        responses="said",
        order_by="uncertainty",
        vectors=["meaning"],
        record_id="id",
    )
    good = {"id": "r1", "text": "some text", **ANSWERS, "score": 0.5, "model_name": "judge"}

    with pytest.raises(RowError) as caught:
        fake.loaded(step).process([good, {**good, column: value}])

    assert seen in caught.value.message
    assert fake.records("answers") == []


def test_characters_that_cannot_be_kept_are_shown_as_such(fake: Place) -> None:
    fake.loaded(simple(fake)).process([{"text": "a\0b\ud800c"}])

    assert fake.records("answers")[0]["fields"] == {"text": "a\ufffdb\ufffdc"}


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"fields": {}}, "`fields` is empty"),
        ({"questions": {}}, "`questions` is empty"),
        ({"optional_fields": ["text"]}, "all `fields` are optional"),
        ({"optional_fields": ["txt"]}, "`optional_fields` names 'txt', which is none of `fields`. Did you mean 'text'?"),
        ({"fields": {"text": "custom"}}, "custom fields need `templates`"),
        ({"questions": {"q": {"labels": ["one"]}}}, "needs at least 2 `labels`; it has 1"),
        ({"questions": {"q": {"type": "rating", "labels": ["1", "11"]}}}, "ratings that Argilla does not know: 11"),
        ({"questions": {"q": {"type": "spans", "labels": ["x"]}}}, "`field` must name a field that is a text; it says ''"),
        ({"questions": {"q": {"type": "text", "labels": ["x"]}}}, "is a text, which has no `labels`"),
        ({"questions": {"q": {"labels": ["a", "b"], "field": "text"}}}, "has a `field`, which only spans need"),
        ({"questions": {"q": {"labels": ["a", "b"], "texts": {"c": "C"}}}}, "`texts` for labels that it does not have: c"),
        ({"questions": {"q": {"labels": ["a", "b"], "required": False}}}, "no question is `required`"),
        ({"suggestions": {"qualty": {"value": "x"}}}, "Did you mean 'quality'?"),
        ({"vectors": list("abcdef")}, "`vectors` names 6 columns; Argilla takes 5"),
        ({"order_by": "x", "metadata": {"x": "terms"}}, "whose metadata are terms"),
        ({"dataset_name": None}, "`dataset_name` is missing"),
        ({"api_url": "ftp://host"}, "api_url must look like https://host"),
        ({"api_url": "https://me:secret@host"}, "api_url holds a user or a password"),
    ],
)
def test_parameters_that_cannot_be_are_told(changed: dict[str, Any], seen: str) -> None:
    place = Place("http://localhost:1", "key", "team", str)

    found = [one if isinstance(one, str) else one[0] for one in simple(place, **changed).check()]

    assert any(seen in one for one in found), found
    assert "secret" not in str(found)


def test_parameters_that_can_be_are_not_complained_about(fake: Place) -> None:
    assert list(simple(fake, questions=QUESTIONS, suggestions=SUGGESTED, order_by="u", metadata=["u"]).check()) == []


def test_a_data_set_that_has_something_else_is_told_from_what_is_wanted(place: Place) -> None:
    place.loaded(simple(place))
    changed = {
        "fields": {"text": "chat", "more": "text"},
        "questions": {"quality": {"labels": ["bad", "ugly"]}, "b": QUESTIONS["why"]},
    }

    with pytest.raises(RunError) as caught:
        place.loaded(simple(place, **changed))

    message = caught.value.message
    for part in ("field 'text' is of type 'text', not 'chat'", "no field 'more'", "'quality' has no 'ugly'", "no question 'b'"):
        assert part in message
    with pytest.raises(RunError, match="its field 'text' is required, and nothing fills it"):
        place.loaded(simple(place, fields={"more": "text"}))


def test_a_data_set_that_was_left_half_made_is_finished(place: Place) -> None:
    with place.client() as client:
        [workspace] = [one for one in client.get("me/workspaces").json()["items"] if one["name"] == place.workspace]
        distribution = {"strategy": "overlap", "min_submitted": 1}
        told = {"name": "answers", "workspace_id": workspace["id"], "distribution": distribution, "allow_extra_metadata": True}
        made = client.post("datasets", json=told).json()
        field = {"name": "text", "title": "text", "required": True, "settings": {"type": "text", "use_markdown": False}}
        assert client.post(f"datasets/{made['id']}/fields", json=field).status_code == 201

    place.loaded(simple(place)).process(rows(2))

    assert len(place.records("answers")) == 2


# ---- servers and keys
def test_what_is_wrong_with_server_or_key_is_said_before_the_first_row(argilla: FakeArgilla, fake: Place) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"api_key": "wrong.key"}, "does not take the key"),
        ({"api_key": argilla.add_user("ann")}, "may not do this"),
        ({"api_key": None}, "there is no key for Argilla"),
        ({"api_url": None}, "the address of Argilla's server is not known"),
        ({"dataset_workspace": "taem"}, "there is no workspace 'taem' .* Did you mean 'team'?"),
        ({"api_url": f"{fake.url}/elsewhere"}, "is no Argilla server"),
    ]
    for changed, seen in wrong:
        with pytest.raises(RunError, match=seen) as caught:
            fake.loaded(simple(fake, **changed))
        assert caught.value.fix
        assert ".key" not in str(caught.value)


def test_server_and_key_may_come_from_the_environment(fake: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGILLA_API_URL", f"{fake.url}/")
    monkeypatch.setenv("OTHER_KEY", fake.key)

    fake.loaded(simple(fake, api_url=None, api_key="${OTHER_KEY}", dataset_workspace=None)).process(rows(1))

    assert len(fake.records("answers")) == 1


def test_another_server_is_another_result(monkeypatch: pytest.MonkeyPatch) -> None:
    step = ToArgilla(dataset_name="answers")
    seen = set()
    for url in ("https://one.example", "https://two.example"):
        monkeypatch.setenv("ARGILLA_API_URL", url)
        seen.add(step.fingerprint())

    assert len(seen) == 2


def test_a_key_is_shown_nowhere(fake: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    step = fake.loaded(simple(fake))
    step.process(rows(1))

    assert fake.key not in f"{step!r} {step.model_dump()} {step.model_dump_json()} {caplog.text}"


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.argilla.api.PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("steps.argilla.api.FIRST_PAUSES_S", (0.0,))


@pytest.mark.usefixtures("no_pauses")
def test_a_failure_that_passes_is_passed_over(argilla: FakeArgilla, fake: Place) -> None:
    step = fake.loaded(simple(fake))
    failures = iter([503, 500])
    argilla.answer_with = lambda seen: Refusal(status, "busy") if (status := next(failures, 0)) else None

    step.process(rows(2))

    assert len(fake.records("answers")) == 2
    assert sum(one.method == "PUT" and one.path.endswith("/bulk") for one in argilla.requests) == 3


@pytest.mark.usefixtures("no_pauses")
def test_a_failure_that_stays_ends_the_run(argilla: FakeArgilla, fake: Place) -> None:
    step = fake.loaded(simple(fake))
    argilla.answer_with = lambda seen: Refusal(503, "busy")

    with pytest.raises(RunError, match="answers 503: busy") as caught:
        step.process(rows(2))

    assert "start it" in caught.value.fix


def test_a_fault_of_the_server_at_a_record_is_the_rows(argilla: FakeArgilla, fake: Place) -> None:
    step = fake.loaded(simple(fake))
    argilla.answer_with = lambda seen: FAULT

    with pytest.raises(RowError, match="Argilla breaks at this record: 'NoneType'") as caught:
        step.process(rows(1))

    assert "discarded" in caught.value.fix


@pytest.mark.argilla
@pytest.mark.xdist_group("argilla")
def test_a_record_with_a_response_that_was_discarded_without_answers_is_told(real: Place) -> None:
    key, step = real.add_user("ann"), real.loaded(simple(real))
    step.process(rows(1))
    with real.client(key) as client:
        client.post(f"records/{real.records('answers')[0]['id']}/responses", json={"status": "discarded"})

    with pytest.raises(RowError, match="Argilla breaks at this record: 'NoneType'"):
        step.process(rows(1))


def test_only_the_own_private_space_is_asked_with_the_token_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_tests")
    own = "https://me-argilla.hf.space"
    others = ["https://you-argilla.hf.space", "http://me-argilla.hf.space", "https://hf.space.example", "http://localhost:6900"]

    def token_sent_to(url: str) -> str | None:
        client = ArgillaAPI(url, "key")._client
        client.close()
        sent: str | None = client.headers.get("authorization")
        return sent

    assert token_sent_to(own) is None
    monkeypatch.setenv("ARGILLA_API_URL", f"{own}/")
    assert token_sent_to(own) == "Bearer hf_of_the_tests"
    assert [token_sent_to(url) for url in others] == [None] * len(others)
