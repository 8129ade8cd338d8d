from __future__ import annotations

from typing import ClassVar

from steps.argilla.load_annotations_from_argilla import LoadAnnotationsFromArgilla
from steps.argilla.preference_to_argilla import PreferenceToArgilla
from steps.argilla.questions import ArgillaQuestion
from steps.argilla.text_generation_to_argilla import TextGenerationToArgilla
from steps.argilla.to_argilla import SuggestedBy, ToArgilla
from steps.argilla.write_labels_to_argilla import WriteLabelsToArgilla
from steps.base import Row
from tests.steps.samples.sample import Sample, Samples

QUALITY = ArgillaQuestion(labels=["bad", "good"])
QUESTIONS = {
    "tags": ArgillaQuestion(type="multi_label", labels=["long", "odd"], required=False),
    "stars": ArgillaQuestion(type="rating", labels=["1", "2", "3"], required=False),
    "order": ArgillaQuestion(type="ranking", labels=["a", "b"], required=False),
    "errors": ArgillaQuestion(type="spans", field="text", labels=["error"], required=False),
    "why": ArgillaQuestion(type="text", required=False),
}


def _no_row(text: str) -> Row:
    return {}


def answer(text: str) -> Row:
    return {"instruction": text, "generation": text}


def rated(text: str) -> Row:
    return {"instruction": text, "generations": [text, text], "ratings": [1, 5], "rationales": [text, text]}


def whole(text: str) -> Row:
    """A row that fills all that a record may have."""
    shown = f"{text}."
    return {
        "chat": [{"role": "user", "content": shown[:1000]}],
        "picture": "https://example.org/a.png",
        "shape": {"corners": 4},
        "text": shown,
        "tags": ["odd"],
        "stars": 2,
        "order": ["b", "a"],
        "errors": [{"start": 0, "end": 1, "label": "error"}],
        "why": shown,
        "score": 0.5,
        "agent": "a judge",
        "topic": shown,
        "length": len(text),
        "weight": 0.5,
        "uncertainty": 0.25,
        "embedding": [0.5, 1.0],
        "number": 7,
    }


def labelled(text: str) -> Row:
    return {"item": "r1", "label": "good", "probability": 0.9, "uncertainty": 0.1, "strategy": f"majority {text}"}


class RatingsHere(PreferenceToArgilla):
    """PreferenceToArgilla without a server: rows are checked, and nothing is sent."""

    reaches: ClassVar[str] = ""
    push: bool = False


class AnswersHere(TextGenerationToArgilla):
    """TextGenerationToArgilla without a server."""

    reaches: ClassVar[str] = ""
    push: bool = False


class RecordsHere(ToArgilla):
    """ToArgilla without a server."""

    reaches: ClassVar[str] = ""
    push: bool = False


class LabelsHere(WriteLabelsToArgilla):
    """WriteLabelsToArgilla without a server."""

    reaches: ClassVar[str] = ""
    push: bool = False


SAMPLES: Samples = {
    "LoadAnnotationsFromArgilla": [Sample(LoadAnnotationsFromArgilla(dataset_name="answers", question="quality"), _no_row)],
    "PreferenceToArgilla": [Sample(RatingsHere(dataset_name="ratings", num_generations=2), rated)],
    "TextGenerationToArgilla": [Sample(AnswersHere(dataset_name="answers"), answer)],
    "ToArgilla": [
        Sample(RecordsHere(dataset_name="answers", fields={"generation": "text"}, questions={"quality": QUALITY}), answer),
        Sample(
            RecordsHere(
                dataset_name="records",
                fields={"chat": "chat", "picture": "image", "shape": "custom", "text": "text"},
                optional_fields=["chat", "picture", "shape"],
                templates={"shape": "{{record.fields.shape.corners}}"},
                questions={**QUESTIONS, "quality": QUALITY},
                suggestions={name: SuggestedBy(value=name, score="score", agent="agent") for name in QUESTIONS},
                metadata={"topic": "terms", "length": "integer", "weight": "float"},
                order_by="uncertainty",
                vectors=["embedding"],
                record_id="number",
            ),
            whole,
        ),
    ],
    "WriteLabelsToArgilla": [Sample(LabelsHere(dataset_name="answers", question="quality"), labelled)],
}
