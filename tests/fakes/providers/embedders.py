"""Which providers have /embeddings, and what they take, refuse and say there, as their API references and servers have it.

Nothing here is read from the table of the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.providers.failures import Failure, google_error, openai_error

DIMENSIONS = 8
_OPENAI = frozenset({"model", "input", "encoding_format", "dimensions", "user"})


@dataclass(frozen=True, slots=True)
class Embedder:
    """One provider. `None` for a failure: it has none of this kind."""

    name: str
    path: str
    takes: frozenset[str] = frozenset()
    """Parameters that it knows, where it refuses others; empty: it minds none."""
    most_inputs: int = 2048
    base64: bool = True
    """Whether it writes base64 when told to; if not, it takes no notice, and writes numbers."""
    dimensions: str = "dimensions"
    counts: bool = True
    """Whether it says how many tokens it read."""
    too_many: Failure | None = None
    too_long: Failure | None = None


_LONG = Failure(
    400,
    openai_error(
        "This model's maximum context length is 8192 tokens, however you requested 9001 tokens (9001 in your prompt; 0 for the"
        " completion). Please reduce your prompt; or completion length.",
        "invalid_request_error",
    ),
    basis="seen",
    source="https://github.com/pingcap/autoflow/issues/265",
)
_MANY = Failure(
    400,
    openai_error(
        "Invalid 'input': array too long. Expected an array with maximum length 2048, but got an array with length 2049"
        " instead.",
        "invalid_request_error",
        "array_above_max_length",
        "input",
    ),
)

EMBEDDERS: dict[str, Embedder] = {
    embedder.name: embedder
    for embedder in (
        Embedder("openai", "/v1/embeddings", takes=_OPENAI, too_many=_MANY, too_long=_LONG),
        Embedder("azure", "/openai/deployments/some-model/embeddings", takes=_OPENAI, too_many=_MANY, too_long=_LONG),
        Embedder("anyscale", "/v1/embeddings", base64=False, dimensions="", too_long=_LONG),
        Embedder(
            "cohere",
            "/compatibility/v1/embeddings",
            takes=frozenset({"model", "input", "encoding_format"}),
            most_inputs=96,
            base64=False,
            dimensions="",
            too_many=Failure(
                400,
                {"id": "a1", "message": "invalid request: total number of texts must be at most 96 - received 97"},
                basis="seen",
                source="https://github.com/misbahsy/RAGTune/issues/2",
            ),
            too_long=Failure(400, {"id": "a1", "message": "too many tokens: size limit exceeded. Try using shorter inputs."}),
        ),
        Embedder("fireworks", "/inference/v1/embeddings", base64=False, too_long=_LONG),
        Embedder(
            "gemini",
            "/v1beta/openai/embeddings",
            takes=_OPENAI,
            most_inputs=100,
            base64=False,
            counts=False,
            too_many=Failure(
                400,
                google_error(
                    400,
                    "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch",
                    "INVALID_ARGUMENT",
                ),
                basis="seen",
                source="https://github.com/langchain-ai/langchainjs/issues/4491",
            ),
        ),
        Embedder(
            "huggingface",
            "/v1/embeddings",
            most_inputs=32,
            too_many=Failure(422, {"error": "batch size 33 > maximum allowed batch size 32", "error_type": "Validation"}),
            too_long=Failure(
                413,
                {
                    "error": "Input validation error: `inputs` must have less than 512 tokens. Given: 600",
                    "error_type": "Validation",
                },
                basis="seen",
                source="https://github.com/huggingface/text-embeddings-inference/issues/82",
            ),
        ),
        Embedder(
            "llama.cpp",
            "/v1/embeddings",
            dimensions="",
            too_long=Failure(
                500,
                {
                    "error": {
                        "code": 500,
                        "message": "input (600 tokens) is too large to process. increase the physical batch size (current batch"
                        " size: 512)",
                        "type": "server_error",
                    }
                },
                basis="seen",
                source="https://github.com/containers/ramalama/pull/2852",
            ),
        ),
        Embedder(
            "mistral",
            "/v1/embeddings",
            takes=frozenset({"model", "input", "metadata", "output_dimension", "output_dtype", "encoding_format"}),
            most_inputs=128,
            base64=False,
            dimensions="output_dimension",
            too_many=Failure(
                400,
                {
                    "object": "error",
                    "message": "Too many inputs in request, split into more batches.",
                    "type": "invalid_request_prompt",
                    "code": "3210",
                },
            ),
            too_long=Failure(
                400,
                {
                    "object": "error",
                    "message": "Too many tokens overall, split into more batches.",
                    "type": "invalid_request_prompt",
                    "param": None,
                    "code": "3210",
                },
                basis="seen",
                source="https://github.com/chroma-core/chroma/pull/5597",
            ),
        ),
        Embedder(
            "ollama",
            "/v1/embeddings",
            base64=False,
            too_long=Failure(
                400,
                openai_error("the input length exceeds the context length", "invalid_request_error"),
                basis="seen",
                source="https://github.com/nano-step/nano-brain/issues/208",
            ),
        ),
        Embedder("openrouter", "/api/v1/embeddings", base64=False, too_long=_LONG),
        Embedder("together", "/v1/embeddings", base64=False, dimensions="", too_long=_LONG),
        Embedder("vllm", "/v1/embeddings", too_long=_LONG),
    )
}


def vector_of(text: str, length: int = DIMENSIONS) -> list[float]:
    """The vector of a text, in the numbers that float32 has: the same wherever it is asked for."""
    seed = hashlib.sha256(text.encode()).digest()
    return [struct.unpack("<f", struct.pack("<f", seed[at % 32] / 255 - 0.5))[0] for at in range(length)]


def embeddings(embedder: Embedder, body: Mapping[str, Any]) -> dict[str, Any]:
    """The reply to a request that is in order."""
    length = body.get(embedder.dimensions) or DIMENSIONS if embedder.dimensions else DIMENSIONS
    data = []
    for index, text in enumerate(body["input"]):
        vector: Any = vector_of(text, length)
        if embedder.base64 and body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{length}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    data.reverse()  # the index says which text it is of, not the place
    read = sum(len(text.split()) for text in body["input"])
    usage = {"usage": {"prompt_tokens": read, "total_tokens": read}} if embedder.counts else {}
    return {"object": "list", "data": data, "model": body["model"], **usage}
