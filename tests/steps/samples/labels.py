from __future__ import annotations

from typing import Any

from steps.base import Row
from steps.labels.consolidate_labels import ConsolidateLabels
from steps.labels.judge_panel import JudgePanel
from tests.steps.samples.rows import texts
from tests.steps.samples.sample import Sample, Samples

JUDGES = [{"name": "ada"}, {"name": "bob", "prompt": "Be strict with {{ text }}."}, {"name": "rule", "template": "{{ '' }}"}]


def _annotation(text: str) -> Row:
    said = f"is {text}"  # names and labels are never blank
    return {"item": said, "annotator": said, "label": said, "explanation": text, "text": text}


def _panel(labels: list[str], **question: Any) -> JudgePanel:
    parameters: dict[str, Any] = {"explains": True, "asks_confidence": True, "judges": JUDGES}
    return JudgePanel(question={"labels": labels, **question}, columns=["text"], **parameters)


SAMPLES: Samples = {
    "ConsolidateLabels": [
        Sample(ConsolidateLabels(), _annotation),
        Sample(ConsolidateLabels(strategy="majority"), _annotation),
    ],
    "JudgePanel": [
        Sample(_panel(["good", "bad"]), texts),
        Sample(_panel(["tone", "form"], type="multi_label"), texts),
        Sample(_panel(["1", "2", "3"], type="rating"), texts),
        Sample(_panel(["a", "b", "c"], type="ranking"), texts),
        Sample(_panel(["odd"], type="spans"), texts),
        Sample(_panel([], type="text"), texts),
    ],
}
