"""Code that has to run, and to pass its tests."""

from __future__ import annotations

import hashlib
import re
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Row, is_missing
from steps.errors import RunError
from steps.sandbox import Limit, Limits, Ran, run_python
from steps.validators.base import Validator, Verdict, as_text, what_is_no_text
from steps.validators.fences import code_in
from steps.validators.validate_python import PYTHON, python_problem

_OWN_LINE = re.compile(r'^ *File "main\.py", line (\d+)', re.MULTILINE)
_ENDED_BY: dict[Limit, str] = {
    "cpu": "it took longer than {cpu_s} s of computing",
    "time": "it took longer than {wall_s:g} s",
    "memory": "it took more than {memory_mb} MB of memory",
    "files": "it wrote more than {files_mb} MB to files",
    "processes": "it started more than {processes} processes and threads",
    "output": "it printed more than {files_mb} MB",
}


class RunPython(Validator):
    """Runs the Python code of a column, and tests after it, apart from everything.

    `<column>_passed` says whether it ended well, `<column>_output` what it printed, `<column>_error` what went wrong and in
    which line. `tests` is code that runs after it in the same place, such as assertions; with `tests_column` each row brings
    its own. Code that ends before its tests do has not passed. Of a reply with Markdown fences the first Python fence counts.

    Each program has a process of its own with an empty folder, no keys, no network and limits of time and memory. It imports
    what this Python can import. Where the system cannot keep it from network and files, the step refuses to work unless it is
    allowed to.

    Example:
        >>> step = RunPython(column="code", tests="assert double(2) == 4")
        >>> [row] = step.process([{"code": "def double(x):\\n    return x ** x + 1"}])
        >>> row["code_passed"], row["code_error"]
        (False, 'line 1 of the tests: AssertionError')
    """

    says: ClassVar[tuple[str, str]] = ("passed", "error")
    runs_code: ClassVar[bool] = True

    tests: str = Field(default="", description="Code that runs after that of each row.", json_schema_extra={"multiline": True})
    tests_column: str | None = Field(default=None, description="Column with code that runs after that; empty for none.")
    cpu_s: int = Field(default=5, ge=1, le=3600, title="Seconds of computing", description="Most seconds of computing.")
    wall_s: float = Field(default=10.0, gt=0, le=3600, title="Seconds in all", description="Most seconds from start to end.")
    memory_mb: int = Field(default=512, ge=64, title="Megabytes of memory", description="Most memory, in megabytes.")
    allow_unguarded: bool = Field(
        default=False,
        description="Also work where the system cannot keep code from network and files: only for code you trust.",
    )

    def needs(self) -> list[str]:
        return [self.column, *filter(None, [self.tests_column])]

    def makes(self) -> list[str]:
        return [*super().makes(), f"{self.column}_output"]

    def load(self) -> None:
        if not self.allow_unguarded and (open_to := run_python("").unguarded):
            raise RunError(
                f"this system cannot keep code from {' and '.join(open_to)}",
                "run the pipeline on a Linux that can, or set `allow_unguarded: true` if you trust the code",
            )

    def verdict(self, row: Row) -> Verdict:
        text = as_text(row[self.column])
        if text is None:
            return self._verdict(what_is_no_text(row[self.column]), "")
        code, tests = code_in(text, PYTHON), self._tests_of(row)
        if tests is None:
            assert self.tests_column is not None
            return self._verdict(f"column {self.tests_column!r}: {what_is_no_text(row[self.tests_column])}", "")
        if problem := python_problem(code):  # no need to start a process
            return self._verdict(problem, "")
        if not tests:
            ran = self._ran(code)
            return self._verdict(self._problem(ran, code), ran.stdout)
        end = f"\n{_word_of(code, tests)}\n"
        ran = self._ran(f"{code}\n{tests}\n__import__('sys').__stdout__.write({end!r})\n")
        printed, reached, after = ran.stdout.partition(end)
        problem = self._problem(ran, code) or (None if reached else "it ended before its tests did")
        return self._verdict(problem, printed + after)

    def _tests_of(self, row: Row) -> str | None:
        """Tests of a row; None where its own are no text."""
        if self.tests_column is None:
            return self.tests
        own = row[self.tests_column]
        if is_missing(own) or own == "":
            return self.tests
        return f"{code_in(own, PYTHON)}\n{self.tests}" if isinstance(own, str) else None

    def _ran(self, source: str) -> Ran:
        return run_python(source, limits=self._limits())

    def _limits(self) -> Limits:
        return Limits(cpu_s=self.cpu_s, wall_s=self.wall_s, memory_mb=self.memory_mb)

    def _problem(self, ran: Ran, code: str) -> str | None:
        if ran.limit:
            limits: dict[str, Any] = self._limits().model_dump()
            return _ENDED_BY[ran.limit].format(**limits)
        if ran.status == 0:
            return None
        last = ran.stderr.rstrip().rpartition("\n")[2].strip()
        if not last:
            return f"it ended with the status {ran.status}" if ran.status > 0 else f"it was ended by the signal {-ran.status}"
        return f"{_place(ran.stderr, code)}{last[:500]}"

    def _verdict(self, problem: str | None, output: str) -> Verdict:
        return Verdict(problem, {f"{self.column}_output": output})


def _word_of(*texts: str) -> str:
    """What is printed behind the tests, to show that they were reached: nothing that code prints by chance."""
    return hashlib.blake2b(repr(texts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _place(stderr: str, code: str) -> str:
    """The last line of the program that an error passed: of the code, or of the tests behind it."""
    lines = _OWN_LINE.findall(stderr)
    if not lines:
        return ""
    of_code = code.count("\n") + 1
    line = int(lines[-1])
    return f"line {line}: " if line <= of_code else f"line {line - of_code} of the tests: "
