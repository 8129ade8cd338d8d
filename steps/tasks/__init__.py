"""Steps that ask a model about each row. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.tasks.prometheus_eval import PrometheusEval
    from steps.tasks.reward_model_score import RewardModelScore
    from steps.tasks.text_generation import TextGeneration
    from steps.tasks.ultra_feedback import UltraFeedback
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "PrometheusEval",
    "RewardModelScore",
    "TextGeneration",
    "UltraFeedback",
]
