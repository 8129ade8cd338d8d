"""Instructions and answers that evolve, with scores, DEITA and Prometheus."""

from __future__ import annotations

from distilabel.models.embeddings import SentenceTransformerEmbeddings
from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import (
    ConversationTemplate,
    DeitaFiltering,
    EmbeddingGeneration,
    ExpandColumns,
    GroupColumns,
    LoadDataFromDicts,
    LoadDataFromFileSystem,
    RewardModelScore,
    StepResources,
)
from distilabel.steps.tasks import (
    ComplexityScorer,
    EvolComplexity,
    EvolComplexityGenerator,
    EvolInstruct,
    EvolInstructGenerator,
    EvolQuality,
    PairRM,
    PrometheusEval,
    QualityScorer,
    TextGeneration,
)

from tests.flows.compat.distilabel_pipelines.given import QUESTIONS, with_rows

HARDER = {"HARDER": "Make this harder: <PROMPT>", "RARER": "Write another of the same kind, but rarer: <PROMPT>"}
BETTER = {"BETTER": "Improve this answer to <PROMPT>: <RESPONSE>"}
FRESH = {"FRESH_START": "Write a question with these words: <PROMPT>", **HARDER}
RUBRIC = "[Is it clear?]\nScore 1: No.\nScore 2: Hardly.\nScore 3: Partly.\nScore 4: Mostly.\nScore 5: Yes."


def evol_instruct() -> Pipeline:
    with Pipeline(name="evol_instruct") as pipeline:
        load = LoadDataFromFileSystem(name="load", data_files="questions.jsonl", filetype="json", num_examples=3)
        with_rows(load, [{"prompt": row["instruction"]} for row in QUESTIONS])
        evolve = EvolInstruct(
            name="evolve", llm=OpenAILLM(model="gpt-4o-mini"), num_evolutions=2, store_evolutions=True, generate_answers=True,
            include_original_instruction=True, mutation_templates=HARDER, seed=7, input_mappings={"instruction": "prompt"},
        )  # fmt: skip
        load >> evolve >> ExpandColumns(name="apart", columns=["evolved_instructions", "answers"])
    return pipeline


def evol_from_nothing() -> Pipeline:
    with Pipeline(name="evol_from_nothing") as pipeline:
        EvolInstructGenerator(
            name="write", llm=OpenAILLM(model="gpt-4o-mini"), num_instructions=3, generate_answers=True, min_length=1,
            max_length=400, mutation_templates=FRESH, batch_size=2, seed=3,
        ) >> EvolQuality(
            name="better", llm=OpenAILLM(model="gpt-4o-mini"), num_evolutions=1, mutation_templates=BETTER,
            input_mappings={"response": "answer"}, include_original_response=True, store_evolutions=True,
        )  # fmt: skip
    return pipeline


def evol_complexity_from_nothing() -> Pipeline:
    with Pipeline(name="evol_complexity_from_nothing") as pipeline:
        EvolComplexityGenerator(
            name="write", llm=OpenAILLM(model="gpt-4o-mini"), num_instructions=2, mutation_templates=FRESH, min_length=1
        )
    return pipeline


def deita() -> Pipeline:
    """DEITA: harder instructions and better answers, scored, and the best that differ are kept."""
    llm = OpenAILLM(model="gpt-4o-mini", generation_kwargs={"max_new_tokens": 512})
    with Pipeline(name="deita", description="DEITA with a small budget.") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS)
        harder = EvolComplexity(
            name="harder", llm=llm, num_evolutions=2, store_evolutions=True, generate_answers=True, mutation_templates=HARDER
        )
        complexity = ComplexityScorer(name="complexity", llm=llm, input_mappings={"instructions": "evolved_instructions"})
        apart = ExpandColumns(
            name="apart", columns={
                "evolved_instructions": "evolved_instruction", "answers": "answer", "scores": "evol_instruction_score",
            },
        )  # fmt: skip
        better = EvolQuality(
            name="better", llm=llm, num_evolutions=2, store_evolutions=True, include_original_response=True,
            mutation_templates=BETTER, input_mappings={"instruction": "evolved_instruction", "response": "answer"},
        )  # fmt: skip
        quality = QualityScorer(
            name="quality", llm=llm, input_mappings={"instruction": "evolved_instruction", "responses": "evolved_responses"}
        )
        again = ExpandColumns(name="again", columns={"evolved_responses": "evolved_response", "scores": "evol_response_score"})
        chat = ConversationTemplate(
            name="chat", input_mappings={"instruction": "evolved_instruction", "response": "evolved_response"}
        )
        vectors = EmbeddingGeneration(
            name="vectors", embeddings=SentenceTransformerEmbeddings(model="acme/embed", device="cpu", truncate_dim=32),
            input_mappings={"text": "evolved_response"}, input_batch_size=5,
        )  # fmt: skip
        best = DeitaFiltering(name="best", data_budget=3, diversity_threshold=0.01, distance_metric="manhattan")
        load >> harder >> complexity >> apart >> better >> quality >> again >> chat >> vectors >> best
    return pipeline


def prometheus() -> Pipeline:
    with Pipeline(name="prometheus") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{**row, "reference": "It depends."} for row in QUESTIONS])
        one = TextGeneration(name="one", llm=OpenAILLM(model="small"))
        other = TextGeneration(name="other", llm=OpenAILLM(model="large"))
        group = GroupColumns(name="group", columns=["generation"], output_columns=["generations"])
        score = PrometheusEval(
            name="score", llm=OpenAILLM(model="acme/prometheus", base_url="http://localhost:8000/v1"), mode="absolute",
            rubric="clarity", rubrics={"clarity": RUBRIC}, reference=True,
        )  # fmt: skip
        better = PrometheusEval(
            name="better", llm=OpenAILLM(model="acme/prometheus", base_url="http://localhost:8000/v1"), mode="relative",
            rubric="clarity", rubrics={"clarity": RUBRIC},
        )  # fmt: skip
        load >> [one, other] >> group >> better
        one >> score
    return pipeline


def reward_models() -> Pipeline:
    """Small models that score and rank answers on the machine itself."""
    with Pipeline(name="reward_models") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"instruction": "2+2?", "response": "4", "candidates": ["4", "5", "four"]}])
        score = RewardModelScore(
            name="score", model="acme/reward", revision="v2", torch_dtype="bfloat16", device_map="cpu", truncation=True,
            max_length=512, trust_remote_code=True, input_batch_size=4,
        )  # fmt: skip
        rank = PairRM(
            name="rank", instructions="Prefer digits.", input_mappings={"input": "instruction"},
            resources=StepResources(cpus=1, memory=1000000),
        )  # fmt: skip
        load >> [score, rank]
    return pipeline
