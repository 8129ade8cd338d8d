from __future__ import annotations

from steps.base import Row
from steps.labels.consolidate_labels import ConsolidateLabels
from tests.steps.samples.sample import Sample, Samples


def _annotation(text: str) -> Row:
    said = f"is {text}"  # names and labels are never blank
    return {"item": said, "annotator": said, "label": said, "explanation": text, "text": text}


SAMPLES: Samples = {
    "ConsolidateLabels": [
        Sample(ConsolidateLabels(), _annotation),
        Sample(ConsolidateLabels(strategy="majority"), _annotation),
    ],
}
