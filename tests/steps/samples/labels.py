from __future__ import annotations

from typing import Any

from steps.labels.judge_panel import JudgePanel
from tests.steps.samples.rows import texts
from tests.steps.samples.sample import Sample, Samples

JUDGES = [{"name": "ada"}, {"name": "bob", "prompt": "Be strict with {{ text }}."}, {"name": "rule", "template": "{{ '' }}"}]


def _panel(labels: list[str], **question: Any) -> JudgePanel:
    parameters: dict[str, Any] = {"explains": True, "asks_confidence": True, "judges": JUDGES}
    return JudgePanel(question={"labels": labels, **question}, columns=["text"], **parameters)


SAMPLES: Samples = {
    "JudgePanel": [
        Sample(_panel(["good", "bad"]), texts),
        Sample(_panel(["tone", "form"], type="multi_label"), texts),
        Sample(_panel(["1", "2", "3"], type="rating"), texts),
        Sample(_panel(["a", "b", "c"], type="ranking"), texts),
        Sample(_panel(["odd"], type="spans"), texts),
        Sample(_panel([], type="text"), texts),
    ],
}
