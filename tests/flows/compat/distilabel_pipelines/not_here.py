"""Classes that have no counterpart here, and two sources that meet: each in a pipeline of its own."""

from __future__ import annotations

from distilabel.models.embeddings import LlamaCppEmbeddings, vLLMEmbeddings
from distilabel.models.image_generation import InferenceEndpointsImageGeneration, OpenAIImageGeneration
from distilabel.models.llms import (
    AnthropicLLM,
    AzureOpenAILLM,
    CohereLLM,
    LiteLLM,
    LlamaCppLLM,
    MistralLLM,
    MixtureOfAgentsLLM,
    MlxLLM,
    OpenAILLM,
    TransformersLLM,
    VertexAILLM,
    vLLM,
)
from distilabel.pipeline import Pipeline
from distilabel.steps import (
    CombineOutputs,
    DataSampler,
    EmbeddingGeneration,
    GroupColumns,
    LoadDataFromDicts,
    PreferenceToArgilla,
    StepResources,
    TextGenerationToArgilla,
)
from distilabel.steps.tasks import GenerateEmbeddings, ImageGeneration, TextGeneration, UltraFeedback

from tests.flows.compat.distilabel_pipelines.given import QUESTIONS, TEXTS


def argilla_texts() -> Pipeline:
    with Pipeline(name="argilla_texts") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS)
        answer = TextGeneration(name="answer", llm=OpenAILLM(model="gpt-4o-mini"))
        (
            load
            >> answer
            >> TextGenerationToArgilla(
                name="show", dataset_name="answers", dataset_workspace="team", api_url="http://localhost:6900"
            )
        )
    return pipeline


def argilla_preferences() -> Pipeline:
    with Pipeline(name="argilla_preferences") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS)
        one = TextGeneration(name="one", llm=OpenAILLM(model="small"))
        other = TextGeneration(name="other", llm=OpenAILLM(model="large"))
        group = GroupColumns(name="group", columns=["generation"], output_columns=["generations"])
        rate = UltraFeedback(name="rate", llm=OpenAILLM(model="judge"))
        load >> [one, other] >> group >> rate >> PreferenceToArgilla(name="show", dataset_name="ratings", num_generations=2)
    return pipeline


def images_made() -> Pipeline:
    with Pipeline(name="images_made") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"prompt": "A red boat."}])
        draw = ImageGeneration(name="draw", image_generation_model=OpenAIImageGeneration(model="dall-e-3"), image_format="PNG")
        paint = ImageGeneration(
            name="paint", image_generation_model=InferenceEndpointsImageGeneration(model_id="acme/paint"), num_generations=2
        )
        load >> [draw, paint]
    return pipeline


def hidden_states() -> Pipeline:
    with Pipeline(name="hidden_states") as pipeline:
        load = LoadDataFromDicts(name="load", data=TEXTS)
        load >> GenerateEmbeddings(name="vectors", llm=TransformersLLM(model="acme/small", device="cpu", torch_dtype="float16"))
    return pipeline


def vectors_of_servers() -> Pipeline:
    with Pipeline(name="vectors_of_servers") as pipeline:
        load = LoadDataFromDicts(name="load", data=TEXTS)
        one = EmbeddingGeneration(
            name="one", embeddings=vLLMEmbeddings(model="acme/embed", dtype="float16"), resources=StepResources(gpus=1)
        )
        other = EmbeddingGeneration(
            name="other", embeddings=LlamaCppEmbeddings(model="embed.gguf", repo_id="acme/embed", n_gpu_layers=0)
        )
        load >> [one, other]
    return pipeline


def models_of_vendors() -> Pipeline:
    with Pipeline(name="models_of_vendors") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS[:2])
        models = {
            "anthropic": AnthropicLLM(model="acme-a", generation_kwargs={"max_tokens": 99}, timeout=60.0),
            "azure": AzureOpenAILLM(model="acme-b", base_url="http://localhost:8010", api_version="2024-10-21"),
            "cohere": CohereLLM(model="acme-c", client_name="team"),
            "lite": LiteLLM(model="acme/d", verbose=True),
            "vertex": VertexAILLM(model="acme-e"),
            "mixture": MixtureOfAgentsLLM(
                aggregator_llm=MistralLLM(model="acme-f"),
                proposers_llms=[OpenAILLM(model="acme-g", timeout=9), MistralLLM(model="acme-h")],
                rounds=2,
            ),
        }
        load >> [TextGeneration(name=name, llm=llm) for name, llm in models.items()]
    return pipeline


def models_of_this_machine() -> Pipeline:
    with Pipeline(name="models_of_this_machine") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS[:2])
        models = {
            "transformers": TransformersLLM(model="acme/small", revision="v1", device="cpu"),
            "vllm": vLLM(model="acme/large", seed=3, extra_kwargs={"max_model_len": 512}),
            "llama": LlamaCppLLM.model_construct(
                generation_kwargs={"max_new_tokens": 9}, repo_id="acme/gguf", n_ctx=256, extra_kwargs={}
            ),
            "mlx": MlxLLM(path_or_hf_repo="acme/mlx", adapter_path="adapter"),
        }
        gpus = StepResources(gpus=1)
        steps = [TextGeneration(name=name, llm=llm) for name, llm in models.items() if name != "vllm"]
        load >> [*steps, TextGeneration(name="vllm", llm=models["vllm"], resources=gpus)]
    return pipeline


def two_sources() -> Pipeline:
    """Examples that are drawn beside the rows: sources that meet."""
    with Pipeline(name="two_sources") as pipeline:
        load = LoadDataFromDicts(name="load", data=QUESTIONS)
        draw = DataSampler(
            name="draw", data=[{"example": "Be kind."}, {"example": "Be brief."}], size=1, samples=len(QUESTIONS)
        )
        both = CombineOutputs(name="both")
        answer = TextGeneration(
            name="answer", llm=OpenAILLM(model="gpt-4o-mini"), columns=["instruction", "example"],
            template="{{ example }} {{ instruction }}",
        )  # fmt: skip
        [load, draw] >> both >> answer
    return pipeline
