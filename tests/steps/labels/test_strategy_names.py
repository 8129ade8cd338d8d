"""One list of the names of strategies, which all that take a name go by."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from pydantic import BaseModel

from flows.labelling.about import About
from steps.labels.consolidate_labels import ConsolidateLabels
from steps.labels.report_annotators import ReportAnnotators
from steps.labels.strategies.fitting import FITS
from steps.labels.strategy_names import StrategyChoice, StrategyName


@pytest.mark.parametrize("taker", [About, ConsolidateLabels, ReportAnnotators])
def test_who_takes_a_strategy_by_name_takes_each_and_auto(taker: type[BaseModel]) -> None:
    annotation: object = taker.model_fields["strategy"].annotation
    assert annotation is StrategyChoice
    assert taker.model_json_schema()["properties"]["strategy"]["enum"] == ["auto", *FITS]


def test_each_name_can_be_learned() -> None:
    assert list(get_args(StrategyName)) == list(FITS)


def test_a_strategy_is_named_without_numpy() -> None:
    script = "import steps.labels.strategy_names, sys; print('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
