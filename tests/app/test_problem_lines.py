from __future__ import annotations

from app.handlers import drafts
from app.handlers.drafts import new_draft
from app.handlers.texts import Language, state_of, texts_of

WRONG = """\
name: a
steps:
- name: load
  use: LoadDataFromDict
  with: {data: [{instruction: hi}]}
  wth: 3
- name: gen
  use: TextGeneration
  after: load
  with:
    llm:
      use: OpenAILLM
      modl: x
"""


def lines(text: str, language: Language = "yaml") -> dict[str, int | None]:
    return {problem["code"]: problem["line"] for problem in state_of(new_draft(), language, text)["problems"]}


def test_each_problem_has_the_line_of_what_it_names() -> None:
    assert lines(WRONG) == {"unknown-step": 4, "unknown-key": 6, "unknown-parameter": 13}


def test_what_reads_the_text_names_the_line() -> None:
    assert lines("name: a\nsteps:\n- {name: load\n- {name: b}\n") == {"bad-spec": 4}
    assert lines("pipeline = Pipeline('a')\nwith pipeline:\n    x = = 1\n", "python") == {"bad-spec": 3}


def test_a_line_that_only_a_name_mentions_is_none() -> None:
    text = WRONG.replace("wth", "'line 2'")
    assert lines(text)["unknown-key"] == 6


def test_a_problem_of_the_whole_step_is_at_its_first_line(quickstart: str) -> None:
    text = quickstart.replace("    after: [answer_1, answer_2, answer_3]\n", "")
    found = state_of(new_draft(), "yaml", text)["problems"]
    assert found
    assert all(problem["line"] is not None for problem in found if problem["step"])


def test_problems_stand_at_their_lines_of_the_python_too() -> None:
    text, state = texts_of(drafts.view(new_draft(WRONG.replace("  wth: 3\n", "").replace("FromDict\n", "FromDicts\n"))))[
        "python"
    ]
    [problem] = state["problems"]
    assert "modl" in text.splitlines()[(problem["line"] or 0) - 1]


def test_an_empty_pipeline_has_no_lines_to_tell() -> None:
    assert lines("name: a\nsteps: []\n") == {"no-steps": None}
