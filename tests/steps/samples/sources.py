from __future__ import annotations

from steps.base import Row
from steps.sources.data_sampler import DataSampler
from steps.sources.load_data_from_dicts import LoadDataFromDicts
from steps.sources.load_data_from_disk import LoadDataFromDisk
from steps.sources.load_data_from_file_system import LoadDataFromFileSystem
from steps.sources.load_data_from_hub import LoadDataFromHub
from tests.steps.samples.sample import Sample, Samples


def _no_row(text: str) -> Row:
    return {}


SAMPLES: Samples = {
    "DataSampler": [Sample(DataSampler(data=[{"text": "a"}, {"text": "b"}]), _no_row)],
    "LoadDataFromDicts": [Sample(LoadDataFromDicts(data=[]), _no_row)],
    "LoadDataFromFileSystem": [Sample(LoadDataFromFileSystem(data_files="*.json"), _no_row)],
    "LoadDataFromHub": [Sample(LoadDataFromHub(repo_id="acme/toys"), _no_row)],
    "LoadDataFromDisk": [Sample(LoadDataFromDisk(dataset_path="toys"), _no_row)],
}
