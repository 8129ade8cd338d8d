"""What a local model's failure means, and what to do about it: the words of five libraries become one error each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steps.errors import BadRequest, ContextTooLong, DistilflowError, EndpointDown, LLMError, OutOfMemory, RunError

LONGEST_SAID = 300
_MEMORY = re.compile(
    r"out of memory|OutOfMemory|CUBLAS_STATUS_ALLOC_FAILED|No available memory for the cache|less than desired GPU memory"
    r"|not enough memory|can't allocate memory|Cannot allocate memory|failed to allocate|unable to allocate|MemoryError"
    r"|larger than the available KV cache memory|needed, which is larger than",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"maximum (context|model) length|context (window|length)|exceed.{0,40}(context|n_ctx|max_model_len)|longer than the maximum"
    r"|max_model_len|prompt is too long|decoder prompt",
    re.IGNORECASE,
)
_GATED = re.compile(r"gated|403 (Client )?Error|awaiting a review|access to (model|it) .{0,80}restricted", re.IGNORECASE)
_REFUSED = re.compile(r"401 (Client )?Error|Unauthorized|Invalid user token|invalid username or password", re.IGNORECASE)
_MISSING = re.compile(
    r"not a valid model identifier|Repository Not Found|RepositoryNotFound|404 (Client )?Error|does not exist|no such file"
    r"|Model path does not exist|is not the path to a directory|isn't a valid|Invalid repository ID|EntryNotFound"
    r"|does not appear to have a file named|offline mode|cannot find the requested files|couldn't connect"
    r"|find an appropriate cached|Repo id must",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"chat[_ ]template|TemplateError|TemplateSyntaxError|roles must alternate", re.IGNORECASE)
_PORT = re.compile(r"address already in use|EADDRINUSE|couldn't bind|port .{0,20}in use", re.IGNORECASE)
_UNKNOWN_KIND = re.compile(
    r"model type .{0,80}(not recognize|unsupported)|architectures? .{0,120}not supported|does not recognize this architecture"
    r"|unknown model architecture",
    re.IGNORECASE | re.DOTALL,
)
_NO_DEVICE = re.compile(r"no CUDA|Failed to infer device|CUDA driver|no NVIDIA driver|Found no NVIDIA", re.IGNORECASE)

NO_TEMPLATE = (
    "nothing says how chats are written for it: it has no chat template",
    "take a model that was trained on chats (often named -Instruct or -it), or set chat_template",
)
LESS_MEMORY = (
    "lower max_model_len (n_ctx) or max_concurrency, take a smaller or quantized model, or more GPUs: `resources: {gpus: 2}`; "
    "another program may hold the memory"
)


def said_by(error: BaseException) -> str:
    """The words of an error and of those it came of, the first cause last."""
    return "\n".join(f"{type(one).__name__}: {one}" for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def cannot_load(model: str, error: BaseException) -> DistilflowError:
    """Why a model cannot be loaded, and what to do."""
    if isinstance(error, DistilflowError):
        return error
    return cannot_load_for(model, said_by(error))


def cannot_load_for(model: str, said: str) -> RunError:
    """The same, of what a library or a program said."""
    for pattern, what, fix in _REASONS:
        if pattern.search(said):
            return RunError(f"the model {_quoted(model)} cannot be loaded: {what} ({_excerpt(said, pattern)})", fix)
    return RunError(
        f"the model {_quoted(model)} cannot be loaded: {_excerpt(said)}",
        "see logs/ in the run's folder; check its name and parameters",
    )


_REASONS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (_MEMORY, "it does not fit into memory", LESS_MEMORY),
    (
        _GATED,
        "its repository is gated",
        "accept its conditions on its page on the Hub, and set $HF_TOKEN to a token of that account",
    ),
    (_REFUSED, "the Hub refuses the token", "set $HF_TOKEN to a valid token, or unset it for a public model"),
    (_PORT, "its port is taken", "start the run again: a free port is looked for each time"),
    (
        _NO_DEVICE,
        "there is no GPU to run it on",
        "give the step one (`pool: gpu`), or install a build of the engine for this machine",
    ),
    (_UNKNOWN_KIND, "the engine does not know this kind of model", "update the engine, or take another one"),
    (_TEMPLATE, "its chat template does not work", NO_TEMPLATE[1]),
    (
        _MISSING,
        "it is not there",
        "check its name: `owner/name` on the Hub, or a folder; a private one needs $HF_TOKEN, and without a network it must "
        "have been downloaded before",
    ),
)


def cannot_answer(model: str, error: BaseException) -> LLMError:
    """Why a question could not be answered: that is for its row alone."""
    if isinstance(error, LLMError):
        return error
    said = said_by(error)
    if _MEMORY.search(said):
        return out_of_memory(model, said)
    if _CONTEXT.search(said):
        return ContextTooLong(
            f"prompt and reply do not fit into the context of {model!r}: {_excerpt(said, _CONTEXT)}",
            "shorten the row (TruncateTextColumn), lower max_new_tokens, or raise max_model_len (n_ctx)",
        )
    if _TEMPLATE.search(said):
        return BadRequest(
            f"the chat template of {model!r} refuses this chat: {_excerpt(said)}", "change the chat, or set chat_template"
        )
    return BadRequest(f"{model!r} could not answer: {_excerpt(said)}", "check generation_kwargs and the prompt")


def out_of_memory(model: str, said: str = "") -> OutOfMemory:
    about = f" ({_excerpt(said, _MEMORY)})" if said else ""
    return OutOfMemory(f"{model!r} ran out of memory at this row{about}", f"shorten the row, or {LESS_MEMORY}")


DIED = " died: "
"""What stands before the reason."""


def has_died(model: str, reason: str) -> EndpointDown:
    """What is said of an engine whose process is gone, for a reason that `why_died` found."""
    return EndpointDown(
        f"the process of the model {_quoted(model)}{DIED}{reason}", f"see logs/ in the run's folder; {LESS_MEMORY}"
    )


def why_died(exit_code: int | None, log_tail: str = "") -> str:
    """Why a process died, as far as its exit code and its last words say."""
    if _MEMORY.search(log_tail):
        return f"out of memory ({_excerpt(log_tail, _MEMORY)})"
    if exit_code is None:
        return _excerpt(log_tail)
    if exit_code == -9:
        return "it was killed (exit code -9); on a machine that is short of memory, the system does that"
    return f"exit code {exit_code}"


def _quoted(model: str) -> str:
    """A model's name, as messages have it; those of several are quoted already."""
    return model if model.startswith(("'", '"')) else repr(model)


def _excerpt(said: str, pattern: re.Pattern[str] | None = None) -> str:
    """The line that matters, shortened: the one the pattern finds, or else the first."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = next(
        (line for line in lines if pattern is not None and pattern.search(line)), lines[0] if lines else "nothing was said"
    )
    return found if len(found) <= LONGEST_SAID else f"{found[:LONGEST_SAID]}..."
