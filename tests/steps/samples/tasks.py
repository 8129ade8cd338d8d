from __future__ import annotations

from steps.tasks.prometheus_eval import PrometheusEval
from steps.tasks.reward_model_score import RewardModelScore
from steps.tasks.text_generation import TextGeneration
from steps.tasks.ultra_feedback import UltraFeedback
from tests.steps.samples.rows import answer, answers
from tests.steps.samples.sample import Sample, Samples

SAMPLES: Samples = {
    "RewardModelScore": [Sample(RewardModelScore(model="acme/reward"), answer)],
    "TextGeneration": [Sample(TextGeneration(), answer)],
    "UltraFeedback": [
        Sample(UltraFeedback(aspect="overall-rating"), answers),
        Sample(UltraFeedback(aspect="instruction-following"), answers),
        Sample(UltraFeedback(aspect="honesty"), answers),
        Sample(UltraFeedback(aspect="truthfulness"), answers),
        Sample(UltraFeedback(aspect="helpfulness"), answers),
    ],
    "PrometheusEval": [
        Sample(PrometheusEval(mode="absolute", rubric="helpfulness"), answer),
        Sample(PrometheusEval(mode="absolute", rubric="reasoning", reference=True), answer),
        Sample(PrometheusEval(mode="relative", rubric="honesty"), answers),
    ],
}
