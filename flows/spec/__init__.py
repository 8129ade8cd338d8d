"""The pipeline as data: what canvas, YAML, Python, command line and Hub all share.

A file is other people's input: it is read with limits, names components only through the registry, and holds no secrets.
"""

from flows.spec.model import CanvasSpec, PipelineSpec, RouterSpec, StepSpec
from flows.spec.parameters import apply_parameters, parse_parameter, with_parameters
from flows.spec.reading import load_spec, read_file, read_spec, spec_from

__all__ = [
    "CanvasSpec",
    "PipelineSpec",
    "RouterSpec",
    "StepSpec",
    "apply_parameters",
    "load_spec",
    "parse_parameter",
    "read_file",
    "read_spec",
    "spec_from",
    "with_parameters",
]
