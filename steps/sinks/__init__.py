"""Steps that bring rows elsewhere. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.sinks.push_to_hub import PushToHub
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "PushToHub",
]
