"""Steps that ask a model about each row. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.tasks.evol_complexity import EvolComplexity
    from steps.tasks.evol_complexity_generator import EvolComplexityGenerator
    from steps.tasks.evol_instruct import EvolInstruct
    from steps.tasks.evol_instruct_generator import EvolInstructGenerator
    from steps.tasks.evol_quality import EvolQuality
    from steps.tasks.magpie import Magpie
    from steps.tasks.magpie_generator import MagpieGenerator
    from steps.tasks.math_shepherd_completer import MathShepherdCompleter
    from steps.tasks.math_shepherd_generator import MathShepherdGenerator
    from steps.tasks.prometheus_eval import PrometheusEval
    from steps.tasks.text_generation import TextGeneration
    from steps.tasks.ultra_feedback import UltraFeedback
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "EvolComplexity",
    "EvolComplexityGenerator",
    "EvolInstruct",
    "EvolInstructGenerator",
    "EvolQuality",
    "Magpie",
    "MagpieGenerator",
    "MathShepherdCompleter",
    "MathShepherdGenerator",
    "PrometheusEval",
    "TextGeneration",
    "UltraFeedback",
]
