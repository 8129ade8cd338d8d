from __future__ import annotations

from typing import Any, cast

from app.handlers.outline import in_order, step_cards
from flows.plan import examine
from flows.spec import read_spec

ARRIVES = """\
steps:
  - {name: load, use: LoadDataFromDicts, with: {data: [{COLUMNS}]}}
  - {name: answer, use: TextGeneration, after: load}
"""


def cards(text: str) -> dict[str, dict[str, object]]:
    spec, _ = read_spec(text)
    plan, problems = examine(spec)
    return {card["name"]: dict(card) for card in step_cards(spec, plan, problems)}


def test_branches_are_indented_and_their_meeting_is_not(quickstart: str) -> None:
    found = cards(quickstart)

    assert {name: card["depth"] for name, card in found.items()} == {
        "load": 0,
        "answer_1": 1,
        "answer_2": 1,
        "answer_3": 1,
        "group": 0,
        "judge": 0,
        "format_dpo": 0,
        "keep": 0,
    }


def test_a_card_says_what_a_step_adds_and_its_key_setting(quickstart: str) -> None:
    judge = cards(quickstart)["judge"]

    assert (judge["adds"], judge["setting"], judge["price"]) == (
        ["ratings", "rationales", "model_name"],
        "recorded replies · overall-rating",
        "free",
    )


def test_a_card_says_what_a_step_can_use_and_which_paper_it_follows(quickstart: str) -> None:
    found = cards(quickstart)

    assert found["format_dpo"]["uses"] == ["system_prompt", "generation_models"]
    assert [paper["url"] for paper in found["judge"]["papers"]] == ["https://arxiv.org/abs/2310.01377"]  # type: ignore[attr-defined]


def test_only_models_that_may_cost_money_are_marked(quickstart: str) -> None:
    text = quickstart.replace(
        "llm: {use: ReplayLLM, path: examples/data/recordings.jsonl, reply: judge}", "llm: {use: OpenAILLM, model: gpt-4o}"
    )

    assert {name for name, card in cards(text).items() if card["asks"]} == {"judge"}


def test_a_missing_column_is_not_shown_as_added(quickstart: str) -> None:
    found = cards(quickstart.replace("[generations, generation_models]", "[answers, models]"))

    assert found["judge"]["adds"] == ["ratings", "rationales", "model_name"]
    assert found["judge"]["problems"][0]["title"] == "Missing column"  # type: ignore[index]


def test_steps_of_unknown_classes_and_circles_are_still_listed() -> None:
    steps = ["{name: a, use: NoSuchStep}", "{name: b, use: KeepColumns, after: c}", "{name: c, use: KeepColumns, after: b}"]

    assert list(cards(f"steps: [{', '.join(steps)}]")) == ["a", "b", "c"]


def test_chains_stay_in_one_piece() -> None:
    steps = [("l", "[]"), ("a", "l"), ("b", "l"), ("a2", "a")]
    spec, _ = read_spec(f"steps: [{', '.join(f'{{name: {name}, use: X, after: {after}}}' for name, after in steps)}]")

    assert [step.name for step in in_order(spec)] == ["l", "a", "a2", "b"]


def problems_of(text: str, step: str) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], cards(text)[step]["problems"])


def test_a_missing_column_offers_those_that_arrive_the_likely_one_first() -> None:
    [problem] = problems_of(ARRIVES.replace("COLUMNS", "id: 1, instructions: Say hi"), "answer")

    assert (problem["column"], problem["uses"], problem["likely"]) == ("instruction", ["instructions", "id"], "instructions")
    assert problem["fix"] == "use another column for it"


def test_a_column_that_the_step_needs_itself_is_not_offered_for_another() -> None:
    text = ARRIVES.replace("COLUMNS", "instruction: x").replace("TextGeneration", "UltraFeedback")

    [problem] = problems_of(text, "answer")

    assert (problem["column"], problem["uses"]) == ("", [])
    assert problem["fix"] == "add a step before it that makes it"


def test_no_text_is_offered_for_a_list_and_the_fix_says_which_step_makes_one() -> None:
    text = ARRIVES.replace("COLUMNS", "instruction: x, generation: y, answers: [z]").replace("TextGeneration", "UltraFeedback")

    [problem] = problems_of(text, "answer")

    assert (problem["column"], problem["uses"], problem["likely"]) == ("generations", ["answers"], "")
    assert problem["fix"].startswith(
        "use another column for it, or add a GroupColumns step before it, with: {columns: [generation]"
    )


def test_the_fix_still_names_a_step_that_makes_the_column() -> None:
    text = ARRIVES.replace("COLUMNS", "question: x, answer: y").replace("TextGeneration", "FormatTextGenerationSFT")

    problems = problems_of(text, "answer")

    assert [problem["column"] for problem in problems] == ["instruction", "generation"]
    assert problems[1]["fix"] == "use another column for it, or add a TextGeneration step before it"


def test_a_step_of_an_unknown_class_is_marked_and_one_that_gets_replies_says_from_where(quickstart: str) -> None:
    found = cards(quickstart.replace("use: KeepColumns", "use: AcmeKeep"))

    assert [name for name, card in found.items() if not card["is_known"]] == ["keep"]
    assert {name: card["replies"] for name, card in found.items() if card["replies"]} == dict.fromkeys(
        ["answer_1", "answer_2", "answer_3", "judge"], "recordings"
    )


def test_a_step_of_several_models_says_how_many_and_marks_what_may_cost_money() -> None:
    def panel(judges: str) -> dict[str, object]:
        question = "question: {labels: [x]}, columns: [text]"
        step = f"  - {{name: panel, use: JudgePanel, after: load, with: {{{question}, judges: [{judges}]}}}}\n"
        load = "{name: load, use: LoadDataFromDicts, with: {data: [{text: a}]}}"
        return cards(f"name: x\nsteps:\n  - {load}\n{step}")["panel"]

    paid = "{name: a, llm: {use: OpenAILLM, model: one, base_url: 'http://h'}}"
    both = panel(f"{paid}, {{name: b, llm: {{use: OpenAILLM, model: two, base_url: 'http://h'}}}}")
    mixed, rules, rehearsed = panel(f"{paid}, {{name: b}}"), panel("{name: a, template: x}"), panel("{name: a}")

    assert (both["setting"], both["asks"]) == ("2 models: one, two", True)
    assert (mixed["setting"], mixed["asks"], mixed["price"]) == ("2 models: one, rehearsal", True, "")
    assert (rules["setting"], rules["asks"]) == ("no model", False)
    assert (rehearsed["setting"], rehearsed["replies"], rehearsed["price"]) == ("rehearsal", "rehearsal", "free")
