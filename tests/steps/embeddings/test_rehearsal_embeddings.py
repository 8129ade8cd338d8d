from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from steps.embeddings import RehearsalEmbeddings


@given(texts=st.lists(st.text() | st.sampled_from(["", "\ud83e", "a a a", "🦆"]), max_size=4), dimensions=st.integers(2, 40))
def test_each_text_has_a_vector_of_length_1_that_depends_on_it_alone(texts: list[str], dimensions: int) -> None:
    model = RehearsalEmbeddings(dimensions=dimensions)

    vectors = model.embed(texts)

    assert vectors == [model.embed([text])[0] for text in texts]
    assert all(len(vector) == dimensions and math.isclose(math.hypot(*vector), 1) for vector in vectors)


def test_texts_that_share_words_are_nearer_than_others() -> None:
    one, alike, other = RehearsalEmbeddings().embed(["a red fox ran", "The red fox!", "rain tomorrow"])

    assert math.dist(one, alike) < math.dist(one, other)
