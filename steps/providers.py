"""Providers of models: a row for each. One client reads those that speak OpenAI's protocol (`steps.llms.openai_llm`).

A new provider is a row here: its class, its short name on the command line and its line in docs/models.md follow from it.
What a row does not say is as at most servers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

MEGABYTE = 10**6
Schemas = Literal["strict", "plain", "object-with-schema", "object", "none"]
"""How a server is told the JSON schema of a reply.

strict: OpenAI's own way, a subset of JSON schema that it holds every reply to. plain: `json_schema` with the schema as it is.
object-with-schema: `json_object`, and the schema beside it. object: it knows JSON, and no schemas.
"""


@dataclass(frozen=True, slots=True)
class Batching:
    """How a provider takes many requests at once, and answers within a day for less."""

    protocol: Literal["openai", "azure", "anthropic", "mistral"]
    most_requests: int
    most_bytes: int
    rate: float = 0.5
    """What it costs, as a share of the usual price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeds:
    """How a provider turns texts into vectors: /embeddings of OpenAI's protocol."""

    most_inputs: int = 2048
    """Texts that one request may hold."""
    most_chars: int = 300_000
    """Of all texts in a request: some bound its tokens to less."""
    takes_base64: bool = False
    """Whether it writes vectors in base64 if told to: a third of the size of numbers in JSON."""
    dimensions: str = "dimensions"
    """What it calls the length of vectors; empty: that cannot be chosen."""
    example: str = ""
    """A model, for examples and forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider: where it is, with what key, and in what its protocol differs."""

    name: str
    """What the command line calls it: `--llm groq/...`."""
    title: str
    class_name: str
    protocol: Literal["openai", "anthropic"] = "openai"
    address: str = ""
    """Scheme and host, up to the path. `{model}` and other parameters of the class may stand in it, and in `path`."""
    path: str = "/v1"
    """What follows an address that has no path of its own; a query goes to the end of every URL."""
    hosts: tuple[str, ...] = ()
    """Other hosts it is known at; `*` stands for any letters."""
    address_variable: str = ""
    address_fields: tuple[str, ...] = ()
    """Parameters of its class that name the address beside `base_url`, as distilabel or the provider calls them."""
    theirs: Mapping[str, str] = field(default_factory=dict)
    """Parameters that distilabel's class has, by what they are called here; empty: it changes nothing here."""
    fills: Mapping[str, str] = field(default_factory=dict)
    """Parameters of its class that `address` and `path` need, with the variables that stand in for them."""

    key_variables: tuple[str, ...] = ()
    """Where its key is looked for; the first that is set counts."""
    needs_key: bool = True
    key_header: str = "Authorization"
    """The header that carries the key; in Authorization after `Bearer`."""

    most_n: int = 128
    """Replies that one request may ask for; 1: it refuses `n`, or takes no notice of it."""
    max_tokens: str = "max_tokens"
    """What it calls the longest reply."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Parameters that have names of their own there."""
    takes: frozenset[str] = frozenset()
    """The parameters that it takes, where it refuses all others; empty: it does not mind."""
    refuses: frozenset[str] = frozenset()
    """Parameters that it refuses, or that would change nothing."""
    model_prefix: str = ""
    """What stands before names of models that have no slash."""
    schemas: Schemas = "plain"
    takes_regexes: bool = False
    takes_texts: bool = False
    """Whether it has /completions, which take text in the model's own chat format."""

    logprobs: bool = True
    vision: bool = True
    batch: Batching | None = None
    """Its batch API; None where it has none, or none that is known here."""
    embeds: Embeds | None = None
    """Whether it has /embeddings, and in what that differs."""

    models: str = ""
    """What its models are called."""
    example: str = ""
    """A model, for examples and forms."""
    note: str = ""
    """What else to know, for docs/models.md."""

    @property
    def embeddings_class(self) -> str:
        """What its class for vectors is called; empty where it has none."""
        if self.embeds is None:
            return ""
        return "ClientvLLMEmbeddings" if self.class_name == "ClientvLLM" else f"{self.class_name.removesuffix('LLM')}Embeddings"

    @property
    def seed(self) -> str:
        return self.renamed.get("seed", "seed")

    def is_at(self, host: str) -> bool:
        """Whether it answers at this host."""
        own = urlsplit(self.address).hostname or ""
        return any(pattern and fnmatch(host, pattern) for pattern in (own, *self.hosts))


_OPENAI = Provider(
    name="openai",
    title="OpenAI",
    class_name="OpenAILLM",
    address="https://api.openai.com",
    address_variable="OPENAI_BASE_URL",
    key_variables=("OPENAI_API_KEY",),
    max_tokens="max_completion_tokens",
    schemas="strict",
    batch=Batching("openai", 50_000, 200 * MEGABYTE),
    embeds=Embeds(takes_base64=True, example="text-embedding-3-small"),
    example="gpt-4o-mini",
)
COMPATIBLE = Provider(
    name="openai-compatible",
    title="Any other server",
    class_name="OpenAILLM",
    key_variables=("OPENAI_API_KEY",),
    needs_key=False,
    takes_regexes=True,
    takes_texts=True,
    batch=Batching("openai", 50_000, 200 * MEGABYTE, rate=1.0),
    embeds=Embeds(),
    note="`base_url` says where, up to `/v1`",
)
"""A server that no row names: what most of them understand."""

PROVIDERS: tuple[Provider, ...] = (
    _OPENAI,
    Provider(
        name="anthropic",
        title="Anthropic",
        class_name="AnthropicLLM",
        protocol="anthropic",
        address="https://api.anthropic.com",
        address_variable="ANTHROPIC_BASE_URL",
        key_variables=("ANTHROPIC_API_KEY",),
        key_header="x-api-key",
        most_n=1,
        renamed={"stop": "stop_sequences"},
        takes=frozenset(
            {
                *("model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream"),
                *("metadata", "service_tier", "thinking", "tools", "tool_choice", "output_config", "container"),
                *("cache_control", "inference_geo", "speed", "diagnostics", "user_profile_id", "workspace_id"),
            }
        ),
        logprobs=False,
        batch=Batching("anthropic", 100_000, 256 * MEGABYTE),
        example="claude-haiku-4-5",
        note="by its own protocol, the Messages API",
    ),
    Provider(
        name="anyscale",
        title="Anyscale",
        class_name="AnyscaleLLM",
        address="https://api.endpoints.anyscale.com",
        address_variable="ANYSCALE_BASE_URL",
        key_variables=("ANYSCALE_API_KEY",),
        vision=False,
        embeds=Embeds(dimensions="", example="thenlper/gte-large"),
        example="mistralai/Mixtral-8x7B-Instruct-v0.1",
        note="a service of your own has an address of its own: `base_url`",
    ),
    Provider(
        name="azure",
        title="Azure OpenAI",
        class_name="AzureOpenAILLM",
        address="",
        path="/openai/deployments/{model}?api-version={api_version}",
        hosts=("*.openai.azure.com", "*.cognitiveservices.azure.com"),
        address_variable="AZURE_OPENAI_ENDPOINT",
        address_fields=("azure_endpoint",),
        fills={"api_version": "OPENAI_API_VERSION"},
        key_variables=("AZURE_OPENAI_API_KEY",),
        key_header="api-key",
        max_tokens="max_completion_tokens",
        schemas="strict",
        batch=Batching("azure", 100_000, 200 * MEGABYTE),
        embeds=Embeds(takes_base64=True, example="my-text-embedding-3-small"),
        models="the name of the deployment",
        example="my-gpt-4o",
        note="`azure_endpoint` or `$AZURE_OPENAI_ENDPOINT` is the address of the resource",
    ),
    Provider(
        name="cohere",
        title="Cohere",
        class_name="CohereLLM",
        address="https://api.cohere.ai",
        path="/compatibility/v1",
        hosts=("api.cohere.com",),
        address_variable="COHERE_BASE_URL",
        key_variables=("COHERE_API_KEY", "CO_API_KEY"),
        most_n=1,
        refuses=frozenset({"logit_bias", "top_logprobs", "max_completion_tokens", "parallel_tool_calls", "store", "metadata"}),
        schemas="object-with-schema",
        logprobs=False,
        embeds=Embeds(most_inputs=96, dimensions="", example="embed-v4.0"),
        example="command-r-plus",
    ),
    Provider(
        name="deepseek",
        title="DeepSeek",
        class_name="DeepSeekLLM",
        address="https://api.deepseek.com",
        address_variable="DEEPSEEK_BASE_URL",
        key_variables=("DEEPSEEK_API_KEY",),
        most_n=1,
        schemas="object",
        vision=False,
        example="deepseek-chat",
    ),
    Provider(
        name="fireworks",
        title="Fireworks AI",
        class_name="FireworksLLM",
        address="https://api.fireworks.ai",
        path="/inference/v1",
        key_variables=("FIREWORKS_API_KEY",),
        takes_texts=True,
        embeds=Embeds(example="nomic-ai/nomic-embed-text-v1.5"),
        example="accounts/fireworks/models/llama-v3p3-70b-instruct",
    ),
    Provider(
        name="gemini",
        title="Gemini",
        class_name="GeminiLLM",
        address="https://generativelanguage.googleapis.com",
        path="/v1beta/openai",
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        most_n=8,
        logprobs=False,
        embeds=Embeds(most_inputs=100, example="gemini-embedding-001"),
        example="gemini-2.5-flash",
    ),
    Provider(
        name="groq",
        title="Groq",
        class_name="GroqLLM",
        address="https://api.groq.com",
        path="/openai/v1",
        address_variable="GROQ_BASE_URL",
        key_variables=("GROQ_API_KEY",),
        most_n=1,
        max_tokens="max_completion_tokens",
        refuses=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
        logprobs=False,
        example="llama-3.3-70b-versatile",
    ),
    Provider(
        name="huggingface",
        title="Hugging Face",
        class_name="InferenceEndpointsLLM",
        address="https://router.huggingface.co",
        hosts=("*.endpoints.huggingface.cloud",),
        theirs={"tokenizer_id": ""},
        key_variables=("HF_TOKEN",),
        most_n=1,
        takes_texts=True,
        embeds=Embeds(most_inputs=32, takes_base64=True, example="BAAI/bge-base-en-v1.5"),
        models="the name of a repository of the Hub, `:provider` after it if you want a certain one",
        example="meta-llama/Llama-3.3-70B-Instruct",
        note="an Inference Endpoint has an address of its own: `base_url`, or `endpoint_name`",
    ),
    Provider(
        name="llama.cpp",
        title="llama.cpp server",
        class_name="LlamaCppServerLLM",
        address="http://localhost:8080",
        key_variables=("LLAMA_API_KEY",),
        needs_key=False,
        most_n=1,
        takes_texts=True,
        embeds=Embeds(takes_base64=True, dimensions="", example="local"),
        models="any name: the server has one model",
        example="local",
    ),
    Provider(
        name="mistral",
        title="Mistral",
        class_name="MistralLLM",
        address="https://api.mistral.ai",
        hosts=("codestral.mistral.ai",),
        theirs={"endpoint": "base_url"},
        key_variables=("MISTRAL_API_KEY",),
        renamed={"seed": "random_seed"},
        takes=frozenset(
            {
                *("model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata"),
                *("response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "min_tokens"),
                *("repetition_penalty", "top_k", "logprobs", "top_logprobs", "prompt_logprobs", "top_prompt_logprobs", "n"),
                *("prediction", "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key"),
                *("service_tier", "safe_prompt"),
            }
        ),
        batch=Batching("mistral", 1_000_000, 512 * MEGABYTE),
        embeds=Embeds(most_inputs=128, most_chars=40_000, dimensions="output_dimension", example="mistral-embed"),
        example="mistral-small-latest",
    ),
    Provider(
        name="ollama",
        title="Ollama",
        class_name="OllamaLLM",
        address="http://localhost:11434",
        address_variable="OLLAMA_HOST",
        address_fields=("host",),
        theirs={"follow_redirects": "", "tokenizer_id": ""},
        key_variables=("OLLAMA_API_KEY",),
        needs_key=False,
        most_n=1,
        takes_texts=False,
        refuses=frozenset({"options", "format", "keep_alive"}),
        embeds=Embeds(example="nomic-embed-text"),
        example="llama3.2",
    ),
    Provider(
        name="openrouter",
        title="OpenRouter",
        class_name="OpenRouterLLM",
        address="https://openrouter.ai",
        path="/api/v1",
        key_variables=("OPENROUTER_API_KEY",),
        most_n=1,
        embeds=Embeds(example="openai/text-embedding-3-small"),
        models="provider and model",
        example="openai/gpt-4o-mini",
    ),
    Provider(
        name="tgi",
        title="Text Generation Inference",
        class_name="TGIServerLLM",
        address="http://localhost:3000",
        key_variables=("HF_TOKEN",),
        needs_key=False,
        most_n=1,
        takes_texts=True,
        models="any name: the server has one model",
        example="tgi",
    ),
    Provider(
        name="together",
        title="Together AI",
        class_name="TogetherLLM",
        address="https://api.together.xyz",
        hosts=("api.together.ai",),
        address_variable="TOGETHER_BASE_URL",
        key_variables=("TOGETHER_API_KEY",),
        takes_texts=True,
        embeds=Embeds(dimensions="", example="intfloat/multilingual-e5-large-instruct"),
        example="meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    Provider(
        name="vertex",
        title="Vertex AI",
        class_name="VertexAILLM",
        address="https://{region}aiplatform.googleapis.com",
        path="/v1/projects/{project}/locations/{location}/endpoints/openapi",
        hosts=("*aiplatform.googleapis.com",),
        fills={"project": "GOOGLE_CLOUD_PROJECT", "location": "GOOGLE_CLOUD_LOCATION"},
        key_variables=("GOOGLE_ACCESS_TOKEN",),
        most_n=8,
        model_prefix="google/",
        logprobs=False,
        example="gemini-2.5-flash",
        note="its key is an access token: `export GOOGLE_ACCESS_TOKEN=$(gcloud auth print-access-token)`, good for an hour",
    ),
    Provider(
        name="vllm",
        title="vLLM server",
        class_name="ClientvLLM",
        address="http://localhost:8000",
        theirs={"tokenizer": "", "tokenizer_revision": ""},
        key_variables=("VLLM_API_KEY",),
        needs_key=False,
        takes_regexes=True,
        takes_texts=True,
        embeds=Embeds(takes_base64=True, example="Qwen/Qwen3-Embedding-0.6B"),
        example="Qwen/Qwen3-8B",
    ),
    Provider(
        name="xai",
        title="xAI",
        class_name="XAILLM",
        address="https://api.x.ai",
        key_variables=("XAI_API_KEY",),
        example="grok-4",
    ),
)

BY_NAME: dict[str, Provider] = {provider.name: provider for provider in PROVIDERS}
BY_CLASS: dict[str, Provider] = {provider.class_name: provider for provider in PROVIDERS}
EMBEDDERS: dict[str, Provider] = {provider.embeddings_class: provider for provider in PROVIDERS if provider.embeds}
"""Those that turn texts into vectors, by the class that asks them for it."""


@lru_cache(maxsize=64)
def provider_at(url: str) -> Provider:
    """Whose server this is, by its host. Servers of your own have no host that tells: they are `COMPATIBLE`."""
    host = urlsplit(url).hostname or ""
    own = ("localhost", "")
    return next((provider for provider in PROVIDERS if host not in own and provider.is_at(host)), COMPATIBLE)
