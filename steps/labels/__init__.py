"""Steps that learn one trusted label out of many annotations. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.labels.consolidate_labels import ConsolidateLabels
    from steps.labels.judge_panel import JudgePanel
else:
    __getattr__ = registry.importer(__name__)

__all__ = ["ConsolidateLabels", "JudgePanel"]
