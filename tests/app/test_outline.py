from __future__ import annotations

from app.handlers.outline import in_order, step_cards
from flows.plan import examine
from flows.spec import read_spec


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
