"""Steps that ask a model about each row. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.tasks.api_gen_execution_checker import APIGenExecutionChecker
    from steps.tasks.api_gen_generator import APIGenGenerator
    from steps.tasks.api_gen_semantic_checker import APIGenSemanticChecker
    from steps.tasks.argilla_labeller import ArgillaLabeller
    from steps.tasks.bitext_retrieval_generator import BitextRetrievalGenerator
    from steps.tasks.chat_generation import ChatGeneration
    from steps.tasks.clair import CLAIR
    from steps.tasks.complexity_scorer import ComplexityScorer
    from steps.tasks.embedding_task_generator import EmbeddingTaskGenerator
    from steps.tasks.evol_complexity import EvolComplexity
    from steps.tasks.evol_complexity_generator import EvolComplexityGenerator
    from steps.tasks.evol_instruct import EvolInstruct
    from steps.tasks.evol_instruct_generator import EvolInstructGenerator
    from steps.tasks.evol_quality import EvolQuality
    from steps.tasks.generate_long_text_matching_data import GenerateLongTextMatchingData
    from steps.tasks.generate_sentence_pair import GenerateSentencePair
    from steps.tasks.generate_short_text_matching_data import GenerateShortTextMatchingData
    from steps.tasks.generate_text_classification_data import GenerateTextClassificationData
    from steps.tasks.generate_text_retrieval_data import GenerateTextRetrievalData
    from steps.tasks.genstruct import Genstruct
    from steps.tasks.image_generation import ImageGeneration
    from steps.tasks.instruction_backtranslation import InstructionBacktranslation
    from steps.tasks.magpie import Magpie
    from steps.tasks.magpie_generator import MagpieGenerator
    from steps.tasks.math_shepherd_completer import MathShepherdCompleter
    from steps.tasks.math_shepherd_generator import MathShepherdGenerator
    from steps.tasks.monolingual_triplet_generator import MonolingualTripletGenerator
    from steps.tasks.multi_turn_chat import MultiTurnChat
    from steps.tasks.pair_rm import PairRM
    from steps.tasks.prometheus_eval import PrometheusEval
    from steps.tasks.quality_scorer import QualityScorer
    from steps.tasks.reward_model_score import RewardModelScore
    from steps.tasks.self_instruct import SelfInstruct
    from steps.tasks.structured_generation import StructuredGeneration
    from steps.tasks.text_classification import TextClassification
    from steps.tasks.text_clustering import TextClustering
    from steps.tasks.text_generation import TextGeneration
    from steps.tasks.text_generation_with_image import TextGenerationWithImage
    from steps.tasks.ultra_feedback import UltraFeedback
    from steps.tasks.urial import URIAL
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "CLAIR",
    "URIAL",
    "APIGenExecutionChecker",
    "APIGenGenerator",
    "APIGenSemanticChecker",
    "ArgillaLabeller",
    "BitextRetrievalGenerator",
    "ChatGeneration",
    "ComplexityScorer",
    "EmbeddingTaskGenerator",
    "EvolComplexity",
    "EvolComplexityGenerator",
    "EvolInstruct",
    "EvolInstructGenerator",
    "EvolQuality",
    "GenerateLongTextMatchingData",
    "GenerateSentencePair",
    "GenerateShortTextMatchingData",
    "GenerateTextClassificationData",
    "GenerateTextRetrievalData",
    "Genstruct",
    "ImageGeneration",
    "InstructionBacktranslation",
    "Magpie",
    "MagpieGenerator",
    "MathShepherdCompleter",
    "MathShepherdGenerator",
    "MonolingualTripletGenerator",
    "MultiTurnChat",
    "PairRM",
    "PrometheusEval",
    "QualityScorer",
    "RewardModelScore",
    "SelfInstruct",
    "StructuredGeneration",
    "TextClassification",
    "TextClustering",
    "TextGeneration",
    "TextGenerationWithImage",
    "UltraFeedback",
]
