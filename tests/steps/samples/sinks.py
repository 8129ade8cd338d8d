from __future__ import annotations

from steps.sinks.push_to_hub import PushToHub
from tests.steps.samples.rows import texts
from tests.steps.samples.sample import Sample, Samples

SAMPLES: Samples = {
    "PushToHub": [Sample(PushToHub(repo_id="acme/toys"), texts)],
}
