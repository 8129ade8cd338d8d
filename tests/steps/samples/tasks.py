from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from steps.base import Row
from steps.llms.base import Chat
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
from tests.steps.samples.rows import answer, answers, nothing, texts
from tests.steps.samples.sample import Sample, Samples


def _chat(text: str) -> Row:
    turns = [{"role": "assistant", "content": "Hello!"}, {"role": "user", "content": text}]
    return {"messages": turns, "conversation": turns}


def _scored(text: str) -> Row:
    return {"instruction": text, "instructions": [text, f"{text}!"], "responses": [text, f"{text}!", ""]}


def _solution(text: str) -> Row:
    return {"task": text, "student_solution": text}


def _document(text: str) -> Row:
    return {"title": text, "content": text}


def _about(text: str) -> Row:
    return {"input": text, "anchor": text}


def _image(text: str) -> Row:
    return {"instruction": text, "image": "https://example.com/tide.jpg"}


def _picture(text: str) -> Row:
    return {"instruction": text, "image": {"bytes": b"\x89PNG\r\n", "path": None}}


def _json(text: str) -> Row:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name"]}
    return {"instruction": text, "structured_output": {"format": "json", "schema": schema}}


def _regex(text: str) -> Row:
    return {"instruction": text, "structured_output": {"format": "regex", "schema": r"-?\d{1,2} °[CF]"}}


def _record(text: str) -> Row:
    return {"record": {"fields": {"text": text}}}


def _labeller(kind: str, *options: str | int) -> ArgillaLabeller:
    settings = {"type": kind, "options": [{"value": option} for option in options]}
    return ArgillaLabeller(question={"name": "q", "settings": settings}, fields=[{"name": "text"}])


def _clustered(text: str) -> Row:
    return {"text": text, "cluster_label": 0}


def _candidates(text: str) -> Row:
    return {"input": text, "candidates": [text, f"{text}!", ""]}


class LongestFirst(PairRM):
    """PairRM without its model: the longer answer is better."""

    reaches: ClassVar[str] = ""

    def compare(self, prompt: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [float(len(first) - len(second)) for first, second in pairs]


class LengthAsScore(RewardModelScore):
    """RewardModelScore without its model: the longer chat is better."""

    reaches: ClassVar[str] = ""

    def judge(self, shown: Chat) -> list[float]:
        return [float(len(str(shown)))]


def _task(text: str) -> Row:
    return {"task": text}


def _seed(text: str) -> Row:
    return {"number": 1, "about": text}


def _function(text: str) -> Row:
    return {"examples": text, "func_name": text, "func_desc": text, "tools": text}


def _calls(text: str) -> Row:
    return {"func_desc": text, "query": text, "answers": text, "execution_result": [text]}


FUNCTIONS = Path(__file__).parents[1] / "tasks" / "functions.py"


def _solved(text: str) -> Row:
    solutions = [[text, f"Step 2: {text}", text, "The answer is: 4"], [text, "The answer is: 5"]]
    return {"instruction": text, "solutions": solutions, "golden_solution": [text, "The answer is: 4"]}


def _responded(text: str) -> Row:
    return {"instruction": text, "response": text}


def _compared(text: str) -> Row:
    return {**answers(text), "reference": text}


def _steered(text: str) -> Row:
    return {"system_prompt": text}


def _prompt(text: str) -> Row:
    return {"prompt": text}


SAMPLES: Samples = {
    "APIGenGenerator": [Sample(APIGenGenerator(), _function)],
    "APIGenSemanticChecker": [Sample(APIGenSemanticChecker(), _calls)],
    "APIGenExecutionChecker": [Sample(APIGenExecutionChecker(libpath=str(FUNCTIONS)), _calls)],
    "EmbeddingTaskGenerator": [
        Sample(EmbeddingTaskGenerator(category="text-retrieval"), _seed),
        Sample(EmbeddingTaskGenerator(category="text-retrieval", flatten_tasks=True), _seed),
    ],
    "BitextRetrievalGenerator": [Sample(BitextRetrievalGenerator(target_language="French"), _seed)],
    "MonolingualTripletGenerator": [Sample(MonolingualTripletGenerator(), _seed)],
    "GenerateTextRetrievalData": [Sample(GenerateTextRetrievalData(), _task)],
    "GenerateShortTextMatchingData": [Sample(GenerateShortTextMatchingData(), _task)],
    "GenerateLongTextMatchingData": [Sample(GenerateLongTextMatchingData(), _task)],
    "GenerateTextClassificationData": [Sample(GenerateTextClassificationData(), _task)],
    "TextClustering": [Sample(TextClustering(), _clustered)],
    "TextGeneration": [Sample(TextGeneration(), answer)],
    "TextGenerationWithImage": [
        Sample(TextGenerationWithImage(), _image),
        Sample(TextGenerationWithImage(image_type="PIL"), _picture),
    ],
    "ImageGeneration": [
        Sample(ImageGeneration(), _prompt),
        Sample(ImageGeneration(num_generations=2, image_format="JPEG"), _prompt),
        Sample(ImageGeneration(num_generations=2, group_generations=True), _prompt),
    ],
    "ChatGeneration": [Sample(ChatGeneration(), _chat)],
    "URIAL": [Sample(URIAL(), answer), Sample(URIAL(), _chat)],
    "UltraFeedback": [
        Sample(UltraFeedback(aspect="overall-rating"), answers),
        Sample(UltraFeedback(aspect="instruction-following"), answers),
        Sample(UltraFeedback(aspect="honesty"), answers),
        Sample(UltraFeedback(aspect="truthfulness"), answers),
        Sample(UltraFeedback(aspect="helpfulness"), answers),
    ],
    "EvolInstruct": [
        Sample(EvolInstruct(num_evolutions=2), answer),
        Sample(EvolInstruct(num_evolutions=2, generate_answers=True), answer),
        Sample(EvolInstruct(num_evolutions=2, store_evolutions=True, generate_answers=True), answer),
        Sample(EvolInstruct(num_evolutions=1, store_evolutions=True, include_original_instruction=True), answer),
    ],
    "EvolComplexity": [
        Sample(EvolComplexity(num_evolutions=1), answer),
        Sample(EvolComplexity(num_evolutions=2, generate_answers=True), answer),
    ],
    "EvolQuality": [
        Sample(EvolQuality(num_evolutions=2), _responded),
        Sample(EvolQuality(num_evolutions=2, store_evolutions=True, include_original_response=True), _responded),
    ],
    "EvolInstructGenerator": [
        Sample(EvolInstructGenerator(num_instructions=2), nothing),
        Sample(EvolInstructGenerator(num_instructions=2, generate_answers=True, min_length=1, max_length=9), nothing),
    ],
    "EvolComplexityGenerator": [
        Sample(EvolComplexityGenerator(num_instructions=2), nothing),
        Sample(EvolComplexityGenerator(num_instructions=2, generate_answers=True), nothing),
    ],
    "Magpie": [
        Sample(Magpie(), _steered),
        Sample(Magpie(only_instruction=True, n_turns=2, system_prompt=["a", "b"]), _steered),
        Sample(Magpie(n_turns=2, end_with_user=True, include_system_prompt=True), _steered),
        Sample(Magpie(n_turns=1, end_with_user=True, system_prompt={"math": ("m", 0.8), "art": ("a", 0.2)}), nothing),
        Sample(Magpie(system_prompt={"math": "m", "art": "a"}), nothing),
    ],
    "MagpieGenerator": [
        Sample(MagpieGenerator(num_rows=2), nothing),
        Sample(MagpieGenerator(num_rows=2, n_turns=2, system_prompt={"math": "m"}), nothing),
    ],
    "MathShepherdGenerator": [Sample(MathShepherdGenerator(), answer), Sample(MathShepherdGenerator(M=3), answer)],
    "MathShepherdCompleter": [
        Sample(MathShepherdCompleter(), _solved),
        Sample(MathShepherdCompleter(N=3, tags=["good", "bad"], system_prompt=None), _solved),
    ],
    "PrometheusEval": [
        Sample(PrometheusEval(mode="absolute", rubric="helpfulness"), answer),
        Sample(PrometheusEval(mode="absolute", rubric="reasoning", reference=True), answer),
        Sample(PrometheusEval(mode="relative", rubric="honesty"), _compared),
    ],
    "ComplexityScorer": [Sample(ComplexityScorer(), _scored)],
    "QualityScorer": [Sample(QualityScorer(), _scored)],
    "InstructionBacktranslation": [Sample(InstructionBacktranslation(), answer)],
    "CLAIR": [Sample(CLAIR(), _solution)],
    "Genstruct": [Sample(Genstruct(), _document)],
    "SelfInstruct": [Sample(SelfInstruct(num_instructions=3), _about)],
    "TextClassification": [
        Sample(TextClassification(), texts),
        Sample(TextClassification(n=2), texts),
        Sample(TextClassification(available_labels=["good", "bad"], default_label=None), texts),
        Sample(TextClassification(n=3, available_labels={"good": "Pleased.", "bad": "Not."}), texts),
    ],
    "GenerateSentencePair": [
        Sample(GenerateSentencePair(action="paraphrase"), _about),
        Sample(GenerateSentencePair(action="query", triplet=True, hard_negative=True, context="Tides."), _about),
    ],
    "StructuredGeneration": [Sample(StructuredGeneration(), _json), Sample(StructuredGeneration(), _regex)],
    "ArgillaLabeller": [
        Sample(_labeller("label_selection", "good", "bad"), _record),
        Sample(_labeller("multi_label_selection", "good", "bad"), _record),
        Sample(_labeller("rating", 1, 2, 3), _record),
        Sample(_labeller("text"), _record),
    ],
    "PairRM": [Sample(LongestFirst(), _candidates)],
    "RewardModelScore": [
        Sample(LengthAsScore(model="acme/reward"), _responded),
        Sample(LengthAsScore(model="acme/reward"), _chat),
    ],
    "MultiTurnChat": [
        Sample(MultiTurnChat(n_turns=2), answer),
        Sample(MultiTurnChat(n_turns=1, end_with_user=True, system_prompt="Be brief."), answer),
    ],
}
