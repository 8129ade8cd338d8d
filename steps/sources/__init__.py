"""Steps that make rows: the starts of pipelines. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.sources.data_sampler import DataSampler
    from steps.sources.load_data_from_dicts import LoadDataFromDicts
    from steps.sources.load_data_from_disk import LoadDataFromDisk
    from steps.sources.load_data_from_file_system import LoadDataFromFileSystem
    from steps.sources.load_data_from_hub import LoadDataFromHub
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "DataSampler",
    "LoadDataFromDicts",
    "LoadDataFromDisk",
    "LoadDataFromFileSystem",
    "LoadDataFromHub",
]
