"""distilabel's two steps: answers to be called good or bad, and answers to be rated."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from steps.argilla.preference_to_argilla import PreferenceToArgilla
from steps.argilla.text_generation_to_argilla import TextGenerationToArgilla
from steps.base import Row
from steps.errors import RowError
from tests.fakes.argilla.place import Place

RATED: Row = {
    "instruction": "Name a river.",
    "generations": ["The Rhine.", None, "Cheese."],
    "ratings": [5, 3, "1"],
    "rationales": ["It is one.", "", None],
    "model_name": "judge",
}


def test_each_answer_becomes_a_record_that_is_good_or_bad(place: Place) -> None:
    rows = [{"instruction": "Name a river.", "generation": ["The Rhine.", "Cheese.", "The Rhine."]}]
    step = place.loaded(TextGenerationToArgilla(**place.own, dataset_name="answers"))

    assert step.process(rows) == rows
    step.process(rows)

    assert [one["fields"] for one in place.records("answers")] == [
        {"instruction": "Name a river.", "generation": "The Rhine."},
        {"instruction": "Name a river.", "generation": "Cheese."},
    ]
    quality = place.questions("answers")["quality"]
    assert [one["value"] for one in quality["settings"]["options"]] == ["bad", "good"]
    assert quality["required"]


def test_answers_are_shown_with_their_ratings_and_why(place: Place) -> None:
    step = place.loaded(PreferenceToArgilla(**place.own, dataset_name="ratings", num_generations=3))
    step.process([RATED])
    step.process([RATED])

    [record] = place.records("ratings")
    assert record["fields"] == {
        "instruction": "Name a river.",
        "generations-0": "The Rhine.",
        "generations-2": "Cheese.",
    }
    questions = place.questions("ratings")
    assert [name for name, one in questions.items() if one["required"]] == ["generations-0-rating"]
    names = {one["id"]: name for name, one in questions.items()}
    assert {names[one["question_id"]]: (one["value"], one["agent"]) for one in record["suggestions"]} == {
        "generations-0-rating": (5, "judge"),
        "generations-2-rating": (1, "judge"),
        "generations-0-rationale": ("It is one.", "judge"),
    }


def test_a_data_set_that_distilabel_made_gets_its_id(place: Place) -> None:
    settings = {"type": "text", "use_markdown": False}
    options = [{"value": "bad", "text": "👎"}, {"value": "good", "text": "👍"}]
    question = {"name": "quality", "title": "?", "required": True, "settings": {"type": "label_selection", "options": options}}
    with place.client() as client:
        [workspace] = [one for one in client.get("me/workspaces").json()["items"] if one["name"] == place.workspace]
        distribution = {"strategy": "overlap", "min_submitted": 1}
        told = {"name": "answers", "workspace_id": workspace["id"], "distribution": distribution, "allow_extra_metadata": True}
        dataset = client.post("datasets", json=told).json()["id"]
        for name in ("id", "instruction", "generation"):
            field = {"name": name, "title": name, "required": True, "settings": settings}
            client.post(f"datasets/{dataset}/fields", json=field).raise_for_status()
        client.post(f"datasets/{dataset}/questions", json=question).raise_for_status()
        client.put(f"datasets/{dataset}/publish").raise_for_status()

    step = TextGenerationToArgilla(**place.own, dataset_name="answers")
    place.loaded(step).process([{"instruction": "Name a river.", "generation": "The Rhine."}])

    [record] = place.records("answers")
    assert record["fields"]["id"] == hashlib.sha256(b"Name a river.").hexdigest()


@pytest.mark.parametrize(
    ("columns", "seen"),
    [
        ({"generations": []}, "column 'generations' begins with no answer"),
        ({"generations": [None, "a"]}, "column 'generations' begins with no answer"),
        ({"generations": "The Rhine."}, "column 'generations' holds a str, not a list"),
        ({"generations": list("abcd")}, "column 'generations' holds 4 values, and 3 are shown"),
        ({"generations": [["a"]]}, "column 'generations' holds a list, not text"),
        ({"ratings": [6]}, "ratings are 1, 2, 3, 4, 5"),
        ({"ratings": [4.5]}, "ratings are 1, 2, 3, 4, 5"),
        ({"rationales": [4]}, "column 'rationales' holds 4, no answer to a question of type 'text'"),
        ({"instruction": None}, "nothing in 'instruction'"),
    ],
)
def test_a_row_that_cannot_be_shown_is_told(columns: dict[str, Any], seen: str) -> None:
    step = PreferenceToArgilla(dataset_name="ratings", num_generations=3, push=False)

    with pytest.raises(RowError) as caught:
        step.process([{**RATED, **columns}])

    assert seen in caught.value.message
