"""Vectors, clusters, duplicates, and data to train embedding models."""

from __future__ import annotations

from distilabel.models.embeddings import SentenceTransformerEmbeddings
from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import (
    DBSCAN,
    UMAP,
    EmbeddingDedup,
    EmbeddingGeneration,
    FaissNearestNeighbour,
    LoadDataFromDicts,
    MinHashDedup,
    StepResources,
    TextClustering,
    TruncateTextColumn,
)
from distilabel.steps.tasks import (
    BitextRetrievalGenerator,
    EmbeddingTaskGenerator,
    GenerateLongTextMatchingData,
    GenerateSentencePair,
    GenerateShortTextMatchingData,
    GenerateTextClassificationData,
    GenerateTextRetrievalData,
    MonolingualTripletGenerator,
    TextClassification,
)

from tests.flows.compat.distilabel_pipelines.given import TEXTS


def duplicates() -> Pipeline:
    with Pipeline(name="duplicates") as pipeline:
        load = LoadDataFromDicts(name="load", data=TEXTS)
        words = MinHashDedup(name="words", tokenizer="ngrams", n=3, threshold=0.8, num_perm=64, seed=2, input_batch_size=4)
        vectors = EmbeddingGeneration(
            name="vectors",
            embeddings=SentenceTransformerEmbeddings(
                model="acme/embed", prompts={"query": "query: "}, default_prompt_name="query", normalize_embeddings=False
            ),
        )
        near = FaissNearestNeighbour(name="near", k=2, metric_type=0, string_factory="Flat", search_batch_size=10)
        alike = EmbeddingDedup(name="alike", threshold=0.95)
        load >> words >> vectors >> near >> alike
    return pipeline


def clusters() -> Pipeline:
    with Pipeline(name="clusters") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"text": f"{row['text']} {at}"} for at in range(3) for row in TEXTS])
        vectors = EmbeddingGeneration(name="vectors", embeddings=SentenceTransformerEmbeddings(model="acme/embed"))
        flat = UMAP(name="flat", n_components=2, metric="cosine", n_jobs=1, random_state=5)
        groups = DBSCAN(name="groups", eps=1.5, min_samples=2, n_jobs=1)
        labels = TextClustering(
            name="labels", llm=OpenAILLM(model="gpt-4o-mini"), n=1, samples_per_cluster=3, savefig=False,
            system_prompt="You sort texts.", context="Name the topic.", query_title="Texts", default_label="other",
        )  # fmt: skip
        load >> vectors >> flat >> groups >> labels
    return pipeline


def classified() -> Pipeline:
    with Pipeline(name="classified") as pipeline:
        load = LoadDataFromDicts(name="load", data=TEXTS)
        cut = TruncateTextColumn(name="cut", column="text", max_length=20)
        label = TextClassification(
            name="label", llm=OpenAILLM(model="gpt-4o-mini"), n=2, available_labels={"sea": "Of water.", "desk": "Of paper."},
            examples=["A boat: sea"], default_label="none", use_default_structured_output=False, context=None,
            system_prompt="You sort texts.", query_title="Text",
        )  # fmt: skip
        load >> cut >> label
    return pipeline


def sentence_pairs() -> Pipeline:
    with Pipeline(name="sentence_pairs") as pipeline:
        load = LoadDataFromDicts(name="load", data=TEXTS, output_mappings={"text": "anchor"})
        alike = GenerateSentencePair(name="alike", llm=OpenAILLM(model="gpt-4o-mini"), action="paraphrase")
        asked = GenerateSentencePair(
            name="asked",
            llm=OpenAILLM(model="gpt-4o-mini"),
            action="query",
            triplet=True,
            hard_negative=True,
            context="A quay.",
        )
        load >> [alike, asked]
    return pipeline


def tasks_for_embeddings() -> Pipeline:
    llm = OpenAILLM(model="gpt-4o-mini", generation_kwargs={"temperature": 1.1})
    with Pipeline(name="tasks_for_embeddings") as pipeline:
        ideas = EmbeddingTaskGenerator(
            name="ideas", llm=llm, category="text-retrieval", flatten_tasks=True, resources=StepResources(cpus=1)
        )
        search = GenerateTextRetrievalData(
            name="search", llm=llm, language="French", query_type="common", query_length="5 to 15 words",
            difficulty="high school", clarity="clear", num_words=50, seed=1,
        )  # fmt: skip
        classify = GenerateTextClassificationData(
            name="classify", llm=llm, language="Greek", difficulty="college", clarity="ambiguous"
        )
        short = GenerateShortTextMatchingData(name="short", llm=llm, language="Czech")
        long = GenerateLongTextMatchingData(name="long", llm=llm, seed=9)
        ideas >> [search, classify, short, long]
    return pipeline


def triplets() -> Pipeline:
    with Pipeline(name="triplets") as pipeline:
        MonolingualTripletGenerator(
            name="write", llm=OpenAILLM(model="gpt-4o-mini"), language="Dutch", unit="sentence", difficulty="college",
            high_score="4.5", low_score="2.5", seed=4,
        )  # fmt: skip
    return pipeline


def bitexts() -> Pipeline:
    with Pipeline(name="bitexts") as pipeline:
        BitextRetrievalGenerator(
            name="write", llm=OpenAILLM(model="gpt-4o-mini"), source_language="Danish", target_language="Welsh", unit="phrase",
            difficulty="elementary school", high_score="4", low_score="2.5",
        )  # fmt: skip
    return pipeline
