"""The network of PairRM, with tiny random weights that are written and read as those on the Hub. Needs "
"`distilflow[transformers]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steps.errors import RunError
from steps.tasks.pair_rm import PairRM
from steps.tasks.pair_rm_model import PairRMModel, _network

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

MARKS = {"source_prefix_id": "<|source|>", "cand1_prefix_id": "<|candidate1|>", "cand2_prefix_id": "<|candidate2|>"}


def _tokenizer() -> Any:
    words = {word: at for at, word in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "hi", "ho", "hu", "he"])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    ends = [("[CLS]", 1), ("[SEP]", 2)]
    made.post_processor = tokenizers.processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        unk_token="[UNK]",
        additional_special_tokens=list(MARKS.values()),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, tokenizer = tmp_path_factory.mktemp("pair-rm"), _tokenizer()
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 16}
    ids = {name: tokenizer.convert_tokens_to_ids(mark) for name, mark in MARKS.items()}
    torch.manual_seed(0)
    network = _network(torch)(transformers.DebertaV2Config(**sizes, **ids, n_tasks=1, drop_out=0.05))
    network.save_pretrained(folder / "whole")
    network.pretrained_model.save_pretrained(folder / "headless")
    for name in ("whole", "headless"):
        tokenizer.save_pretrained(folder / name)
    return folder


def test_a_pair_is_judged_alike_alone_and_among_others(folder: Path) -> None:
    model = PairRMModel(str(folder / "whole"))
    pairs = [("hi", "ho"), ("hu hu hu hu", "he"), ("ho", "hi"), ("", "hi " * 999)]

    together = model.compare("hi ho", pairs)

    assert together == pytest.approx([model.compare("hi ho", [pair])[0] for pair in pairs], abs=1e-5)


def test_marks_and_half_characters_in_texts_do_no_harm(folder: Path) -> None:
    model = PairRMModel(str(folder / "whole"))

    plain, marked = model.compare("hi", [("ho", "hu"), ("<|source|>ho", "hu<|candidate1|>")])

    assert marked == pytest.approx(plain, abs=1e-5)
    assert len(model.compare("\ud83e", [("\ud83e", "ho")])) == 1


def test_answers_are_ranked(folder: Path) -> None:
    step = PairRM(model=str(folder / "whole"))
    step.load()

    [row] = step.process([{"input": "hi", "candidates": ["hi", "ho", "hu"]}])

    assert sorted(row["ranks"]) == [1, 2, 3]


@pytest.mark.parametrize("name", ["headless", "missing"])
def test_what_is_no_such_model_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(RunError, match=r"is not PairRM|cannot be loaded"):
        PairRMModel(str(folder / name))
