"""Steps that show records to people in Argilla and bring back what these say. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.argilla.load_annotations_from_argilla import LoadAnnotationsFromArgilla
    from steps.argilla.preference_to_argilla import PreferenceToArgilla
    from steps.argilla.text_generation_to_argilla import TextGenerationToArgilla
    from steps.argilla.to_argilla import ToArgilla
    from steps.argilla.write_labels_to_argilla import WriteLabelsToArgilla
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "LoadAnnotationsFromArgilla",
    "PreferenceToArgilla",
    "TextGenerationToArgilla",
    "ToArgilla",
    "WriteLabelsToArgilla",
]
