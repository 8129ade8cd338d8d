"""The result of a pipeline: a `datasets.DatasetDict` for each leaf step. On disk a folder that `load_dataset` reads too.

<folder>/
  <leaf>/<split>-00000-of-00001.parquet     the rows; a single leaf is named "default"
  README.md      the card                   pipeline.yaml   the pipeline as it ran
  report.json    how the run went           run.log         what happened
  artifacts/<step>/<name>/                  files that steps left beside the rows
"""

from flows.distiset.artifacts import Artifact
from flows.distiset.folders import NotADistiset, check_target, head
from flows.distiset.result import Distiset
from flows.distiset.writing import write_distiset

__all__ = ["Artifact", "Distiset", "NotADistiset", "check_target", "head", "write_distiset"]
