"""What a run is asked for travels and is remembered as it was given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.engine.options import RunOptions
from flows.runners.start import Start


def test_options_travel_as_json() -> None:
    options = RunOptions(max_rows=3, output=Path("out"), reuse=(Path("a"), Path("b")))
    start = Start({"name": "p"}, "/runs/r", options, ("0",), 12.5)

    assert Start.from_json(json.loads(json.dumps(start.to_json()))).options == options


def test_folders_count_from_where_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = RunOptions(output=Path("out"))
    here = Path.cwd()
    monkeypatch.chdir(tmp_path)

    assert RunOptions.model_validate_json(options.model_dump_json()).output == here / "out"


def test_what_is_not_given_now_stays_as_it_was() -> None:
    asked = RunOptions(max_rows=3, output=Path("/out"))

    assert asked.changed({"max_rows": 5, "output": None, "reuse": ()}) == RunOptions(max_rows=5, output=Path("/out"))


@pytest.mark.parametrize("given", [{"max_rows": 0}, {"max_rows": -1}, {"max_row": 1}], ids=str)
def test_what_cannot_be_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        RunOptions().changed(given)
