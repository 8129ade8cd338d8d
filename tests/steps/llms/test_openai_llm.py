"""OpenAILLM: what it sends, what it makes of the answer, what it knows to be wrong beforehand."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
import yaml
from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from steps.errors import AuthFailed, BadRequest, ContentFiltered, SchemaRefused
from steps.llms.base import LLM, Usage, topped_up
from steps.llms.openai_llm import OpenAILLM
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.steps.llms.serving import KEY, answering, asking, loaded


class Rating(BaseModel):
    rating: int = Field(ge=1, le=5)
    reason: str = "none"


# ---- replies
async def test_a_reply_has_text_model_usage_and_finish_reason() -> None:
    async with loaded(FakeOpenAI()) as llm:
        completion = await llm.complete(asking("hello there"))

    assert completion.texts == ["echo: hello there"]
    assert completion.model_name == "m"
    assert completion.usage == Usage(2, 3)
    assert completion.finish_reasons == ["stop"]


async def test_several_replies_come_from_one_request() -> None:
    fake = FakeOpenAI()
    async with loaded(fake) as llm:
        completion = await llm.complete(asking("hi", n=3))

    assert completion.texts == ["echo: hi", "echo 1: hi", "echo 2: hi"]
    assert fake.stats.requests == 1


async def test_a_server_without_n_is_asked_again_with_another_seed() -> None:
    seeds: list[int] = []

    async def answer_once(request: web.Request) -> web.Response:
        body = await request.json()
        seeds.append(body["seed"])
        choice = {"message": {"content": f"seed {body['seed']}"}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": {"prompt_tokens": 2, "completion_tokens": 3}})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer_once)
    async with loaded(app, generation_kwargs={"seed": 7}) as llm:
        completion = await topped_up(llm.complete)(asking(n=3))

    assert completion.texts == ["seed 7", "seed 8", "seed 9"]
    assert completion.usage == Usage(6, 9)


async def test_the_text_parts_of_a_content_list_are_the_text() -> None:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}]
    async with loaded(answering(body={"model": "m-2", "choices": [{"message": {"content": content}}]})) as llm:
        completion = await llm.complete(asking())

    assert (completion.texts, completion.model_name, completion.usage) == (["yes"], "m-2", Usage())


CHOICE = '{"message": {"content": %s}, "finish_reason": "stop"}'
ANSWER = f'{{"choices": [{CHOICE}], "usage": {{"prompt_tokens": %s, "completion_tokens": 2}}}}'


@pytest.mark.parametrize(
    ("text", "tokens", "seen"),
    [
        (r'"half: \ud83d"', "3", ("half: \ud83d", Usage(3, 2))),
        ('"yes"', "NaN", ("yes", Usage(0, 2))),
        ('"yes"', "12.0", ("yes", Usage(12, 2))),
        ('"yes"', "12.5", ("yes", Usage(0, 2))),
        ('"yes"', "-4", ("yes", Usage(0, 2))),
        ('"yes"', "true", ("yes", Usage(0, 2))),
        ('"yes"', "1e400", ("yes", Usage(0, 2))),
        ('"yes"', "1000000000000", ("yes", Usage(10**12, 2))),
        ('"yes"', "1000000000001", ("yes", Usage(0, 2))),
    ],
)
async def test_a_reply_is_read_though_its_json_is_odd(text: str, tokens: str, seen: tuple[str, Usage]) -> None:
    async with loaded(answering(text=ANSWER % (text, tokens))) as llm:
        completion = await llm.complete(asking())

    assert (completion.texts[0], completion.usage) == seen


async def test_parts_of_the_tokens_are_no_more_than_all_of_them() -> None:
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 10**11},
        "completion_tokens_details": {"reasoning_tokens": 10**11},
    }
    answer = {"choices": [{"message": {"content": "yes"}}], "usage": usage, "model": "m" * 10_000}
    async with loaded(answering(body=answer)) as llm:
        completion = await llm.complete(asking())

    assert completion.usage == Usage(7, 5, 7, 5)
    assert completion.model_name == llm.model


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
async def test_a_reply_in_other_unicode_is_read(encoding: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=(ANSWER % ('"jä"', "3")).encode(encoding), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with loaded(app) as llm:
        assert (await llm.complete(asking())).texts == ["jä"]


# ---- requests
async def sent(request: Any = None, **fields: Any) -> dict[str, Any]:
    """The body that the server sees."""
    fake = FakeOpenAI()
    async with loaded(fake, **fields) as llm:
        await llm.complete(request or asking())
    assert fake.stats.last_request is not None
    return fake.stats.last_request


async def test_sampling_goes_by_the_names_of_the_wire() -> None:
    body = await sent(
        generation_kwargs={
            "max_new_tokens": 9,
            "temperature": 0.5,
            "stop": ["."],
            "seed": None,
            "min_p": 0.1,
            "response_format": "json",
            "extra_body": {"chat_template_kwargs": {"thinking": False}},
        }
    )

    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "temperature": 0.5,
        "stop": ["."],
        "min_p": 0.1,
        "response_format": {"type": "json_object"},
        "chat_template_kwargs": {"thinking": False},
    }


def test_openai_itself_gets_max_completion_tokens() -> None:
    llm = OpenAILLM(model="gpt-4o-mini", generation_kwargs={"max_new_tokens": 9})

    assert llm._common_body() == {"model": "gpt-4o-mini", "max_completion_tokens": 9}


async def test_the_schema_of_a_request_is_sent_and_wins() -> None:
    schema = Rating.model_json_schema()

    body = await sent(asking(schema=schema), structured_output={"format": "json"})

    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "Rating", "schema": schema}}


async def test_a_server_that_refuses_schemas_is_asked_without_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeOpenAI(Behaviour(refused_formats=["json_schema"]))
    request = asking("hi", schema=Rating.model_json_schema())
    async with loaded(fake) as llm:
        completions = [await llm.complete(request) for _ in range(3)]

    assert [completion.texts for completion in completions] == [["echo: hi"]] * 3
    assert fake.stats.by_status == {400: 1, 200: 3}
    [warning] = caplog.messages
    assert "'response_format' of type 'json_schema' is not supported" in warning


async def test_a_request_that_is_refused_for_something_else_fails_and_nothing_is_concluded() -> None:
    rules = [Rule("boom", Fault.CONTENT_FILTER)]
    fake = FakeOpenAI(Behaviour(refused_formats=["json_schema"], rules=rules))
    async with loaded(fake) as llm:
        with pytest.raises(ContentFiltered):
            await llm.complete(asking("boom", schema=Rating.model_json_schema()))
        fake.behaviour = Behaviour()
        await llm.complete(asking("hi", schema=Rating.model_json_schema()))

    assert fake.stats.last_request is not None
    assert "response_format" in fake.stats.last_request


async def test_a_structure_that_was_asked_for_by_name_is_not_given_up() -> None:
    fake = FakeOpenAI(Behaviour(refused_formats=["json_schema"]))
    async with loaded(fake, structured_output={"format": "json", "schema": Rating}) as llm:
        with pytest.raises(SchemaRefused, match="not supported with this model"):
            await llm.complete(asking())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"base_url": "http://127.0.0.1:8000/v1"}, False),
        ({"structured_output": {"format": "json"}}, False),
        ({"generation_kwargs": {"response_format": "json"}}, False),
        ({"generation_kwargs": {"extra_body": {"response_format": {"type": "text"}}}}, False),
    ],
)
def test_openai_itself_is_known_to_enforce_schemas_unless_another_structure_is_chosen(
    fields: dict[str, Any], expected: bool
) -> None:
    assert OpenAILLM(model="m", **fields).enforces_schemas is expected


@pytest.mark.parametrize(
    ("structured_output", "expected"),
    [
        ({"format": "json"}, {"response_format": {"type": "json_object"}}),
        (
            {"format": "json", "schema": Rating},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "Rating", "schema": Rating.model_json_schema()},
                }
            },
        ),
        (
            {"format": "regex", "schema": "[1-5]"},
            {"structured_outputs": {"regex": "[1-5]"}, "guided_regex": "[1-5]"},
        ),
    ],
    ids=["any-json", "model-class", "regex"],
)
async def test_structured_output_is_sent(structured_output: dict[str, Any], expected: dict[str, Any]) -> None:
    body = await sent(structured_output=structured_output)

    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == expected


async def test_a_text_that_json_cannot_hold_fails_that_row_only() -> None:
    async with loaded(FakeOpenAI()) as llm:
        with pytest.raises(BadRequest, match="cannot be written as JSON"):
            await llm.complete(asking("half a \ud83d pair"))
        assert (await llm.complete(asking())).texts == ["echo: hi"]


async def test_headers_and_key_are_sent_and_references_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    async def look(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response({"choices": [{"message": {"content": "ok"}}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", look)
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    monkeypatch.setenv("TEAM", "blue")
    async with loaded(app, api_key="${MY_KEY}", default_headers={"X-Team": "${TEAM}", "X-Title": "t"}) as llm:
        await llm.complete(asking())

    [headers] = seen
    assert (headers["Authorization"], headers["X-Team"], headers["X-Title"]) == (f"Bearer {KEY}", "blue", "t")
    assert headers["Content-Type"] == "application/json"


def test_a_query_in_the_address_stays_behind_the_path() -> None:
    llm = OpenAILLM(
        model="m",
        base_url="https://x.openai.azure.com/openai/deployments/d/?api-version=1",
        default_headers={"api-key": KEY},
    )

    assert llm._prepare().endpoint._url == ("https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1")


# ---- life
async def test_an_llm_that_two_steps_share_stays_open_until_both_are_done() -> None:
    async with loaded(FakeOpenAI()) as llm:
        await llm.load()
        await llm.unload()
        assert (await llm.complete(asking())).texts == ["echo: hi"]

    with pytest.raises(RuntimeError, match="load"):
        await llm.complete(asking())


def test_every_event_loop_gets_connections_of_its_own() -> None:
    with running(FakeOpenAI()) as url:
        llm = OpenAILLM(model="m", base_url=f"{url}/v1")

        async def ask() -> list[str]:
            await llm.load()
            try:
                return (await llm.complete(asking())).texts
            finally:
                await llm.unload()

        async def ask_from_two_loops() -> list[list[str]]:
            return [await ask(), *await asyncio.gather(ask(), asyncio.to_thread(asyncio.run, ask()))]

        assert asyncio.run(ask_from_two_loops()) == [["echo: hi"]] * 3


async def test_a_loaded_llm_can_be_copied_and_pickled() -> None:
    async with loaded(FakeOpenAI()) as llm:
        copies = [llm.model_copy(deep=True), pickle.loads(pickle.dumps(llm))]
        for copy in copies:
            await copy.load()
            assert (await copy.complete(asking())).texts == ["echo: hi"]
            await copy.unload()


async def test_steps_on_one_server_share_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OpenAILLM(model="a").endpoint == OpenAILLM(model="b", base_url="https://api.openai.com/v1/").endpoint
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gpu-1:8000/v1/")
    assert OpenAILLM(model="a").endpoint == "http://gpu-1:8000/v1"


# ---- keys
def test_a_key_is_in_no_dump_repr_or_file() -> None:
    llm = OpenAILLM(model="m", api_key=KEY, default_headers={"api-key": KEY, "X-Title": "t"})

    dumped = llm.model_dump(mode="json")

    assert KEY not in repr(llm) + str(llm) + yaml.safe_dump(dumped) + llm.model_dump_json()
    assert dumped["default_headers"] == {"X-Title": "t"}


def test_a_reference_to_a_key_survives_the_round_trip() -> None:
    llm = OpenAILLM(model="m", api_key="${MY_KEY}", default_headers={"api-key": "${OTHER}"})

    again = LLM.model_validate(yaml.safe_load(yaml.safe_dump(llm.model_dump(mode="json"))))

    assert again == llm
    assert again.model_dump()["api_key"] == "${MY_KEY}"


def test_of_several_keys_the_references_survive_and_the_keys_are_left_out() -> None:
    llm = OpenAILLM(model="m", api_key=["${KEY_A}", KEY, "${KEY_B}"])

    dumped = llm.model_dump(mode="json")

    assert dumped["api_key"] == ["${KEY_A}", "${KEY_B}"]
    assert KEY not in repr(llm) + llm.model_dump_json() + str(llm.accounts)
    assert LLM.model_validate(dumped).model_dump(mode="json") == dumped
    assert "api_key" not in OpenAILLM(model="m", api_key=[KEY]).model_dump()


async def test_a_request_goes_out_with_the_key_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_A", "secret-a")
    fake = FakeOpenAI(Behaviour(refused_keys=(KEY,)))
    async with loaded(fake, api_key=["${KEY_A}", KEY]) as llm:
        await llm.complete(asking())
        with pytest.raises(AuthFailed) as caught:
            await llm.complete(asking(account=1))

    assert fake.stats.by_key == {"secret-a": 1, KEY: 1}
    assert [account.name for account in llm.accounts] == ["$KEY_A", "api_key[1]"]
    assert "api_key[1]" in caught.value.fix


async def test_an_error_shows_none_of_several_keys() -> None:
    said = f"neither {KEY} nor {KEY[::-1]}"
    async with loaded(answering(400, {"error": {"message": said}}), api_key=[KEY, KEY[::-1]]) as llm:
        with pytest.raises(BadRequest, match=r"neither \*\*\* nor \*\*\*"):
            await llm.complete(asking(account=1))


@pytest.mark.parametrize(
    "fields",
    [
        {"use": "OpenAILLM", "api_key": KEY},
        {"use": "OpenAILLM", "model": "m", "api_key": [KEY], "max_retries": KEY},
        {"use": "OpenAILLM", "model": "m", "api_key": [{"a": KEY}]},
        {"use": "OpenAILLM", "model": "m", "api_key": KEY, "max_retries": KEY},
        {"use": "OpenAILLM", "model": "m", "base_url": f"https://user:{KEY}@host/v1"},
        {"model": "m", "api_key": KEY},
    ],
    ids=["model-missing", "wrong-field-of-many", "key-in-mapping", "wrong-field", "password-in-url", "use-missing"],
)
def test_a_key_is_in_no_validation_error(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        LLM.model_validate(fields)

    assert KEY not in str(caught.value)


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_key_is_in_no_error_of_a_server(fault: Fault) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("", fault)], reply=KEY, slow_body_s=30))
    async with loaded(fake, api_key=KEY, timeout=0.2) as llm:
        with pytest.raises(Exception) as caught:
            await llm.complete(asking())

    assert not any(KEY in text for text in everything_said(caught.value))


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
async def test_a_server_that_repeats_the_key_does_not_get_it_into_an_error(status: int) -> None:
    said = f"{'x' * 190} no such key {KEY}"
    async with loaded(answering(status, {"error": {"message": said}}), api_key=KEY) as llm:
        with pytest.raises(Exception) as caught:
            await llm.complete(asking())

    assert KEY[:8] not in "".join(everything_said(caught.value))


def everything_said(error: BaseException | None) -> list[str]:
    said = []
    while error is not None:
        said += [str(error), repr(error)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return said


# ---- problems
def test_a_remote_server_needs_a_key_and_this_machine_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OpenAILLM(model="m").problems() == [
        ("there is no key for https://api.openai.com/v1: $OPENAI_API_KEY is not set", "set it: export OPENAI_API_KEY=...")
    ]
    assert OpenAILLM(model="m", base_url="http://localhost:8000/v1").problems() == []
    assert OpenAILLM(model="m", base_url="http://127.0.0.1:8000/v1").problems() == []
    assert OpenAILLM(model="m", default_headers={"api-key": KEY}).problems() == []
    [problem] = OpenAILLM(model="m", base_url="http://localhost/v1", api_key="${MY_KEY}").problems()
    assert problem == ("there is no key for http://localhost/v1: $MY_KEY is not set", "set it: export MY_KEY=...")
    [problem] = OpenAILLM(model="m", api_key="").problems()
    assert problem[1].startswith("leave it out and set $OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert OpenAILLM(model="m").problems() == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"base_url": "localhost:8000/v1"}, "must look like https://host/v1"),
        ({"base_url": "http://localhost:port/v1"}, "not an address"),
        ({"api_key": "two words"}, "holds a space"),
        ({"api_key": [KEY, "two words"]}, "key in api_key[1] holds a space"),
        ({"api_key": [KEY, "${NO_SUCH_VARIABLE}"]}, "$NO_SUCH_VARIABLE is not set"),
        ({"api_key": [KEY, f" {KEY} "]}, "api_key[0] and api_key[1], some are the same"),
        ({"generation_kwargs": {"n": 3}}, "cannot set 'n'; use num_generations"),
        ({"structured_output": {"format": "regex"}}, "needs the regex"),
        ({"structured_output": {"format": "regex", "schema": "a"}}, "cannot hold replies to a regex"),
        ({"structured_output": {"format": "json", "schema": "a"}}, "needs a JSON schema"),
        ({"default_headers": {"X-Team": "${NO_SUCH_VARIABLE}"}}, "${NO_SUCH_VARIABLE}, which is not set"),
    ],
)
def test_what_is_wrong_is_known_before_the_first_request(fields: dict[str, Any], expected: str) -> None:
    [problem] = OpenAILLM(model="m", **{"api_key": KEY, **fields}).problems()

    assert expected in str(problem)


def test_a_certificate_file_that_is_missing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such.pem")

    assert OpenAILLM(model="m", api_key=KEY).problems() == ["REQUESTS_CA_BUNDLE names '/no/such.pem', which does not exist"]


async def test_loading_without_a_key_says_which_variable_to_set() -> None:
    with pytest.raises(AuthFailed, match="OPENAI_API_KEY"):
        await OpenAILLM(model="m").load()


@pytest.mark.parametrize("name", ["Authorization", "Proxy-Authorisation", "x-auth", "X-Api-Key", "Cookie"])
def test_a_header_that_holds_a_key_is_written_to_no_file(name: str) -> None:
    llm = OpenAILLM(model="m", default_headers={name: "hunter2", "X-Author": "me"})

    assert llm.model_dump()["default_headers"] == {"X-Author": "me"}
