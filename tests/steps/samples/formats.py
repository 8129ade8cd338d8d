from __future__ import annotations

from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
from steps.formats.format_text_generation_sft import FormatTextGenerationSFT
from tests.steps.samples.rows import answer, answers
from tests.steps.samples.sample import Sample, Samples

SAMPLES: Samples = {
    "FormatTextGenerationSFT": [Sample(FormatTextGenerationSFT(), answer)],
    "FormatTextGenerationDPO": [Sample(FormatTextGenerationDPO(), answers)],
}
