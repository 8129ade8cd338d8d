"""Models behind servers: what distilabel's classes call otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from steps.providers import BY_CLASS

Tell = Callable[[str], None]

_MODULES = {
    "anthropic": "AnthropicLLM",
    "anyscale": "AnyscaleLLM",
    "azure": "AzureOpenAILLM",
    "cohere": "CohereLLM",
    "groq": "GroqLLM",
    "huggingface.inference_endpoints": "InferenceEndpointsLLM",
    "mistral": "MistralLLM",
    "ollama": "OllamaLLM",
    "openai": "OpenAILLM",
    "together": "TogetherLLM",
    "vertexai": "VertexAILLM",
    "vllm": "ClientvLLM",
}
SERVERS = {(module, name): BY_CLASS[name] for module, name in _MODULES.items()}
"""Whom a class of distilabel asks, by the module where distilabel has it."""
ADDRESS = ("base_url", "host", "endpoint")
"""What parameters of theirs call the address of a server."""
TOKENIZER = ("tokenizer", "tokenizer_id", "tokenizer_revision", "http_client")
"""Parameters that change nothing here: the server knows which tokenizer its model has."""
MODULES = ("distilabel.models.llms.", "distilabel.llms.")
OTHER_NAMES = {"max_concurrent_requests": "max_concurrency"}
"""What parameters of theirs are called here."""

_TEMPLATES = {"<|start_header_id|>user<|end_header_id|>": "llama3", "<|im_start|>user": "qwen2"}
"""distilabel writes the text of a template where the user named it; by its name its end of turn is known too."""
_NAMES = {
    "CohereLLM": {"p": "top_p", "stop_sequences": "stop"},
    "InferenceEndpointsLLM": {"stop_sequences": "stop"},
    "VertexAILLM": {"max_output_tokens": "max_new_tokens", "stop_sequences": "stop"},
}
"""What parameters of sampling of theirs are called in OpenAI's protocol."""
_OLLAMA = {"num_predict": "max_new_tokens"}
_OLLAMA_TAKES = {"temperature", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty"}


def embeddings_of(llm: Mapping[str, Any]) -> dict[str, Any]:
    """The model that makes vectors of texts, for one that distilabel has make them of its last hidden states."""
    use = "vLLMEmbeddings" if llm.get("use") == "vLLM" else "SentenceTransformerEmbeddings"
    return {"use": use, **{key: llm[key] for key in ("model", "revision", "trust_remote_code") if llm.get(key)}}


def template_name(text: Any) -> Any:
    """The name of a Magpie template that distilabel wrote out; other texts stay."""
    return _TEMPLATES.get(text.strip().removeprefix("<|begin_of_text|>"), text) if isinstance(text, str) else text


def sampling(theirs: str, kwargs: Any, tell: Tell) -> Any:
    """`generation_kwargs` by the names of OpenAI's protocol. `tell` hears what was left out."""
    if not isinstance(kwargs, Mapping):
        return kwargs
    if theirs == "OllamaLLM":
        return _of_ollama(kwargs, tell)
    names = _NAMES.get(theirs, {})
    return {new if (new := names.get(key, key)) not in kwargs else key: value for key, value in kwargs.items()}


def _of_ollama(kwargs: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    ours: dict[str, Any] = {}
    options = kwargs.get("options")
    for key, value in (options if isinstance(options, Mapping) else {}).items():
        name = _OLLAMA.get(str(key), str(key))
        if name in (*_OLLAMA_TAKES, *_OLLAMA.values()):
            ours[name] = value
        elif value is not None:
            tell(f"`generation_kwargs.options.{str(key)[:40]}` was left out: Ollama takes it in a Modelfile")
    for key, value in kwargs.items():
        if key == "format" and value:
            ours["response_format"] = {"type": "json_object"} if value == "json" else value
        elif key == "keep_alive" and value is not None:
            tell("`generation_kwargs.keep_alive` was left out: set $OLLAMA_KEEP_ALIVE where Ollama runs")
        elif key not in ("options", "format", "keep_alive"):
            ours[str(key)] = value
    return ours


def structure(given: Any, tell: Tell) -> Any:
    """`structured_output` as ours is written. `tell` hears what was left out."""
    if not isinstance(given, Mapping):
        return given
    kind = given.get("format") or ("regex" if isinstance(given.get("schema"), str) else "json")
    for key, value in given.items():
        if key not in ("format", "schema") and value is not None:
            tell(f"`structured_output.{str(key)[:40]}` was left out: the server is asked for JSON by its schema")
    return {"format": kind, **({"schema": given["schema"]} if given.get("schema") is not None else {})}
