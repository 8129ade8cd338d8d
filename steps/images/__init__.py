"""Models that make pictures of words. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.images.inference_endpoints_image_generation import InferenceEndpointsImageGeneration
    from steps.images.open_ai_image_generation import OpenAIImageGeneration
    from steps.images.rehearsal_image_generation import RehearsalImageGeneration
else:
    __getattr__ = registry.importer(__name__)

__all__ = ["InferenceEndpointsImageGeneration", "OpenAIImageGeneration", "RehearsalImageGeneration"]
