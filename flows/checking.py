"""Before money is spent: one tiny request to each model of a pipeline, all at once, past journal, budget and limits.

It tells whether the server is there, takes the key and knows the model, and, where a step has the server hold replies to a
JSON schema, whether it does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from flows.engine.keys import identity_of
from flows.plan import Plan
from steps.errors import BadReply, BadRequest, EmptyReply, LLMError, ModelNotFound, NetworkFailed, RunError
from steps.llms.base import LLM, Completion, JSONSchema, Request, Responder, Usage
from steps.llms.provider_errors import has_no_path
from steps.tasks.base import Task

LONGEST_S = 60.0
"""How long an answer is waited for."""
REPLY_TOKENS = 16
JSON_TOKENS = 64
_HERE = "this machine computes it: it is loaded, and looked at, when the run starts"
_LISTED = "its server takes the key and lists it; no picture was asked for, since each is paid for"
_SAID_NOTHING = "its server does not say whether it takes the key and knows the model: the first picture of the run shows it"
_DEAR = "a picture costs as much as any other: the first that the run asks for shows whether it can be used"
_LENGTHS = ("max_new_tokens", "max_tokens", "max_completion_tokens")
_QUESTION = "This is a test of the connection. Answer with the word yes."
_JSON_QUESTION = 'This is a test of the connection. Answer in JSON: {"answer": "yes"}'
_SCHEMA: JSONSchema = {
    "title": "answer",
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Checked:
    """What one model answered, asked with one key."""

    model: str
    endpoint: str
    steps: list[str]
    key: str = ""
    """Where the key comes from, e.g. `$OPENAI_API_KEY`; empty where the server answers without one."""
    code: str = ""
    """Empty: it can be used."""
    said: str = ""
    fix: str = ""
    note: str = ""
    """What to know of one that can be used."""
    is_known: bool = True
    """False: its server is there, and says nothing of key and model."""
    json: str = ""
    """Whether it holds replies to a schema; empty where no step wants that."""
    seconds: float | None = None
    """How long the answer took."""
    cost: float | None = 0.0
    """USD; None: its price is not known."""
    usage: Usage = field(default_factory=Usage)

    @property
    def is_usable(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A model that the check leaves alone, and why."""

    model: str
    steps: list[str]
    why: str


def check_models(plan: Plan) -> list[Checked]:
    """Ask each model that is reached over the network once, with each of its keys."""
    return asyncio.run(check_models_async(plan))


async def check_models_async(plan: Plan) -> list[Checked]:
    """`check_models`, for code that has an event loop."""
    found = await asyncio.gather(*(_check(llm, steps, wants) for llm, steps, wants in _models(plan)))
    return [one for checked in found for one in checked]


def is_checked(llm: Responder) -> bool:
    """Whether a server tells of it for next to nothing: models that answer in this process are looked at when loaded."""
    return not llm.is_free and llm.default_pool == "async" and (llm.is_cheap_to_try or llm.can_be_looked_up)


def not_asked(plan: Plan) -> list[NotAsked]:
    """The models that only a run can try, each once: what they need is on this machine, or an answer costs too much.

    Those that are made up or recorded are not among them: they always answer.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for step, llm in plan.every_llm:
        if not llm.is_free and not is_checked(llm):
            found.setdefault((llm.model_name, _HERE if llm.default_pool != "async" else _DEAR), []).append(step)
    return [NotAsked(model, [*dict.fromkeys(steps)], why) for (model, why), steps in found.items()]


def _models(plan: Plan) -> list[tuple[Responder, list[str], bool]]:
    """Each model once, with the steps that ask it, and whether one of them wants JSON by a schema."""
    found: dict[tuple[Any, ...], tuple[Responder, list[str], bool]] = {}
    for step, llm in plan.every_llm:
        if not is_checked(llm):
            continue
        key = (identity_of(_tiny(llm, REPLY_TOKENS)), llm.endpoint, tuple(one.identity for one in llm.accounts))
        _, steps, wants = found.get(key, (llm, [], False))
        task = plan.steps[step].step
        is_wanted = isinstance(task, Task) and isinstance(llm, LLM) and _has_server_enforce(task, llm)
        found[key] = (llm, [*dict.fromkeys([*steps, step])], wants or is_wanted)
    return list(found.values())


def _has_server_enforce(task: Task, llm: LLM) -> bool:
    """Whether the step sends a JSON schema along."""
    wanted = task.use_default_structured_output
    if not (llm.enforces_schemas if wanted is None else wanted):
        return False
    try:
        return task.reply_schema({}) is not None
    except Exception:  # it wants to see a row
        return True


def _tiny(llm: Responder, tokens: int) -> Responder:
    """The same model, told to be brief."""
    given: dict[str, Any] = {}
    if isinstance(llm, LLM):
        kept = {name: value for name, value in llm.generation_kwargs.items() if name not in _LENGTHS}
        given = {"generation_kwargs": {**kept, "max_new_tokens": tokens}}
    if isinstance(timeout := getattr(llm, "timeout", None), (int, float)):
        given["timeout"] = min(timeout, LONGEST_S)
    return llm.model_copy(update=given)


async def _check(llm: Responder, steps: list[str], wants_json: bool) -> list[Checked]:
    accounts = llm.accounts
    checked = [Checked(llm.model_name, llm.endpoint, steps, account.name) for account in accounts]
    await asyncio.gather(*(_ask(llm, at, one) for at, one in enumerate(checked)))
    for account, one in zip(accounts, checked, strict=True):
        if one.is_usable and not account.has_key:
            one.key = ""
    usable = next((at for at, one in enumerate(checked) if one.is_usable), None)
    if wants_json and usable is not None:  # what one key gets, all get
        await _ask_for_json(llm, usable, checked[usable])
    return checked


async def _ask(llm: Responder, account: int, checked: Checked) -> None:
    asked = _tiny(llm, REPLY_TOKENS)
    await _ask_there(asked, account, checked)
    if checked.code == ModelNotFound.code and "base_url" in type(llm).model_fields and has_no_path(llm.endpoint):
        await _ask_below(asked, account, checked)


async def _ask_there(llm: Responder, account: int, checked: Checked) -> None:
    request = Request([{"role": "user", "content": _QUESTION}], account=account)
    await _send(
        llm, partial(llm.complete, request) if llm.is_cheap_to_try else partial(_look_up, llm, account, checked), checked
    )


async def _ask_below(llm: Responder, account: int, checked: Checked) -> None:
    """Where the address of a server alone was given: say whether it answers at /v1."""
    address = f"{llm.endpoint}/v1"
    below = Checked(checked.model, address, checked.steps)
    await _ask_there(llm.model_copy(update={"base_url": address}), account, below)
    checked.usage += below.usage
    checked.cost = None if checked.cost is None or below.cost is None else checked.cost + below.cost
    if below.is_usable:
        checked.fix = f"write {address}, where it answers, into base_url, or behind the @ of --llm"


async def _look_up(llm: Responder, account: int, checked: Checked) -> Completion:
    """Look for a model in its server's list, instead of asking for what is paid for."""
    checked.is_known = await llm.look_up(account)
    checked.note = _LISTED if checked.is_known else _SAID_NOTHING
    return Completion([], llm.model_name)


async def _ask_for_json(llm: Responder, account: int, checked: Checked) -> None:
    request = Request([{"role": "user", "content": _JSON_QUESTION}], schema=_SCHEMA, account=account)
    asked = _tiny(llm, JSON_TOKENS)
    of_json = Checked(checked.model, checked.endpoint, checked.steps)
    text = await _send(asked, partial(asked.complete, request), of_json)
    checked.usage += of_json.usage
    checked.cost = None if checked.cost is None or of_json.cost is None else checked.cost + of_json.cost
    if not of_json.is_usable:
        checked.code, checked.said, checked.fix = of_json.code, of_json.said, of_json.fix
    elif isinstance(asked, LLM) and not asked.takes_schemas:
        checked.json = "refused"
        checked.note = "it refuses JSON schemas: steps ask without, and check the replies themselves"
    elif text is None:
        checked.json = "not known"
    else:
        checked.json = "yes" if _is_answer(text) else "no"
        if checked.json == "no":
            checked.note = "it takes a JSON schema, and does not hold to it: replies that do not fit are asked for again"


def _is_answer(text: str) -> bool:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and isinstance(found.get("answer"), str)


async def _send(llm: Responder, ask: Callable[[], Awaitable[Completion]], checked: Checked) -> str | None:
    """The text of the reply, if it has one; what is wrong stands in `checked`."""
    text: str | None = None
    used = Usage()
    try:
        await llm.load()
        try:
            begin = time.monotonic()
            async with asyncio.timeout(LONGEST_S):
                completion = await ask()
            checked.seconds = time.monotonic() - begin
            text, used = next(iter(completion.texts), None), completion.usage
        finally:
            await llm.unload()
    except TimeoutError:
        error = NetworkFailed(f"{llm.endpoint} did not answer within {LONGEST_S:g} s", "look at the server, or try again later")
        _tell(checked, error)
    except (EmptyReply, BadReply) as error:
        used = getattr(error, "usage", None) or used
        checked.note = "it answered without a text"
    except BadRequest as error:
        used = error.usage or used
        if error.usage is None:  # else it thought until its few tokens were used up
            _tell(checked, error)
    except (LLMError, RunError) as error:
        used = getattr(error, "usage", None) or used
        _tell(checked, error)
    price = llm.find_price()
    checked.usage += used
    checked.cost = price.cost(used) if price is not None else (None if used.input_tokens or used.output_tokens else 0.0)
    return text


def _tell(checked: Checked, error: LLMError | RunError) -> None:
    checked.code, checked.said, checked.fix = error.code, error.message, error.fix


def total_cost(checked: Sequence[Checked]) -> float | None:
    """USD that the check cost; None where a price is not known."""
    costs = [one.cost for one in checked]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
