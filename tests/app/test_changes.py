"""Changes of the graph: what the canvas asks for is what stands in the pipeline, and every change can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.handlers.changes import change_from
from app.handlers.changes.parts import free_name
from app.handlers.drafts import CannotEdit, Draft, check, new_draft, redo, undo, view
from flows.spec import read_spec

CHAIN = """\
# What it is for.
distilflow: 1
name: chain
steps:
  - name: load
    use: LoadDataFromDicts
    with: {data: [{instruction: a}]}
  - name: answer
    use: TextGeneration
    after: load
  - name: cut
    use: TruncateTextColumn
    after: answer
    with: {column: generation}
  - name: keep
    use: KeepColumns
    after: cut
    with: {columns: [instruction]}
"""


def after(draft: Draft) -> dict[str, list[str]]:
    """The graph: what each step comes after."""
    spec, problems = read_spec(draft["text"])
    assert not problems
    return {step.name: step.after for step in spec.steps}


def edited(draft: Draft, **told: Any) -> Draft:
    return change_from(told).on(draft)


def test_a_step_is_added_after_the_selected_one_and_selected() -> None:
    draft = edited(new_draft(CHAIN), do="add", use="UltraFeedback", after=["answer"])

    assert after(draft)["ultra_feedback"] == ["answer"]
    assert draft["selected"] == "ultra_feedback"
    assert draft["undo"][-1][0] == "add UltraFeedback"
    assert draft["text"].startswith("# What it is for.\n")
    assert list(after(draft)).index("ultra_feedback") == 3  # behind the step before it, and its other branch


def test_a_step_is_put_between_two_others() -> None:
    draft = edited(new_draft(CHAIN), do="add", use="KeepColumns", after=["answer"], before="cut")

    assert after(draft)["keep_columns"] == ["answer"]
    assert after(draft)["cut"] == ["keep_columns"]


def test_a_source_comes_after_nothing_and_an_empty_draft_begins_with_it() -> None:
    draft = edited(new_draft(), do="add", use="LoadDataFromDicts", after=[])
    draft = edited(draft, do="add", use="LoadDataFromDicts", after=["load_data_from_dicts"])

    assert after(draft) == {"load_data_from_dicts": [], "load_data_from_dicts_2": []}


def test_a_model_is_chosen_for_a_step_and_the_same_one_changes_nothing() -> None:
    draft = edited(new_draft(CHAIN), do="choose-model", step="answer", name="OpenAILLM")

    assert check(draft["text"])[0].spec.step("answer").params["llm"] == {"use": "OpenAILLM"}
    assert draft["undo"][-1][0] == "OpenAILLM for answer"
    assert edited(draft, do="choose-model", step="answer", name="OpenAILLM") == draft
    with pytest.raises(CannotEdit):
        edited(draft, do="choose-model", step="answer", name="NoSuchLLM")


def test_two_steps_of_one_class_are_two_ways_back() -> None:
    draft = edited(new_draft(CHAIN), do="add", use="KeepColumns", after=["cut"])
    draft = edited(draft, do="add", use="KeepColumns", after=["cut"])

    assert list(after(undo(draft))) == ["load", "answer", "cut", "keep", "keep_columns"]


def test_rows_pass_where_a_step_is_taken_out_if_their_columns_still_fit() -> None:
    bridged = edited(new_draft(CHAIN), do="remove", steps=["cut"])
    apart = edited(new_draft(CHAIN), do="remove", steps=["answer"])

    assert after(bridged)["keep"] == ["answer"]
    assert bridged["selected"] == "answer"
    assert after(apart)["cut"] == []  # there is no `generation` without `answer`


def test_several_steps_in_a_row_are_taken_out_at_once() -> None:
    draft = edited(new_draft(CHAIN), do="remove", steps=["answer", "cut"])

    assert after(draft) == {"load": [], "keep": ["load"]}
    assert after(undo(draft)) == after(new_draft(CHAIN))


def test_rows_never_go_in_a_circle() -> None:
    with pytest.raises(CannotEdit, match="in a circle"):
        edited(new_draft(CHAIN), do="connect", source="keep", target="answer")
    with pytest.raises(CannotEdit, match="in a circle"):
        edited(new_draft(CHAIN), do="connect", source="keep", target="keep")
    with pytest.raises(CannotEdit, match="makes rows and takes none"):
        edited(new_draft(CHAIN), do="connect", source="keep", target="load")


def test_a_name_changes_wherever_it_stands() -> None:
    draft = edited(new_draft(CHAIN), do="move", to={"answer": [40, 80]})
    draft = edited(draft, do="group", steps=["answer", "cut"])
    draft = edited({**draft, "selected": "answer"}, do="rename", step="answer", name="reply")
    spec, _ = read_spec(draft["text"])

    assert after(draft)["cut"] == ["reply"]
    assert spec.canvas.positions == {"reply": (40, 80)}
    assert spec.canvas.groups["group"].steps == ["reply", "cut"]
    assert draft["selected"] == "reply"
    with pytest.raises(CannotEdit, match="already"):
        edited(draft, do="rename", step="reply", name="cut")
    with pytest.raises(CannotEdit):
        edited(draft, do="rename", step="reply", name="not a name!")


def test_copies_are_connected_as_they_were() -> None:
    data = read_spec(CHAIN)[0].to_dict()["steps"]
    draft = edited(new_draft(CHAIN), do="paste", steps=data[1:3], is_duplicate=True)

    assert after(draft)["answer_2"] == ["load"]
    assert after(draft)["cut_2"] == ["answer_2"]
    assert draft["selected"] == "answer_2"
    assert draft["undo"][-1][0] == "duplicate 2 steps"


def test_steps_of_another_pipeline_come_after_the_selected_one() -> None:
    data = read_spec(CHAIN.replace("answer", "reply"))[0].to_dict()["steps"]
    draft = edited(new_draft(CHAIN), do="paste", steps=data[1:3], after=["keep"])
    elsewhere = edited(new_draft(), do="paste", steps=data[2:], after=["keep"])

    assert after(draft)["reply"] == ["load"]
    assert after(elsewhere) == {"cut": [], "keep": ["cut"]}


def test_what_is_drawn_is_kept_in_the_pipeline_and_tidied_out_of_it() -> None:
    moved = edited(new_draft(CHAIN), do="move", to={"cut": [10, 20], "gone": [1, 1]})

    assert "canvas:" in moved["text"]
    assert "gone" not in moved["text"]
    assert "canvas:" not in edited(moved, do="tidy")["text"]
    assert "canvas:" not in undo(moved)["text"]


def test_a_group_goes_with_its_last_step() -> None:
    draft = edited(new_draft(CHAIN), do="group", steps=["answer", "cut"], name="both")
    opened = edited(draft, do="open-group", group="both")

    assert read_spec(opened["text"])[0].canvas.groups["both"].is_open
    assert "both" in edited(draft, do="remove", steps=["cut"])["text"]
    assert "canvas:" not in edited(draft, do="remove", steps=["cut", "answer"])["text"]
    assert "canvas:" not in edited(draft, do="ungroup", group="both")["text"]


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"do": "fly"},
        {"do": "add"},
        {"do": "remove", "steps": "all"},
        {"do": "move", "to": {"load": ["x", 1]}},
        {"do": "paste", "steps": []},
        {"do": "add", "use": "KeepColumns", "more": 1},
    ],
)
def test_what_is_no_change_is_refused(told: Any) -> None:
    with pytest.raises(CannotEdit):
        change_from(told)


@pytest.mark.parametrize(
    "told",
    [
        {"do": "remove", "steps": ["nobody"]},
        {"do": "add", "use": "Nothing"},
        {"do": "add", "use": "OpenAILLM"},
        {"do": "add", "use": "KeepColumns", "after": ["nobody"]},
        {"do": "connect", "source": "nobody", "target": "keep"},
        {"do": "paste", "steps": [{"use": "KeepColumns"}]},
        {"do": "paste", "steps": [{"name": "x", "use": "KeepColumns", "surprise": 1}]},
        {"do": "ungroup", "group": "nobody"},
        {"do": "rename-pipeline", "name": "no name!"},
    ],
)
def test_what_cannot_be_changes_nothing(told: Any) -> None:
    with pytest.raises(CannotEdit):
        change_from(told).on(new_draft(CHAIN))


def test_free_names_count_on() -> None:
    assert free_name("judge", set()) == "judge"
    assert free_name("judge", {"judge"}) == "judge_2"
    assert free_name("judge_2", {"judge", "judge_2"}) == "judge_3"


# ---- any changes, one after the other

USES = ["LoadDataFromDicts", "TextGeneration", "UltraFeedback", "KeepColumns", "GroupColumns", "FormatTextGenerationDPO"]


class Model:
    """What the graph should be after some changes, as simply as it can be said."""

    def __init__(self) -> None:
        self.after: dict[str, set[str]] = {}

    def reaches(self, start: str, end: str) -> bool:
        return start == end or any(self.reaches(before, end) for before in self.after[start])


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_changes_agree_with_a_model_and_can_be_undone_and_redone(data: st.DataObject) -> None:
    draft, model = new_draft(), Model()
    texts = [draft["text"]]
    for _ in range(data.draw(st.integers(5, 40), label="changes")):
        names = sorted(model.after)
        pick = st.sampled_from(names) if names else st.nothing()
        kinds = ["add", *(["connect", "disconnect", "rename", "move", "remove", "duplicate"] if names else [])]
        match data.draw(st.sampled_from(kinds), label="kind"):
            case "add":
                use = data.draw(st.sampled_from(USES))
                before = data.draw(st.lists(pick, max_size=2, unique=True)) if names else []
                draft = edited(draft, do="add", use=use, after=before)
                assert draft["selected"] is not None
                model.after[draft["selected"]] = set() if use == "LoadDataFromDicts" else set(before)
            case "connect":
                source, target = data.draw(pick), data.draw(pick)
                told = {"do": "connect", "source": source, "target": target}
                is_source = target.startswith("load") or model_use(draft, target) == "LoadDataFromDicts"
                if is_source or model.reaches(source, target):
                    with pytest.raises(CannotEdit):
                        change_from(told).on(draft)
                else:
                    draft = change_from(told).on(draft)
                    model.after[target].add(source)
            case "disconnect":
                source, target = data.draw(pick), data.draw(pick)
                draft = edited(draft, do="disconnect", source=source, target=target)
                model.after[target].discard(source)
            case "rename":
                old, new = data.draw(pick), free_name("step", names)
                draft = edited(draft, do="rename", step=old, name=new)
                model.after = {
                    (new if name == old else name): {new if before == old else before for before in after}
                    for name, after in model.after.items()
                }
            case "move":
                at = data.draw(st.tuples(st.integers(-500, 500), st.integers(-500, 500)))
                draft = edited(draft, do="move", to={data.draw(pick): at})
            case "duplicate":
                name = data.draw(pick)
                step = next(one for one in read_spec(draft["text"])[0].to_dict()["steps"] if one["name"] == name)
                draft = edited(draft, do="paste", steps=[step], is_duplicate=True)
                assert draft["selected"] is not None
                model.after[draft["selected"]] = set(model.after[name])
            case "remove":
                name = data.draw(pick)
                draft = edited(draft, do="remove", steps=[name])
                upstream = model.after.pop(name)
                graph = {step: set(others) for step, others in after(draft).items()}
                for step, others in model.after.items():
                    if name in others:
                        bridged, apart = others - {name} | upstream, others - {name}
                        assert graph[step] in (bridged, apart)
                        model.after[step] = graph[step]
        if draft["text"] != texts[-1]:
            texts.append(draft["text"])
        assert {step: set(others) for step, others in after(draft).items()} == model.after
        check(draft["text"])
        shown = view(draft)
        assert sorted(card["name"] for card in shown["steps"]) == sorted(model.after)
        assert {card["name"]: set(card["after"]) for card in shown["steps"]} == model.after
    back = draft
    for text in reversed(texts[:-1]):
        back = undo(back)
        assert back["text"] == text
    for text in texts[1:]:
        back = redo(back)
        assert back["text"] == text


def model_use(draft: Draft, name: str) -> str:
    return read_spec(draft["text"])[0].step(name).use
