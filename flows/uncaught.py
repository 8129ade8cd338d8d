"""How our errors leave a script that nobody catches them in: in words, as they leave the command line."""

from __future__ import annotations

import sys
from types import TracebackType

from steps.errors import DistilflowError


def tell_in_words() -> None:
    """From now on our errors end a script with what they say. All others, and `python -X dev`, show all as ever.

    Whoever set a hook of their own keeps it. Notebooks ask the error itself (`DistilflowError._render_traceback_`).
    """
    if sys.excepthook is sys.__excepthook__ and not sys.flags.dev_mode:
        sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, DistilflowError):
        sys.__excepthook__(kind, error, trace)
        return
    file = trace.tb_frame.f_code.co_filename if trace is not None else ""
    is_script = trace is not None and not file.startswith("<")
    where = f"\nIt was raised from {file}, line {trace.tb_lineno}; python -X dev shows how." if trace and is_script else ""
    sys.stderr.write(f"{error}{where}\n")
