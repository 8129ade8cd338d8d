from __future__ import annotations

import random
import re
import sys
from importlib import import_module
from typing import Any

import pytest

from steps.errors import RunError
from steps.filters.min_hash_dedup import MinHashDedup
from steps.filters.words import words_of

KEPT = "keep_row_after_minhash_filtering"


def variants(seed: int, count: int) -> list[str]:
    """Texts of which some differ in a few words only."""
    rng = random.Random(seed)
    words = [f"w{number}" for number in range(200)]
    texts: list[str] = []
    while len(texts) < count:
        text = rng.sample(words, 40)
        for changes in range(rng.randrange(1, 4)):
            for _ in range(changes):
                text[rng.randrange(len(text))] = rng.choice(words)
            texts.append(" ".join(text))
    return texts


def kept(step: MinHashDedup, texts: list[str]) -> list[bool]:
    return [row[KEPT] for row in step.process([{"text": text} for text in texts])]


def by_the_library(step: MinHashDedup, texts: list[str]) -> list[bool]:
    """The same with the library's own index, as distilabel uses it."""
    library: Any = import_module("datasketch")
    index = library.MinHashLSH(threshold=step.threshold, num_perm=step.num_perm)
    said = []
    for number, text in enumerate(texts):
        n = step.n or 1
        runs = {"".join(run) for run in zip(*(text[start:] for start in range(n)), strict=False)}
        parts = words_of(text) if step.tokenizer == "words" else runs
        values = library.MinHash(num_perm=step.num_perm, seed=step.seed, scheme="legacy")
        values.update_batch([part.encode() for part in parts])
        said.append(not index.query(values))
        if said[-1]:
            index.insert(str(number), values)
    return said


@pytest.mark.parametrize("storage", ["dict", "disk"])
@pytest.mark.parametrize(
    "params", [{}, {"tokenizer": "ngrams", "threshold": 0.7}, {"num_perm": 64, "seed": 7, "threshold": 0.5}]
)
def test_it_says_the_same_as_the_index_of_the_library(params: dict[str, Any], storage: str) -> None:
    step, texts = MinHashDedup.model_validate({**params, "storage": storage}), variants(3, 300)

    said = kept(step, texts)

    assert said == by_the_library(step, texts)
    assert 0 < sum(said) < len(texts)


def test_the_first_of_equal_texts_is_kept() -> None:
    assert kept(MinHashDedup(), ["a b c", "d e f", "a b c", "", ""]) == [True, True, False, True, False]


def test_texts_shorter_than_a_run_count_as_equal() -> None:
    assert kept(MinHashDedup(tokenizer="ngrams", n=5), ["abc", "xyz", "abcdef"]) == [True, False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop.", {"Do", "n't", "stop", "."}),
        ("It’s Ann's well-known dog", {"It", "’", "s", "Ann", "'s", "well-known", "dog"}),
        ('He said "no" ("never").', {"He", "said", "``", "no", "''", "(", "never", ")", "."}),
        ("We cannot 'run' -- 2008–2013*", {"We", "can", "not", "'", "run", "--", "2008", "–", "2013", "*"}),
        ("Cats, dogs etc.", {"Cats", ",", "dogs", "etc", "."}),
        ("I know what I. Newton did (in the U.S.)", {"I", "know", "what", ".", "Newton", "did", "(", "in", "the", "U.S", ")"}),
        ("1,000 at 12:30, a/b... C++ (x)", {"1,000", "at", "12:30", ",", "a/b", "...", "C++", "(", "x", ")"}),
        ("Mr. Ho lives in the U.S. now.", {"Mr.", "Ho", "lives", "in", "the", "U.S.", "now", "."}),
        ("  \n", set()),
    ],
)
def test_words_stand_apart_from_marks(text: str, words: set[str]) -> None:
    assert words_of(text) == words


def test_a_threshold_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(RunError, match=r"0\.99 cannot be told with 128 values") as refused:
        MinHashDedup(threshold=0.99).load()

    assert "num_perm" in refused.value.fix


def test_runs_of_characters_need_a_length() -> None:
    assert list(MinHashDedup(tokenizer="ngrams", n=None).check())
    assert not list(MinHashDedup(n=None).check())


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)

    with pytest.raises(RunError, match=re.escape("pip install 'distilflow[filters]'")):
        MinHashDedup().load()
