"""What models cost: found by name and host, or known to be unknown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from steps.errors import SpecError
from steps.llms import OpenAILLM, RehearsalLLM, ReplayLLM
from steps.llms.base import Usage
from steps.llms.prices import FREE, OURS, VARIABLE, Price, find_price, read_prices

OPENAI = "api.openai.com"


@pytest.fixture(autouse=True)
def no_table_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def input_price(model: str, host: str = OPENAI) -> float | None:
    price = find_price(model, host)
    return price.input if price else None


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-4o-mini", 0.15),
        ("gpt-4o-mini-2024-07-18", 0.15),
        ("GPT-4o-mini", 0.15),
        ("gpt-4o-2024-08-06", 2.5),
        ("gpt-4o-2024-05-13", 5.0),  # it has a line of its own
        ("gpt-3.5-turbo-0125", 0.5),
        ("gpt-4o-audio-preview", None),  # another model, whatever its name begins with
        ("gpt-4o-mini-tts", None),
        ("ft:gpt-4o-mini-2024-07-18:acme", None),
        ("gpt", None),
    ],
)
def test_a_name_stands_for_its_versions_and_for_nothing_else(model: str, price: float | None) -> None:
    assert input_price(model) == price


def test_a_price_belongs_to_the_host_that_asks_for_it() -> None:
    assert input_price("gpt-4o-mini", "acme.openai.azure.com") == 0.15
    assert input_price("gpt-4o-mini", "gateway.example") is None
    assert input_price("claude-sonnet-4-20250514", "api.anthropic.com") == 3
    assert input_price("claude-sonnet-4-20250514") is None


def test_every_list_says_when_and_where_it_was_so() -> None:
    lists = read_prices(OURS)

    assert sum(len(prices.models) for prices in lists) >= 40
    for prices in lists:
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", prices.known), prices.provider
        assert prices.source.startswith("https://")
        assert "*" not in prices.hosts
        for name, price in prices.models.items():
            assert 0 < price.input <= price.output or (price.input and not price.output and "embed" in name), name
            assert price.cached_input is None or price.cached_input < price.input, name


def test_cost_counts_cached_input_apart() -> None:
    price = Price(input=2.5, cached_input=1.25, output=10)

    assert price.cost(Usage(1000, 100)) == pytest.approx(0.0025 + 0.001)
    assert price.cost(Usage(1000, 100, cached_input_tokens=400)) == pytest.approx(0.0015 + 0.0005 + 0.001)
    assert price.cost(Usage(1000, 100, cached_input_tokens=5000)) == pytest.approx(0.00125 + 0.001)
    assert Price(input=2, output=4).cost(Usage(1000, 100, cached_input_tokens=400)) == pytest.approx(0.0024)


def test_tokens_that_were_not_counted_have_no_cost() -> None:
    assert Price(input=1, output=1).cost(Usage()) is None
    assert FREE.cost(Usage()) == 0


@pytest.mark.parametrize(
    ("model", "price"),
    [
        (OpenAILLM(model="m", base_url="http://localhost:11434/v1"), FREE),
        (OpenAILLM(model="gpt-4o-mini", base_url="http://127.0.0.1:8000/v1"), FREE),
        (OpenAILLM(model="gpt-4o-mini"), Price(input=0.15, cached_input=0.075, output=0.6)),
        (OpenAILLM(model="m", base_url="https://models.example/v1"), None),
        (OpenAILLM(model="m", base_url="https://models.example/v1", price=Price(input=1, output=2)), Price(input=1, output=2)),
        (OpenAILLM(model="m", base_url="http://localhost:4000/v1", price=Price(input=1, output=2)), Price(input=1, output=2)),
        (RehearsalLLM(), FREE),
        (ReplayLLM(path="x.jsonl"), FREE),
    ],
    ids=["ollama", "vllm", "openai", "unknown", "given", "given for a gateway here", "rehearsal", "replay"],
)
def test_a_model_knows_its_price_or_that_nobody_does(model: OpenAILLM, price: Price | None) -> None:
    assert model.find_price() == price


def test_a_table_of_the_user_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(
        "- models: {my-model: {input: 1, output: 2}}\n"
        "- hosts: [api.openai.com]\n  models: {gpt-4o-mini: {input: 0.1, output: 0.2}}\n"
    )
    monkeypatch.setenv(VARIABLE, str(path))

    assert [input_price("my-model", "anywhere.example"), input_price("gpt-4o-mini"), input_price("gpt-4o")] == [1, 0.1, 2.5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("- models: [", "no YAML"),
        ("models: {}", "wrong at its top"),
        ("- models: {m: {input: -1, output: 2}}", "0.models.m.input"),
        ("- models: {m: {input: .nan, output: 2}}", "0.models.m.input"),
        ("- models: {m: {input: 1}}", "0.models.m.output"),
        ("- models: {m: {input: 1, output: 1, ouput: 1}}", "0.models.m.ouput"),
    ],
)
def test_a_bad_table_is_a_problem_that_names_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, said: str
) -> None:
    path = tmp_path / "prices.yaml"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(VARIABLE, str(path))

    with pytest.raises(SpecError, match=re.escape(said)):
        find_price("m", "h")
    problems = [str(problem) for problem in OpenAILLM(model="m", base_url="https://models.example/v1").problems()]
    assert any(said in problem for problem in problems)


@pytest.mark.parametrize("price", [{"input": -1, "output": 0}, {"input": 1}, {"input": float("nan"), "output": 1}], ids=str)
def test_a_price_that_cannot_be_is_refused(price: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        OpenAILLM.model_validate({"model": "m", "price": price})
