"""llama.cpp in this process, one question at a time, or its server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from steps.errors import BadRequest, ContextTooLong, RunError
from steps.extras import extra
from steps.llms.base import Usage
from steps.local.engine import LONGEST_REPLY, Asked, Generated, Structure
from steps.local.in_turn import Answered, InTurn
from steps.local.server import OwnServer, Program, flags, free_port

_NAMES = {"max_new_tokens": "max_tokens", "max_completion_tokens": "max_tokens", "repetition_penalty": "repeat_penalty"}


def find_file(path: str, repo_id: str | None, token: str | None) -> str:
    """The GGUF file on this machine, downloaded if need be. Blocks.

    Raises:
        RunError: It is not there.
    """
    if repo_id is not None:
        return _download(path, repo_id, token)
    found = Path(path).expanduser()
    if not found.is_file():
        raise RunError(f"the model {path!r} cannot be loaded: there is no such file", "correct model_path, or name its repo_id")
    return str(found)


def _download(pattern: str, repo_id: str, token: str | None) -> str:
    hub: Any = extra("huggingface_hub", "llama-cpp", "LlamaCppLLM")
    folder = hub.snapshot_download(repo_id, allow_patterns=[pattern], token=token)
    files = sorted(Path(folder).glob(pattern))
    if not files:
        raise RunError(
            f"the repository {repo_id!r} has no file {pattern!r}", "correct model_path: look at its files on the Hub"
        )
    return str(files[0])  # of a model in parts, the first names the others


class LlamaCppEngine(InTurn):
    """llama-cpp-python's Llama."""

    def __init__(self, name: str, llama: Any, library: Any) -> None:
        super().__init__(name)
        self._llama = llama
        self._library = library

    @classmethod
    async def load(cls, path: str, how: dict[str, Any]) -> Self:
        library = extra("llama_cpp", "llama-cpp", "LlamaCppLLM")
        return cls(Path(path).name, await asyncio.to_thread(library.Llama, path, **how), library)

    def compute(self, batch: Sequence[Asked]) -> Sequence[Answered]:
        return [self._one(asked) for asked in batch]

    def _one(self, asked: Asked) -> Generated:
        texts, reasons, usage = [], [], Usage()
        for at in range(asked.n):
            made = self._ask(asked, asked.have + at)
            choice = made["choices"][0]
            texts.append(choice["message"]["content"] or "" if "message" in choice else choice["text"])
            reasons.append(choice["finish_reason"])
            counts = made["usage"]
            usage = usage + Usage(counts["prompt_tokens"] if at == 0 else 0, counts["completion_tokens"])
        return Generated(texts, reasons, usage)

    def _ask(self, asked: Asked, sample: int) -> Any:
        given = {_NAMES.get(name, name): value for name, value in asked.sampling.items() if value is not None}
        if isinstance(given.get("seed"), int):
            given["seed"] += sample
        given.setdefault("max_tokens", LONGEST_REPLY)
        if asked.structure is not None:
            given["grammar"] = self._grammar(asked.structure)
        try:
            if asked.prompt is not None:
                return self._llama.create_completion(asked.prompt, **given)
            return self._llama.create_chat_completion(asked.chat, **given)
        except TypeError as error:
            raise BadRequest(
                f"llama.cpp does not take these generation_kwargs: {error}", "correct generation_kwargs"
            ) from error
        except ValueError as error:
            if "exceed context window" not in str(error):
                raise
            what = f"prompt and reply do not fit into the context of {self._model!r}: {error}"
            raise ContextTooLong(what, "raise n_ctx of the LLM, shorten the row, or lower max_new_tokens") from error

    def _grammar(self, wanted: Structure) -> Any:
        return self._library.LlamaGrammar.from_string(self._gbnf(wanted), verbose=False)

    def _gbnf(self, wanted: Structure) -> str:
        if wanted.kind == "choice":
            return _one_of(wanted.wanted)
        make: Any = extra("llama_cpp.llama_grammar", "llama-cpp", "LlamaCppLLM")
        if wanted.wanted is None:
            return str(make.JSON_GBNF)
        return str(make.json_schema_to_gbnf(json.dumps(wanted.wanted)))

    def release(self) -> None:
        self._llama.close()


def _one_of(texts: Sequence[str]) -> str:
    """The grammar of a reply that is one of some texts."""
    return "root ::= " + " | ".join(json.dumps(text, ensure_ascii=False) for text in texts)


def _on_the_wire(wanted: Structure) -> dict[str, Any]:
    """What holds a reply to a structure, in the words of both servers."""
    if wanted.kind == "choice":
        return {"grammar": _one_of(wanted.wanted)}
    schema = {"schema": wanted.wanted} if wanted.wanted is not None else {}
    return {"response_format": {"type": "json_object", **schema}}


async def start_llama_server(
    program: str | None, path: str, how: dict[str, Any], chat_format: str | None, at_once: int, more: dict[str, Any]
) -> OwnServer:
    """llama.cpp's server with this model, ready to be asked. `program`: its own; None for the one that llama-cpp-python has."""
    port = free_port()
    name = Path(path).name
    words: dict[str, Any] = {"structures": _on_the_wire, "names": {"repetition_penalty": "repeat_penalty"}}
    if program is not None:
        context = how["n_ctx"] * at_once  # shared out among those at work
        given = {"model": path, "host": "127.0.0.1", "port": port, "alias": name, "parallel": at_once, "ctx-size": context}
        given |= {"batch-size": how["n_batch"], "n-gpu-layers": 999 if how["n_gpu_layers"] < 0 else how["n_gpu_layers"]}
        given |= {"chat-template": chat_format} if chat_format else {}
        return await OwnServer.start(Program("llama.cpp", [program, *flags({**given, **more})], port, name, **words))
    extra("llama_cpp.server", "llama-cpp", "LlamaCppLLM with `serve`")
    given = {"model": path, "host": "127.0.0.1", "port": port, "model_alias": name, **how}
    given |= {"chat_format": chat_format} if chat_format else {}
    command = ["python", "-m", "llama_cpp.server", *flags({**given, **more})]
    return await OwnServer.start(Program("llama.cpp", command, port, name, health="/v1/models", **words))
