"""Function calls and step-by-step solutions."""

from __future__ import annotations

from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import ExpandColumns, LoadDataFromDicts
from distilabel.steps.tasks import (
    APIGenExecutionChecker,
    APIGenGenerator,
    APIGenSemanticChecker,
    ArgillaLabeller,
    FormatPRM,
    MathShepherdCompleter,
    MathShepherdGenerator,
)
from distilabel.steps.tasks.apigen.utils import PrepareExamples

CALL = '[{"name": "area", "arguments": {"width": 2, "height": 3}}]'


def apigen() -> Pipeline:
    llm = OpenAILLM(model="gpt-4o-mini", generation_kwargs={"temperature": 0.4})
    with Pipeline(name="apigen") as pipeline:
        load = LoadDataFromDicts(
            name="load",
            data=[
                {
                    "query": ["How large is 2 by 3?"], "answers": [CALL], "func_name": "area",
                    "func_desc": "Area of a rectangle.", "tools": '[{"name": "area"}]',
                }
            ],
        )  # fmt: skip
        examples = PrepareExamples(name="examples", template="Ask: {query}\nCall: {answers}")
        write = APIGenGenerator(
            name="write", llm=llm, number={1: 0.5, 2: 0.5}, use_tools=True, use_default_structured_output=True,
            system_prompt="You write calls.",
        )  # fmt: skip
        works = APIGenExecutionChecker(name="works", libpath="functions.py", check_is_dangerous=False)
        fits = APIGenSemanticChecker(name="fits", llm=llm, system_prompt="You check calls.")
        load >> examples >> write >> works >> fits
    return pipeline


def math_shepherd() -> Pipeline:
    llm = OpenAILLM(model="gpt-4o-mini")
    with Pipeline(name="math_shepherd") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"instruction": "3 + 4 - 2?"}, {"instruction": "2 * 3 + 1?"}])
        golden = MathShepherdGenerator(
            name="golden", llm=llm, system_prompt="You solve step by step. {{ extra_rules }}", extra_rules="Be brief.",
            few_shots=None, output_mappings={"model_name": "solver"},
        )  # fmt: skip
        several = MathShepherdGenerator(
            name="several", llm=llm, M=2, system_prompt="You solve step by step.", extra_rules=None, few_shots="1 + 1? 2."
        )
        label = MathShepherdCompleter(
            name="label", llm=llm, N=2, tags=["good", "bad"], system_prompt="You finish solutions.", extra_rules=None,
            few_shots=None,
        )  # fmt: skip
        apart = ExpandColumns(name="apart", columns=["solutions"])
        train = FormatPRM(name="train", format="trl", tags=["good", "bad"])
        load >> golden >> several >> label >> apart >> train
    return pipeline


def argilla_labels() -> Pipeline:
    options = [{"value": "praise"}, {"value": "complaint"}]
    question = {"name": "mood", "settings": {"type": "label_selection", "options": options}}
    with Pipeline(name="argilla_labels") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"record": {"fields": {"text": "It broke."}}}])
        label = ArgillaLabeller(
            name="label", llm=OpenAILLM(model="gpt-4o-mini"), fields=[{"name": "text"}], question=question,
            guidelines="Judge the mood.", system_prompt="You label texts.",
            question_to_label_instruction={"label_selection": "Choose one label."},
        )  # fmt: skip
        load >> label
    return pipeline
