"""Rows that several steps accept. They hold the text wherever text may stand."""

from __future__ import annotations

from steps.base import Row


def answer(text: str) -> Row:
    return {"instruction": text, "generation": text, "reference": text}


def answers(text: str) -> Row:
    return {"instruction": text, "generations": [text, f"{text}!"], "ratings": [1, 5], "generation_models": ["a", "b"]}


def texts(text: str) -> Row:
    return {"text": text, "texts": [text, text], "more": text}


def chat(text: str) -> Row:
    return {"messages": [{"role": "user", "content": text}], "generation": text}


def rated_chat(text: str) -> Row:
    return {**chat(text), "generations": [text, f"{text}!"], "ratings": [1, 5], "generation_models": ["a", "b"]}


def pair(text: str) -> Row:
    [asked] = chat(text)["messages"]
    chosen, rejected = ([asked, {"role": "assistant", "content": answer}] for answer in (text, f"{text}!"))
    return {"chosen": chosen, "rejected": rejected, "chosen_model": "a", "rejected_model": "b", "id": text}


def nothing(text: str) -> Row:
    return {}
