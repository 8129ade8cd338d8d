"""Whether calls of functions can be executed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Batch, Group, Row, Step, is_missing, require
from steps.components import LOCAL_FILES
from steps.errors import RowError, RunError
from steps.json_texts import json_in
from steps.sandbox import Limits
from steps.sandbox.calls import Call, Called, call_rows
from steps.tasks.function_library import FunctionLibrary


class APIGenExecutionChecker(Step):
    """Runs the function calls of each row, and says which rows have none that fails.

    `answers` is a JSON list of calls (`[{"name": ..., "arguments": {...}}]`) or such a list itself; arguments are passed by
    name. `execution_result` has a text for each call: its value, or what went wrong. Calls run in a process of their own, with
    limits and without keys, and where the system allows it without network and other files. Each file stands alone: it
    can import what is installed, not its neighbours.

    After APIGen: Automated Pipeline for Generating Verifiable and Diverse Function-Calling Datasets,
    https://arxiv.org/abs/2406.18518

    Example:
        >>> from pathlib import Path
        >>> _ = Path("functions.py").write_text("def area(width, height): return width * height")
        >>> checker = APIGenExecutionChecker(libpath="functions.py")
        >>> [row] = checker.process([{"answers": '[{"name": "area", "arguments": {"width": 2, "height": 3}}]'}])
        >>> row["execution_result"], row["keep_row_after_execution_check"]
        (['6'], True)
    """

    group: ClassVar[Group] = "filters"
    runs_code: ClassVar[bool] = True
    inputs: ClassVar[tuple[str, ...]] = ("answers",)
    outputs: ClassVar[tuple[str, ...]] = ("keep_row_after_execution_check", "execution_result")

    libpath: str = Field(
        min_length=1,
        description="Python file with the functions, or folder with a file for each, called after it.",
        examples=["functions.py"],
        json_schema_extra=LOCAL_FILES,
    )
    check_is_dangerous: bool = Field(
        default=True, description="Leave out functions that start programs, ask for input, end the process or the like."
    )
    timeout_s: float = Field(default=5.0, gt=0, le=3600, description="Seconds that the calls of a row may take.")
    memory_mb: int = Field(default=512, ge=64, description="Megabytes of memory that they may take.")
    _library: FunctionLibrary | None = PrivateAttr(default=None)

    def check(self) -> Iterable[str]:
        return (f"libpath: {what}" for what in FunctionLibrary(Path(self.libpath)).check())

    def fingerprint(self) -> str:
        return FunctionLibrary(Path(self.libpath)).fingerprint()

    def load(self) -> None:
        for what in self.check():
            raise RunError(what, "name a Python file, or a folder of them")
        self._library = FunctionLibrary(Path(self.libpath))

    def unload(self) -> None:
        self._library = None

    def process(self, batch: Batch) -> Batch:
        if self._library is None:
            self.load()
        library: dict[str, str] = {}
        asked = [self._asked(row, library) for row in batch]
        possible = [[call for call in calls if isinstance(call, Call)] for calls in asked]
        limits = Limits(cpu_s=max(1, round(self.timeout_s)), wall_s=self.timeout_s, memory_mb=self.memory_mb)
        made = call_rows(library, possible, limits)
        return [_checked(row, calls, iter(came)) for row, calls, came in zip(batch, asked, made, strict=True)]

    def _asked(self, row: Row, library: dict[str, str]) -> list[Call | str]:
        """The calls of a row; instead of those that cannot be made, why."""
        require(row, self.inputs)
        calls = _calls(row["answers"])
        return [calls] if isinstance(calls, str) else [self._found(call, library) for call in calls]

    def _found(self, call: Any, library: dict[str, str]) -> Call | str:
        """The call, whose file is added to the library; or what is wrong with it."""
        if not isinstance(call, Mapping) or not isinstance(name := call.get("name"), str):
            return "this is no call: it has no name"
        arguments = call.get("arguments")
        if arguments is None:
            arguments = {}
        if not isinstance(arguments, Mapping):
            return f"the arguments of {name[:80]!r} are no object but a {type(arguments).__name__}"
        assert self._library is not None
        function = self._library.find(name)
        if isinstance(function, str):
            return function
        if self.check_is_dangerous and function.danger:
            return f"function {name!r} was not called: it uses {function.danger}"
        library[function.file] = function.source
        return Call(function.file, name, dict(arguments))


def _checked(row: Row, calls: list[Call | str], made: Iterator[Called]) -> Row:
    came = [next(made) if isinstance(call, Call) else Called(False, call) for call in calls]
    is_kept, said = all(one.is_ok for one in came), [one.said for one in came]
    return {**row, "keep_row_after_execution_check": is_kept, "execution_result": said}


def _calls(answers: Any) -> list[Any] | str:
    """The calls of a row, or what is wrong with them."""
    if is_missing(answers) or answers in ("", []):
        return "there are no calls"
    if isinstance(answers, str):
        try:
            answers = json_in(answers)
        except ValueError as error:
            return f"the calls cannot be read as JSON: {error}"
        if not isinstance(answers, list) or not answers:
            return "there is no list of calls"
    if not isinstance(answers, list):
        raise RowError(f"`answers` holds a {type(answers).__name__}, not calls", "name the column in `input_mappings`")
    return answers
