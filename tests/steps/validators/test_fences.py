from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.validators.fences import code_in

PY = ("python", "py")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1\n", "x = 1\n"),
        ("  indented", "  indented"),
        ("Here:\n```python\nx = 1\n```\nDone.", "x = 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
        ("```sh\nls\n```\nand\n```PY\nx = 1\n```", "x = 1\n"),
        ("```python\na\n```\n```python\nb\n```", "a\n"),
        ("```sh\nls\n```", "ls\n"),
        ("```python\nx = 1\ny =", "x = 1\ny ="),
        ("~~~python\nx = '''\n```\n'''\n~~~", "x = '''\n```\n'''\n"),
        ("````python\n```\nx\n```\n````", "```\nx\n```\n"),
        ("1. So:\n   ```python\n   if x:\n       y\n   ```", "if x:\n    y\n"),
        ("```python title=main.py\r\nx = 1\r\n```\r\n", "x = 1\r\n"),
        ("```{python}\nx\n```", "x\n"),
        ("Write ```x``` there", "Write ```x``` there"),
        ("<think>```python\nno\n```</think>\n```python\nyes\n```", "yes\n"),
        ("<think>hm</think>x = 1", "x = 1"),
        ("", ""),
    ],
)
def test_the_code_of_a_reply_is_found(text: str, code: str) -> None:
    assert code_in(text, PY) == code


@given(st.text(alphabet="`~ \npython{}<think>/x\ud83e"))
def test_any_reply_can_be_read(text: str) -> None:
    assert isinstance(code_in(text, PY), str)


@given(st.text(alphabet=st.characters(exclude_characters="`~<\r"), min_size=1))
def test_what_is_put_into_a_fence_comes_out(code: str) -> None:
    assert code_in(f"Hi\n```python\n{code}\n```\nBye", PY) == f"{code}\n"
