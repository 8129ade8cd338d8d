"""vLLM's own server, started for a run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from steps.llms.vllm import PYTHON_VARIABLE
from steps.local.logs import log_path
from steps.local.server import OwnServer, Program, flags, free_port
from steps.local.vllm_engine import LORA


async def start_server(args: dict[str, Any], lora: str | None, chat_template: str | None) -> OwnServer:
    """vLLM's server with this model, ready to be asked.

    Raises:
        RunError: It cannot be started.
    """
    port, model = free_port(), str(args["model"])
    given = {"host": "127.0.0.1", "port": port, **{name.replace("_", "-"): value for name, value in args.items()}}
    if lora is not None:
        given["lora-modules"] = f"{LORA}={lora}"
    if chat_template is not None:
        given["chat-template"] = _in_a_file(chat_template, log_path(model).parent)
    command = [os.environ.get(PYTHON_VARIABLE, "python"), "-m", "vllm.entrypoints.openai.api_server", *flags(given)]
    environment = {"VLLM_NO_USAGE_STATS": os.environ.get("VLLM_NO_USAGE_STATS", "1")}
    program = Program("vLLM", command, port, LORA if lora is not None else model, environment=environment)
    return await OwnServer.start(program)


def _in_a_file(template: str, folder: Path) -> str:
    """A template as a file beside the log: as an argument it could be taken for a path."""
    handle, path = tempfile.mkstemp(prefix="chat-template-", suffix=".jinja", dir=folder)
    os.close(handle)
    Path(path).write_text(template, encoding="utf-8")
    return path
