"""Models that distilabel reaches through classes of their own, and that speak OpenAI's protocol here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from steps.absent import ADDRESSES

Tell = Callable[[str], None]


class Server(NamedTuple):
    """A class of distilabel that asks a server which speaks OpenAI's protocol: our OpenAILLM with this address and key."""

    url: str | None
    key: str
    model: tuple[str, ...] = ("model",)
    address: tuple[str, ...] = ("base_url",)
    path: str = ""
    """What an address in the file lacks of ours."""
    tokenizer: tuple[str, ...] = ()
    """Parameters that say which tokenizer the model has: the server knows."""


SERVERS = {
    ("openai", "OpenAILLM"): Server(None, "OPENAI_API_KEY"),
    ("anyscale", "AnyscaleLLM"): Server(*ADDRESSES["anyscale"]),
    ("together", "TogetherLLM"): Server(*ADDRESSES["together"]),
    ("groq", "GroqLLM"): Server(*ADDRESSES["groq"], path="/openai/v1"),
    ("mistral", "MistralLLM"): Server(*ADDRESSES["mistral"], address=("endpoint",), path="/v1"),
    ("ollama", "OllamaLLM"): Server(*ADDRESSES["ollama"], address=("host",), path="/v1", tokenizer=("tokenizer_id",)),
    ("vllm", "ClientvLLM"): Server(*ADDRESSES["vllm"], tokenizer=("tokenizer", "tokenizer_revision")),
    ("huggingface.inference_endpoints", "InferenceEndpointsLLM"): Server(
        *ADDRESSES["huggingface"],
        model=("model_id", "model_display_name"),
        path="/v1",
        tokenizer=("tokenizer_id",),
    ),
}
MODULES = ("distilabel.models.llms.", "distilabel.llms.")
OTHER_NAMES = {"max_concurrent_requests": "max_concurrency"}
"""What parameters of theirs are called here."""

_TEMPLATES = {"<|start_header_id|>user<|end_header_id|>": "llama3", "<|im_start|>user": "qwen2"}
"""distilabel writes the text of a template where the user named it; by its name its end of turn is known too."""
_OLLAMA = {"num_predict": "max_new_tokens"}
_OLLAMA_TAKES = {"temperature", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty"}


def template_name(text: Any) -> Any:
    """The name of a Magpie template that distilabel wrote out; other texts stay."""
    return _TEMPLATES.get(text.strip().removeprefix("<|begin_of_text|>"), text) if isinstance(text, str) else text


def sampling(theirs: str, kwargs: Any, tell: Tell) -> Any:
    """`generation_kwargs` by the names of OpenAI's protocol. `tell` hears what was left out."""
    if not isinstance(kwargs, Mapping):
        return kwargs
    if theirs == "OllamaLLM":
        return _of_ollama(kwargs, tell)
    if theirs == "InferenceEndpointsLLM" and "stop_sequences" in kwargs and "stop" not in kwargs:
        return {"stop" if key == "stop_sequences" else key: value for key, value in kwargs.items()}
    return dict(kwargs)


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
