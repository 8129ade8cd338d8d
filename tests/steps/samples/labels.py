from __future__ import annotations

from steps.base import Row
from steps.labels.compare_strategies import CompareStrategies
from steps.labels.consolidate_labels import ConsolidateLabels
from steps.labels.load_annotations import LoadAnnotations
from steps.labels.report_annotators import ReportAnnotators
from steps.labels.select_for_review import SelectForReview
from tests.steps.samples.sample import Sample, Samples


def _annotation(text: str) -> Row:
    said = f"is {text}"  # names and labels are never blank
    return {"item": said, "annotator": said, "label": said, "explanation": text, "text": text}


def _consolidated(text: str) -> Row:
    return {"item": text, "uncertainty": 0.3, "conflicts": [{"label": text, "annotators": [text]}]}


def _no_row(text: str) -> Row:
    return {}


SAMPLES: Samples = {
    "CompareStrategies": [Sample(CompareStrategies(strategies=["majority", "learned"]), _annotation)],
    "ConsolidateLabels": [
        Sample(ConsolidateLabels(), _annotation),
        Sample(ConsolidateLabels(strategy="majority"), _annotation),
    ],
    "LoadAnnotations": [Sample(LoadAnnotations(data_files="*.csv"), _no_row)],
    "ReportAnnotators": [Sample(ReportAnnotators(), _annotation)],
    "SelectForReview": [Sample(SelectForReview(num_items=1), _consolidated)],
}
