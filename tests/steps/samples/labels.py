from __future__ import annotations

from typing import Any

from steps.base import Row
from steps.labels.compare_strategies import CompareStrategies
from steps.labels.consolidate_labels import ConsolidateLabels
from steps.labels.judge_panel import JudgePanel
from steps.labels.load_annotations import LoadAnnotations
from steps.labels.report_annotators import ReportAnnotators
from steps.labels.select_for_review import SelectForReview
from tests.steps.samples.rows import texts
from tests.steps.samples.sample import Sample, Samples

JUDGES = [{"name": "ada"}, {"name": "bob", "prompt": "Be strict with {{ text }}."}, {"name": "rule", "template": "{{ '' }}"}]


def _annotation(text: str) -> Row:
    said = f"is {text}"  # names and labels are never blank
    return {"item": said, "annotator": said, "label": said, "explanation": text, "text": text}


def _consolidated(text: str) -> Row:
    return {"item": text, "uncertainty": 0.3, "conflicts": [{"label": text, "annotators": [text]}]}


def _no_row(text: str) -> Row:
    return {}


def _panel(labels: list[str], **question: Any) -> JudgePanel:
    parameters: dict[str, Any] = {"explains": True, "asks_confidence": True, "judges": JUDGES}
    return JudgePanel(question={"labels": labels, **question}, columns=["text"], **parameters)


SAMPLES: Samples = {
    "CompareStrategies": [Sample(CompareStrategies(strategies=["majority", "learned"]), _annotation)],
    "ConsolidateLabels": [
        Sample(ConsolidateLabels(), _annotation),
        Sample(ConsolidateLabels(strategy="majority"), _annotation),
    ],
    "LoadAnnotations": [Sample(LoadAnnotations(data_files="*.csv"), _no_row)],
    "ReportAnnotators": [Sample(ReportAnnotators(), _annotation)],
    "SelectForReview": [Sample(SelectForReview(num_items=1), _consolidated)],
    "JudgePanel": [
        Sample(_panel(["good", "bad"]), texts),
        Sample(_panel(["tone", "form"], type="multi_label"), texts),
        Sample(_panel(["1", "2", "3"], type="rating"), texts),
        Sample(_panel(["a", "b", "c"], type="ranking"), texts),
        Sample(_panel(["odd"], type="spans"), texts),
        Sample(_panel([], type="text"), texts),
    ],
}
