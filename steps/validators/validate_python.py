"""Texts that have to be Python."""

from __future__ import annotations

import warnings

from steps.validators.base import Validator
from steps.validators.fences import code_in

PYTHON = ("python", "py", "python3")


class ValidatePython(Validator):
    """Checks that code is Python that can be compiled. Nothing is run.

    `<column>_is_valid` says whether it is, `<column>_problem` what is wrong and in which line. Of a reply with Markdown fences
    the code in the first Python fence counts. The syntax is that of the Python this runs on.

    Example:
        >>> [row] = ValidatePython(column="code").process([{"code": "x = 1\\nprint(x"}])
        >>> row["code_is_valid"], row["code_problem"]
        (False, "line 2: '(' was never closed")
    """

    def problem(self, text: str) -> str | None:
        return python_problem(code_in(text, PYTHON))


def python_problem(code: str) -> str | None:
    """What keeps code from being compiled, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<code>", "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        return f"{where}{error.msg}"
    except UnicodeEncodeError:
        return "it holds half of a character (a surrogate)"
    except (RecursionError, MemoryError):
        return "it is nested too deep"
    except (ValueError, OverflowError) as error:
        return str(error)
    return None
