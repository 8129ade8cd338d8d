"""Python functions in files, looked at without running them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

MODULES = frozenset({"subprocess", "multiprocessing", "ctypes", "pty"})
NAMES = frozenset(
    {"os.system", "os.popen", "os.fork", "os.kill", "os._exit", "sys.exit", "threading.Thread", "unittest.main"}
    | {"argparse.ArgumentParser", "SystemExit"}
)
CALLS = frozenset({"input", "exec", "eval", "exit", "quit"})
METHODS = frozenset({"setLevel"})
"""What a function that answers a question does not need: these reach for the system, the process or whoever sits before it."""


class Function(NamedTuple):
    file: str
    source: str
    """Of the whole file."""
    danger: str
    """What it uses that may do harm; empty for nothing."""


class FunctionLibrary:
    """A file of functions, or a folder with a file for each, called after it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._functions = lru_cache(maxsize=1000)(_functions)

    def find(self, name: str) -> Function | str:
        """The function that is called so, or what is in the way of it."""
        if not name.isidentifier() or name.startswith("_"):
            return f"{name[:80]!r} is not the name of a function"
        path = self._path / f"{name}.py" if self._path.is_dir() else self._path
        if not path.is_file():
            return f"function {name[:80]!r} is not there"
        try:
            functions = self._functions(path)
        except (OSError, ValueError, SyntaxError, RecursionError) as error:
            return f"{path.name} cannot be read as Python: {error}"
        return functions.get(name) or f"function {name[:80]!r} is not there"

    def check(self) -> Iterator[str]:
        """What is wrong with the path, or with the only file."""
        if self._path.is_dir():
            if not any(self._path.glob("*.py")):
                yield f"{str(self._path)!r} holds no Python files"
        elif self._path.suffix != ".py" or not self._path.is_file():
            yield f"{str(self._path)!r} is neither a Python file nor a folder of them"
        else:
            try:
                self._functions(self._path)
            except (OSError, ValueError, SyntaxError, RecursionError) as error:
                yield f"{str(self._path)!r} cannot be read as Python: {error}"

    def fingerprint(self) -> str:
        """Identity of the sources; what cannot be read counts as empty here."""
        files = sorted(self._path.glob("*.py")) if self._path.is_dir() else [self._path]
        digest = hashlib.blake2b(digest_size=16)
        for file in files:
            source = file.read_bytes() if file.is_file() else b""
            digest.update(f"{file.name} {len(source)} ".encode("utf-8", "surrogateescape") + source)
        return digest.hexdigest()


def _functions(path: Path) -> dict[str, Function]:
    source = path.read_text("utf-8")
    defined = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {node.name: Function(path.name, source, _danger(node)) for node in defined}


def _danger(function: ast.FunctionDef) -> str:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                return f"{name}()"
            case ast.Attribute(attr=method) if method in METHODS:
                return method
            case ast.Name() | ast.Attribute():
                dotted = ast.unparse(node)
                if dotted in NAMES or dotted.partition(".")[0] in MODULES:
                    return dotted
            case ast.Import(names=names) if found := [one.name for one in names if one.name.partition(".")[0] in MODULES]:
                return found[0]
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in MODULES:
                return module
    return ""
