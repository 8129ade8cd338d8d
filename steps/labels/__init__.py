"""Steps that learn one trusted label out of many annotations. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.labels.compare_strategies import CompareStrategies
    from steps.labels.consolidate_labels import ConsolidateLabels
    from steps.labels.judge_panel import JudgePanel
    from steps.labels.load_annotations import LoadAnnotations
    from steps.labels.report_annotators import ReportAnnotators
    from steps.labels.select_for_review import SelectForReview
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "CompareStrategies",
    "ConsolidateLabels",
    "JudgePanel",
    "LoadAnnotations",
    "ReportAnnotators",
    "SelectForReview",
]
