from __future__ import annotations

from steps.base import Row
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
from tests.steps.samples.rows import answer, answers, nothing
from tests.steps.samples.sample import Sample, Samples


def _solved(text: str) -> Row:
    solutions = [[text, f"Step 2: {text}", text, "The answer is: 4"], [text, "The answer is: 5"]]
    return {"instruction": text, "solutions": solutions, "golden_solution": [text, "The answer is: 4"]}


def _responded(text: str) -> Row:
    return {"instruction": text, "response": text}


def _steered(text: str) -> Row:
    return {"system_prompt": text}


SAMPLES: Samples = {
    "TextGeneration": [Sample(TextGeneration(), answer)],
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
    "EvolComplexity": [Sample(EvolComplexity(num_evolutions=1), answer)],
    "EvolQuality": [
        Sample(EvolQuality(num_evolutions=2), _responded),
        Sample(EvolQuality(num_evolutions=2, store_evolutions=True, include_original_response=True), _responded),
    ],
    "EvolInstructGenerator": [
        Sample(EvolInstructGenerator(num_instructions=2), nothing),
        Sample(EvolInstructGenerator(num_instructions=2, generate_answers=True, min_length=1, max_length=9), nothing),
    ],
    "EvolComplexityGenerator": [Sample(EvolComplexityGenerator(num_instructions=2), nothing)],
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
        Sample(PrometheusEval(mode="relative", rubric="honesty"), answers),
    ],
}
