"""A pipeline as the Python code that people write, and such code as a pipeline: exact both ways, and never executed."""

from flows.spec.python.reading import from_python, read_python, step_lines
from flows.spec.python.writing import to_python

__all__ = ["from_python", "read_python", "step_lines", "to_python"]
