"""Answers, preferences and chats."""

from __future__ import annotations

from distilabel.models.llms import (
    AnyscaleLLM,
    ClientvLLM,
    GroqLLM,
    InferenceEndpointsLLM,
    MistralLLM,
    OllamaLLM,
    OpenAILLM,
    TogetherLLM,
)
from distilabel.pipeline import Pipeline, routing_batch_function, sample_n_steps
from distilabel.steps import (
    CombineOutputs,
    ConversationTemplate,
    ExpandColumns,
    FormatChatGenerationDPO,
    FormatChatGenerationSFT,
    FormatTextGenerationDPO,
    FormatTextGenerationSFT,
    GroupColumns,
    KeepColumns,
    LoadDataFromDicts,
    LoadDataFromHub,
    StepResources,
)
from distilabel.steps.tasks import (
    CLAIR,
    URIAL,
    ChatGeneration,
    Genstruct,
    InstructionBacktranslation,
    Magpie,
    MagpieGenerator,
    SelfInstruct,
    StructuredGeneration,
    TextGeneration,
    TextGenerationWithImage,
    UltraFeedback,
)
from pydantic import BaseModel

from tests.flows.compat.distilabel_pipelines.given import QUESTIONS, with_rows


class Animal(BaseModel):
    name: str
    legs: int


def preference_routing() -> Pipeline:
    """Two of three models answer each batch; a judge rates, and the best and the worst become a pair."""
    with Pipeline(name="preference_routing", description="Two of three models answer, a judge rates.") as pipeline:
        load = LoadDataFromHub(
            name="load", repo_id="acme/questions", split="test", num_examples=4, batch_size=2,
            output_mappings={"prompt": "instruction"},
        )  # fmt: skip
        with_rows(load, [{"prompt": row["instruction"]} for row in QUESTIONS])
        mistral = TextGeneration(
            name="mistral", llm=MistralLLM(model="mistral-small", timeout=30, generation_kwargs={"temperature": 0.2})
        )
        together = TextGeneration(
            name="together", llm=TogetherLLM(model="acme/large", max_retries=2), resources=StepResources(replicas=2)
        )
        groq = TextGeneration(
            name="groq", llm=GroqLLM(model="acme-fast", generation_kwargs={"max_new_tokens": 64}), use_cache=False
        )
        group = GroupColumns(
            name="group", columns=["generation", "model_name"], output_columns=["generations", "generation_models"],
            input_batch_size=2,
        )  # fmt: skip
        rate = UltraFeedback(name="rate", llm=OpenAILLM(model="gpt-4o"), aspect="instruction-following", input_batch_size=5)
        pairs = FormatTextGenerationDPO(name="pairs")
        load >> sample_n_steps(2) >> [mistral, together, groq] >> group >> rate >> pairs
    return pipeline


def preference_own_routing() -> Pipeline:
    """A routing of the user's own: distilabel writes nothing of it but the step it stands after."""

    @routing_batch_function(description="All of them, for now.")  # type: ignore[untyped-decorator]
    def everyone(steps: list[str]) -> list[str]:
        return steps

    with Pipeline(name="preference_own_routing") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS)
        one = TextGeneration(name="one", llm=OpenAILLM(model="gpt-4o-mini"))
        other = TextGeneration(name="other", llm=AnyscaleLLM(model="acme/other"))
        group = GroupColumns(columns=["generation"], output_columns=["generations"])
        load >> everyone >> [one, other] >> group
    return pipeline


def names_left_to_distilabel() -> Pipeline:
    """No step has a name of its own, and generations come as lists."""
    with Pipeline(name="names-left-to-distilabel") as pipeline:
        load = LoadDataFromDicts(data=QUESTIONS, batch_size=3)
        several = TextGeneration(
            llm=OpenAILLM(model="gpt-4o-mini", generation_kwargs={"temperature": 0.9, "top_p": 0.95, "stop": ["END"]}),
            num_generations=2, group_generations=True, add_raw_input=False, add_raw_output=False,
            system_prompt="Answer in one sentence.", output_mappings={"generation": "generations"},
        )  # fmt: skip
        load >> several >> ExpandColumns(columns={"generations": "answer"}) >> KeepColumns(columns=["instruction", "answer"])
    return pipeline


def chats() -> Pipeline:
    """Chats go on, are rated and formatted, in two leaves."""
    system, user = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is snow white?"}
    with Pipeline(name="chats") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"messages": [system, user]}])
        small = ChatGeneration(name="small", llm=OllamaLLM(model="acme-small", host="http://localhost:11500"))
        large = ChatGeneration(
            name="large",
            llm=OpenAILLM(
                model="acme-large", base_url="http://localhost:8080/v1", default_headers={"X-Team": "red"}, timeout=60
            ),
        )
        sft = FormatChatGenerationSFT(name="sft")
        group = GroupColumns(
            name="group", columns=["generation", "model_name"], output_columns=["generations", "generation_models"]
        )
        rate = UltraFeedback(
            name="rate", llm=OpenAILLM(model="judge"), aspect="honesty", input_mappings={"instruction": "question"}
        )
        ask = TextGeneration(
            name="ask", llm=OpenAILLM(model="writer"), columns=["messages"], template="Sum up: {{ messages }}",
            output_mappings={"generation": "question", "model_name": "asked"},
        )  # fmt: skip
        both = CombineOutputs(name="both")
        dpo = FormatChatGenerationDPO(name="dpo")
        load >> [small, large] >> group
        small >> sft
        load >> ask
        [group, ask] >> both >> rate >> dpo
    return pipeline


def sft_of_own_columns() -> Pipeline:
    """Two columns in one template, and the conversation of a base model beside it."""
    with Pipeline(name="sft_of_own_columns") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"topic": "tides", "tone": "dry"}, {"topic": "moss", "tone": "warm"}])
        write = TextGeneration(
            name="write", llm=ClientvLLM(model="acme/base", base_url="http://localhost:8001/v1", tokenizer="acme/base"),
            columns=["topic", "tone"], template="Write about {{ topic }}. Tone: {{ tone }}.", use_system_prompt=False,
            output_mappings={"generation": "instruction"},
        )  # fmt: skip
        answer = URIAL(name="answer", llm=ClientvLLM(model="acme/base", base_url="http://localhost:8001/v1"))
        sft = FormatTextGenerationSFT(name="sft")
        turns = ConversationTemplate(name="turns", input_mappings={"response": "generation"})
        load >> write >> answer >> [sft, turns]
    return pipeline


def instructions_from_texts() -> Pipeline:
    """Instructions of topics and documents, with answers that are rated and revised."""
    with Pipeline(name="instructions_from_texts") as pipeline:
        load = LoadDataFromDicts(
            name="load", data=[{"input": "bread", "title": "Bread", "content": "Bread is made of flour, water and salt."}]
        )
        topics = SelfInstruct(
            name="topics", llm=InferenceEndpointsLLM(model_id="acme/chat", generation_kwargs={"stop_sequences": ["\n\n"]}),
            num_instructions=3, application_description="A kitchen helper.",
            criteria_for_query_generation="Ask about one thing at a time.",
        )  # fmt: skip
        apart = ExpandColumns(name="apart", columns={"instructions": "instruction"})
        answer = TextGeneration(name="answer", llm=OpenAILLM(model="gpt-4o-mini"))
        found = InstructionBacktranslation(name="found", llm=OpenAILLM(model="gpt-4o"))
        revise = CLAIR(
            name="revise", llm=OpenAILLM(model="gpt-4o"), system_prompt="You improve what others wrote, as little as needed.",
            input_mappings={"task": "instruction", "student_solution": "generation"},
        )  # fmt: skip
        document = Genstruct(name="document", llm=OpenAILLM(model="acme/genstruct"))
        load >> [topics, document]
        topics >> apart >> answer >> found >> revise
    return pipeline


def structured() -> Pipeline:
    """Replies held to a schema or a pattern: for all rows, and row by row."""
    form = {"format": "json", "schema": Animal.model_json_schema()}
    with Pipeline(name="structured") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"instruction": "Describe a dog.", "structured_output": form}])
        by_class = TextGeneration(
            name="by_class",
            llm=OpenAILLM(
                model="gpt-4o", structured_output={"schema": Animal.model_json_schema(), "mode": "json", "max_retries": 2}
            ),
        )
        by_pattern = TextGeneration(
            name="by_pattern",
            llm=InferenceEndpointsLLM(model_id="acme/chat", structured_output={"format": "regex", "schema": "[A-Z][a-z]+"}),
        )
        by_row = StructuredGeneration(
            name="by_row", llm=InferenceEndpointsLLM(base_url="http://localhost:8085"), use_system_prompt=True
        )
        load >> [by_class, by_pattern, by_row]
    return pipeline


def images() -> Pipeline:
    with Pipeline(name="images") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"instruction": "What is this?", "image": "https://example.com/tide.jpg"}])
        look = TextGenerationWithImage(
            name="look", llm=OpenAILLM(model="gpt-4o-mini"), image_type="url", system_prompt="Say what you see.",
            columns=["instruction"], template="{{ instruction }} Answer in a word.",
        )  # fmt: skip
        load >> look
    return pipeline


def magpie_of_rows() -> Pipeline:
    with Pipeline(name="magpie_of_rows") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"system_prompt": "You know about the sea."}])
        llm = InferenceEndpointsLLM(
            model_id="acme/llama", tokenizer_id="acme/llama", use_magpie_template=True, magpie_pre_query_template="llama3",
            generation_kwargs={"temperature": 0.9, "do_sample": True, "max_new_tokens": 128, "stop_sequences": ["<|eot_id|>"]},
        )  # fmt: skip
        load >> Magpie(name="write", llm=llm, n_turns=2, include_system_prompt=True)
    return pipeline


def magpie_generator() -> Pipeline:
    with Pipeline(name="magpie_generator") as pipeline:
        llm = ClientvLLM(
            model="acme/qwen", base_url="http://localhost:8002/v1", tokenizer="acme/qwen", use_magpie_template=True,
            magpie_pre_query_template="qwen2",
        )  # fmt: skip
        MagpieGenerator(
            name="write", llm=llm, num_rows=6, batch_size=2, only_instruction=True,
            system_prompt={"maths": ("You teach maths.", 0.25), "art": ("You teach art.", 0.75)},
        ) >> TextGeneration(name="answer", llm=OllamaLLM(
            model="acme-small", generation_kwargs={"options": {"temperature": 0.3, "num_predict": 99, "mirostat": 2}}
        ))  # fmt: skip
    return pipeline
