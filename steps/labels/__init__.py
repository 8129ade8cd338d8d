"""Steps that learn one trusted label out of many annotations. An import of one takes that one alone."""

from steps import registry

__getattr__ = registry.importer(__name__)

__all__: list[str] = []
