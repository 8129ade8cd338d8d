"""Steps that ask a model about each row. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.tasks.api_gen_execution_checker import APIGenExecutionChecker
    from steps.tasks.api_gen_generator import APIGenGenerator
    from steps.tasks.api_gen_semantic_checker import APIGenSemanticChecker
    from steps.tasks.bitext_retrieval_generator import BitextRetrievalGenerator
    from steps.tasks.embedding_task_generator import EmbeddingTaskGenerator
    from steps.tasks.generate_long_text_matching_data import GenerateLongTextMatchingData
    from steps.tasks.generate_short_text_matching_data import GenerateShortTextMatchingData
    from steps.tasks.generate_text_classification_data import GenerateTextClassificationData
    from steps.tasks.generate_text_retrieval_data import GenerateTextRetrievalData
    from steps.tasks.monolingual_triplet_generator import MonolingualTripletGenerator
    from steps.tasks.prepare_examples import PrepareExamples
    from steps.tasks.prometheus_eval import PrometheusEval
    from steps.tasks.text_generation import TextGeneration
    from steps.tasks.ultra_feedback import UltraFeedback
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "APIGenExecutionChecker",
    "APIGenGenerator",
    "APIGenSemanticChecker",
    "BitextRetrievalGenerator",
    "EmbeddingTaskGenerator",
    "GenerateLongTextMatchingData",
    "GenerateShortTextMatchingData",
    "GenerateTextClassificationData",
    "GenerateTextRetrievalData",
    "MonolingualTripletGenerator",
    "PrepareExamples",
    "PrometheusEval",
    "TextGeneration",
    "UltraFeedback",
]
