from __future__ import annotations

import hashlib

import pytest

from steps.errors import MissingValue
from steps.formats.format_text_generation_sft import FormatTextGenerationSFT


def test_the_prompt_is_known_by_its_hash() -> None:
    [row] = FormatTextGenerationSFT().process([{"instruction": "2+2?", "generation": "4"}])

    assert (row["prompt"], row["prompt_id"]) == ("2+2?", hashlib.sha256(b"2+2?").hexdigest())


@pytest.mark.parametrize(
    ("system", "roles"),
    [("Be brief.", ["system", "user", "assistant"]), ("", ["user", "assistant"]), (None, ["user", "assistant"])],
)
def test_a_system_prompt_comes_first_if_there_is_one(system: str | None, roles: list[str]) -> None:
    row = {"instruction": "2+2?", "generation": "4", "system_prompt": system}

    [made] = FormatTextGenerationSFT().process([row])

    assert [message["role"] for message in made["messages"]] == roles


def test_a_row_without_an_answer_is_refused() -> None:
    with pytest.raises(MissingValue, match="nothing in 'generation': None"):
        FormatTextGenerationSFT().process([{"instruction": "2+2?", "generation": None}])
