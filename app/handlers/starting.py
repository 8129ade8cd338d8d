"""What a pipeline can start from: an import, a data set on the Hub, a description. Looked at here, opened elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.handlers.cells import columns_of, rows_as_cells
from app.handlers.drafts import CannotEdit, secret_fields
from app.handlers.forms import secret_field
from app.handlers.gallery import card_of
from app.handlers.outline import problem_card
from flows.asking import asking
from flows.drafting import NOT_ITS_FAULT, REPAIRS, REPLY_TOKENS, draft, messages
from flows.engine.budget import ceiling_of
from flows.engine.tally import money
from flows.hub_addresses import hub_data_set
from flows.hub_reading import first_rows
from flows.importing import read_hub, understand
from flows.samples import sample_rows
from flows.spec import PipelineSpec, StepSpec, read_spec
from steps import registry
from steps.errors import DistilflowError
from steps.llms.base import LLM, Request
from steps.llms.local_llm import LocalLLM
from steps.providers import BY_CLASS
from steps.wording import counted

CHOSEN = ("model", "base_url")
"""What a person chooses of the model that drafts; the rest is as its class has it."""


class NoDraft(DistilflowError):
    """The model gave no pipeline."""

    code = "no-draft"


def look_at_text(text: str) -> dict[str, Any]:
    """What a pipeline text is, before it is opened.

    Raises:
        SpecError: It is no pipeline.
    """
    found = understand(text)
    spec, problems = read_spec(found.text)
    unknown = found.unknown or [step.use for step in spec.steps if not _is_known(step.use)]
    known = list(dict.fromkeys(unknown))
    classes = f", {len(known)} unknown {'class' if len(known) == 1 else 'classes'}: {', '.join(known)}" if known else ""
    return {
        "text": found.text,
        "origin": "distilabel" if found.is_theirs else "",
        "understood": f"{counted(len(spec.steps), 'step')}{classes}",
        "unknown": known,
        "notes": found.notes,
        "problems": len(problems),
        "card": card_of(spec, problems),
    }


def look_at_hub_pipeline(source: str, is_public: bool) -> dict[str, Any]:
    """The pipeline that was pushed with a data set.

    Raises:
        SpecError: There is none, or it is no pipeline.
    """
    text = read_hub(hub_data_set(source), is_public=is_public)
    return {**look_at_text(text), "source": text}


def look_at_hub_rows(source: str, config: str, split: str, is_public: bool) -> dict[str, Any]:
    """Columns and first rows of a data set, and a pipeline that starts with it.

    Raises:
        SpecError: It is none, or cannot be read.
    """
    data_set = hub_data_set(source)
    params, rows = first_rows(data_set, config.strip() or None, split.strip() or None, is_public=is_public)
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in data_set.repo_id.rpartition("/")[2])
    spec = PipelineSpec.model_validate(
        {
            "name": name.strip("-_")[:80] or "from-hub",
            "description": f"Starts from {data_set.repo_id} on the Hub.",
            "steps": [StepSpec.model_validate({"name": "load", "use": "LoadDataFromHub", "with": params})],
        }
    )
    return {"text": spec.to_yaml(), "columns": columns_of(rows), "rows": rows_as_cells(rows), "params": params}


# ---- describing


def drafting_models() -> list[dict[str, Any]]:
    """Classes of models that can draft, each with what a person chooses of it and where its key comes from.

    Models that run in a process of a run are none of them: the app holds no weights.
    """
    found = []
    for name in registry.names("llms"):
        try:
            llm = registry.resolve(name, "llms")
        except registry.UnknownComponent:
            continue
        if not issubclass(llm, LLM) or issubclass(llm, LocalLLM) or llm.is_free or "model" not in llm.model_fields:
            continue
        schema = llm.model_json_schema()["properties"]
        secrets = [secret_field((key,), schema[key], None) for key in secret_fields(llm)]
        found.append(
            {
                "name": name,
                "summary": llm.summary(),
                "fields": [{"name": key, "about": schema[key].get("description", "")} for key in CHOSEN if key in schema],
                "key": {"variable": secrets[0].shown, "is_set": secrets[0].is_set} if secrets else None,
            }
        )
    return found


def drafting_model(told: Mapping[str, Any], is_public: bool) -> dict[str, Any]:
    """The `llm` that a person chose to draft with, as it goes into the pipeline too.

    Raises:
        CannotEdit: There is no such class, or no model was named.
    """
    name = str(told.get("use") or "")
    if name not in {one["name"] for one in drafting_models()}:
        raise CannotEdit(f"{name[:80]!r} is no model that can draft", "choose one of the list")
    given = {key: str(told[key]).strip()[:500] for key in CHOSEN if str(told.get(key) or "").strip()}
    if not given.get("model"):
        raise CannotEdit("no model was named", "name one, such as gpt-4o-mini")
    if is_public and "base_url" in given:
        raise CannotEdit("this server sends its key to its own provider only", "leave the address out")
    if is_public and (name == "LiteLLM" or (name in BY_CLASS and not BY_CLASS[name].needs_key)):
        raise CannotEdit("this server asks no model on its own network for others", "choose one of a provider with a key")
    return {"use": name, **given}


def quote(told: Mapping[str, Any], is_public: bool) -> dict[str, Any]:
    """What a draft costs at most, in words, and where the key comes from.

    Raises:
        CannotEdit: No model was chosen.
    """
    llm = _asked(drafting_model(told, is_public))
    price = llm.find_price()
    complaints = [one if isinstance(one, str) else one[0] for one in llm.problems()]
    if price is None:
        words = "price unknown"
    elif price.is_free:
        words = "free"
    else:
        ceiling = ceiling_of(llm, price, Request(messages(str(told.get("text") or "x")[:8000])))
        words = f"at most {money(round(ceiling.cost * (REPAIRS + 1) + 0.0005, 3))}" if ceiling else "price unknown"
    return {"cost": words, "missing": complaints[0] if complaints else ""}


async def draft_pipeline(told: Mapping[str, Any], runs_dir: Path, is_public: bool) -> dict[str, Any]:
    """A pipeline from a description, checked, with what it cost. Nothing is saved, nothing of it runs.

    Raises:
        DistilflowError: The request makes no sense, the model cannot be asked, or it gave no pipeline.
    """
    chosen = drafting_model(told, is_public)
    rows = sample_rows(str(told.get("sample") or ""))
    async with asking(_asked(chosen), runs_dir, "draft") as (ask, used):
        made = await draft(str(told.get("text") or ""), ask, chosen, rows)
    if made.spec is None:
        said = " ".join(made.said.split())[:200]
        what = f"after {counted(made.asked, 'question')} ({used.in_words()}) the model gave no pipeline; it said: {said}"
        raise NoDraft(what, "describe the rows that you want, or take a stronger model")
    wrong = [problem for problem in made.problems if problem.code not in NOT_ITS_FAULT]
    return {
        "asked": made.asked,
        "used": used.in_words(),
        "stopped": made.stopped,
        "text": made.text,
        "problems": [problem_card(one) for one in wrong],
        "card": card_of(made.spec),
    }


def _asked(chosen: Mapping[str, Any]) -> LLM:
    """The model itself, with room for a whole pipeline in its reply."""
    try:
        return LLM.model_validate({**chosen, "generation_kwargs": {"max_new_tokens": REPLY_TOKENS}, "max_retries": 2})
    except ValueError as error:
        raise CannotEdit(
            f"this model cannot be asked: {str(error).splitlines()[-1].strip()[:200]}", "check its settings"
        ) from error


def _is_known(use: str) -> bool:
    try:
        registry.resolve(use)
    except registry.UnknownComponent:
        return False
    return True


def default_model() -> dict[str, str]:
    """The model that the picker shows first."""
    return {"use": "OpenAILLM", "model": os.environ.get("DISTILFLOW_DRAFT_MODEL", "gpt-4o-mini")}
