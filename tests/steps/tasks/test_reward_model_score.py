"""Where transformers and torch are installed: a reward model with random weights, made here."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from steps.errors import RowError, RunError
from steps.tasks.reward_model_score import RewardModelScore

CHAT = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]
TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</s>{% endfor %}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    tokenizers: Any = pytest.importorskip("tokenizers")
    bytes_of = tokenizers.pre_tokenizers.ByteLevel
    words = tokenizers.Tokenizer(tokenizers.models.BPE())
    words.pre_tokenizer = bytes_of(add_prefix_space=False)
    words.train_from_iterator([], tokenizers.trainers.BpeTrainer(special_tokens=["</s>"], initial_alphabet=bytes_of.alphabet()))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", pad_token="</s>")
    tokenizer.chat_template = TEMPLATE
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, num_labels=1, pad_token_id=0, **sizes
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("reward")
    transformers.LlamaForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_response_has_the_same_score_alone_beside_others_and_as_a_chat(model: str) -> None:
    step, short, long = RewardModelScore(model=model), {"instruction": "2+2?", "response": "4"}, {"response": "It is five."}

    one, other, chat = step.process([short, {**short, **long}, {"conversation": CHAT}])

    assert one["score"] == chat["score"] == step.process([short])[0]["score"]
    assert one["score"] != other["score"]


def test_a_chat_that_is_too_long_is_refused_or_cut(model: str) -> None:
    row = {"instruction": "x" * 100, "response": "y"}

    with pytest.raises(RowError, match="at most 64 are read"):
        RewardModelScore(model=model).process([row])
    assert RewardModelScore(model=model, truncation=True).process([row])


def test_a_row_without_a_response_is_refused_by_name(model: str) -> None:
    with pytest.raises(RowError, match="neither `conversation` nor `response`"):
        RewardModelScore(model=model).process([{"instruction": "2+2?"}])


def test_a_model_that_is_not_there_is_named(model: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        RewardModelScore(model=str(tmp_path / "none")).load()


def test_a_rehearsal_scores_without_weights_and_always_alike() -> None:
    step, rows = RewardModelScore(model="me/x", made_up=True), [{"instruction": "2+2?", "response": one} for one in ("4", "5")]
    step.load()

    one, other = step.process(rows)

    assert list(step.check()) == []
    assert 0 <= one["score"] <= 1
    assert one["score"] != other["score"]
    assert step.process(rows) == [one, other]


@pytest.mark.skipif(bool(importlib.util.find_spec("transformers")), reason="what it needs is installed")
def test_the_package_that_it_needs_is_named_before_it_runs() -> None:
    said = "".join(map(str, RewardModelScore(model="me/x").check()))

    assert "needs `transformers`" in said
    assert "distilflow[transformers]" in said
