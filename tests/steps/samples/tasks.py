from __future__ import annotations

from pathlib import Path

from steps.base import Row
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
from tests.steps.samples.rows import answer, answers
from tests.steps.samples.sample import Sample, Samples


def _task(text: str) -> Row:
    return {"task": text}


def _seed(text: str) -> Row:
    return {"number": 1, "about": text}


def _function(text: str) -> Row:
    return {"examples": text, "func_name": text, "func_desc": text, "tools": text}


def _calls(text: str) -> Row:
    return {"func_desc": text, "query": text, "answers": text, "execution_result": [text]}


FUNCTIONS = Path(__file__).parents[1] / "tasks" / "functions.py"
SAMPLES: Samples = {
    "PrepareExamples": [Sample(PrepareExamples(), _calls)],
    "APIGenGenerator": [Sample(APIGenGenerator(), _function)],
    "APIGenSemanticChecker": [Sample(APIGenSemanticChecker(), _calls)],
    "APIGenExecutionChecker": [Sample(APIGenExecutionChecker(libpath=str(FUNCTIONS)), _calls)],
    "EmbeddingTaskGenerator": [Sample(EmbeddingTaskGenerator(category="text-retrieval"), _seed)],
    "BitextRetrievalGenerator": [Sample(BitextRetrievalGenerator(target_language="French"), _seed)],
    "MonolingualTripletGenerator": [Sample(MonolingualTripletGenerator(), _seed)],
    "GenerateTextRetrievalData": [Sample(GenerateTextRetrievalData(), _task)],
    "GenerateShortTextMatchingData": [Sample(GenerateShortTextMatchingData(), _task)],
    "GenerateLongTextMatchingData": [Sample(GenerateLongTextMatchingData(), _task)],
    "GenerateTextClassificationData": [Sample(GenerateTextClassificationData(), _task)],
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
