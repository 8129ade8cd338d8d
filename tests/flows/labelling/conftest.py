from __future__ import annotations

from pathlib import Path

import pytest

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.learning import learn_anew
from steps.labels.questions import Question
from tests.flows.labelling.crowds import UNSURE, crowd


@pytest.fixture
def projects(tmp_path: Path) -> LabelProjects:
    return LabelProjects(tmp_path / "labels")


@pytest.fixture
def project(projects: LabelProjects) -> LabelProject:
    """Sixty items of five annotators, nearly half of them with gold, and a strategy learned from them."""
    question = Question(title="Is the answer correct?", guideline="A right part counts as partly.")
    made = projects.create("answers", question, crowd(gold=0.45, right=UNSURE))
    made.change(lambda about: about.model_copy(update={"strategy": "learned"}))
    learn_anew(made)
    return made
