"""Every provider × what can happen to a request: `python -m benchmarks.providers` prints the tables of docs/models.md.

Each provider is asked by the preview of a pipeline, through the whole engine, at the address that its class has by itself: a
proxy and a certificate lead there to local servers that speak, refuse and fail as the providers do (tests/fakes/providers).
Servers that people run themselves are played at an address of their own. No network, no keys.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.provider_vectors import Outcomes, vector_table, vector_trials
from flows.engine import gate
from flows.engine.outcome import Failure
from flows.models import parse_model
from flows.plan import plan
from flows.runners.inline import preview
from flows.spec import spec_from
from steps.errors import RowError, RunError
from steps.providers import PROVIDERS, Provider
from tests.fakes.providers import BAD_KEY, DIALECTS, NO_MODEL, FakeProviders, Prompt, intercepting
from tests.fakes.serving import running

CASES = (
    "plain",
    "system",
    "n=3",
    "JSON schema",
    "429",
    "401",
    "no such model",
    "too long",
    "content filter",
    "500",
    "cut off",
)
GOOD_KEY = "good-key-0123456789"
MODEL = "some-model"
SYSTEM = "Be brief."
_ROWS = ("say hi", *Prompt)
_ENVIRONMENT = {
    "AZURE_OPENAI_ENDPOINT": "https://my-resource.openai.azure.com",
    "OPENAI_API_VERSION": "2024-10-21",
    "GOOGLE_CLOUD_PROJECT": "my-project",
    "DISTILFLOW_BAD_KEY": BAD_KEY,
    **{variable: GOOD_KEY for provider in PROVIDERS for variable in provider.key_variables[:1]},
}
UNSET = [
    *("OPENAI_BASE_URL", "GOOGLE_CLOUD_LOCATION", "ALL_PROXY", "REQUESTS_CA_BUNDLE"),
    *(provider.address_variable for provider in PROVIDERS if provider.address_variable not in ("", "AZURE_OPENAI_ENDPOINT")),
]


class Trial:
    """One provider, asked in all ways."""

    def __init__(self, provider: Provider, providers: FakeProviders, folder: Path, url: str = "") -> None:
        """`url`: where a server of one's own is played."""
        self.provider = provider
        self._dialect = DIALECTS[provider.name]
        self._providers = providers
        self._folder = folder
        self._at = {"base_url": url} if url else {}
        self._cells: dict[str, str] = {}
        self._faults: dict[str, str] = {}

    def run(self) -> Outcomes:
        for ask in (self._ask_all_kinds, self._ask_for_more, self._ask_with_a_bad_key, self._ask_for_no_model):
            try:
                ask()
            except (RunError, RowError) as error:  # it ended for all rows, where it should not
                self._faults[ask.__name__] = str(error)
        return Outcomes(self.provider, {case: self._cells.get(case, "?") for case in CASES}, self._faults)

    def _tell(self, case: str, cell: str, fault: str = "") -> None:
        self._cells[case] = cell if not fault else "FAILS"
        if fault:
            self._faults[case] = fault

    def _llm(self, **more: Any) -> dict[str, Any]:
        found = parse_model(f"{self.provider.name}/{MODEL}")
        return {**found, **self._at, "max_retries": 2, "timeout": 20, **more}

    def _run(self, rows: list[dict[str, Any]], *tasks: dict[str, Any]) -> dict[tuple[str, str], Failure]:
        """Ask about some rows: what failed, by step and instruction."""
        load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": rows}}
        steps = [load, *({"after": "load", **task} for task in tasks)]
        planned = plan(spec_from({"distilflow": 1, "name": self.provider.name, "steps": steps})[0])
        found = preview(planned, len(rows), runs_dir=self._folder / self.provider.name)
        return {(failure.step, str(failure.row["instruction"])): failure for failure in found.failures}

    # ---- the cases
    def _ask_all_kinds(self) -> None:
        rows = [{"instruction": str(words)} for words in _ROWS]
        sampling = {"temperature": 0.5, "max_new_tokens": 50, "stop": "###"}
        task = {"system_prompt": SYSTEM, "llm": self._llm(generation_kwargs=sampling)}
        failed = self._run(rows, {"name": "answer", "use": "TextGeneration", "with": task})
        refused = {instruction: failure for (_, instruction), failure in failed.items()}

        self._tell("plain", "yes", self._reason("say hi", refused))
        plain = next(iter(self._providers.requests(self.provider.name, "say hi")), None)
        self._tell("system", "yes", "" if plain is not None and plain.system == SYSTEM else f"it saw {plain}")
        self._after_a_pause("429", Prompt.WAIT, refused, has_it=self._dialect.rate_limited is not None)
        self._after_a_pause("500", Prompt.FAIL, refused)
        self._after_a_pause("cut off", Prompt.CUT, refused)
        self._refused("too long", Prompt.LONG, "context-too-long", refused, has_it=self._dialect.too_long is not None)
        self._refused(
            "content filter", Prompt.FORBIDDEN, "content-filtered", refused, has_it=self._dialect.filtered is not None
        )

    def _after_a_pause(self, case: str, words: str, refused: Mapping[str, Failure], *, has_it: bool = True) -> None:
        """Refused once, and asked again."""
        sent = self._providers.requests(self.provider.name, words)
        fault = self._reason(words, refused)
        if not fault and len(sent) != 1 + has_it:
            fault = f"it was asked {len(sent)} times"
        elif not fault and case == "429" and has_it and self._dialect.rate_limited is not None:
            waited_s, wanted_s = sent[1].at - sent[0].at, self._dialect.rate_limited.wait_s
            fault = "" if waited_s > 0.95 * wanted_s else f"it waited {waited_s:.2f} s instead of {wanted_s} s"
        status = sent[0].status if sent and sent[0].status else 0
        told = {"429": "waits", "500": "again", "cut off": "again"}[case]
        cell = "—" if not has_it else f"{status}, {told}" if status and str(status) != case else told
        self._tell(case, cell, fault)

    def _refused(self, case: str, words: str, code: str, refused: Mapping[str, Failure], *, has_it: bool) -> None:
        """The row ends in the quarantine, with its reason."""
        if not has_it:
            self._tell(case, "—", self._reason(words, refused))
            return
        found = refused.get(words)
        self._tell(case, "told", "" if found is not None and found.code == code else f"the row: {found}")

    def _reason(self, words: str, refused: Mapping[str, Failure]) -> str:
        return refused[words].message if words in refused else ""

    def _ask_for_more(self) -> None:
        rows = [{"instruction": "say more", "text": "It broke on the first day. Answer in JSON."}]
        more = {"name": "more", "use": "TextGeneration", "with": {"num_generations": 3, "llm": self._llm()}}
        labels = {"available_labels": ["good", "bad"], "llm": self._llm(), "use_default_structured_output": True}
        failed = self._run(rows, more, {"name": "labels", "use": "TextClassification", "with": labels})
        refused = {step: failure.message for (step, _), failure in failed.items()}
        sent = self._providers.requests(self.provider.name, "say more")
        asked = self._providers.requests(self.provider.name, "It broke")
        self._tell("n=3", "one request" if len(sent) == 1 else f"{len(sent)} requests", refused.get("more", ""))
        told = asked[-1].body.get("response_format") or asked[-1].body.get("output_config") if asked else None
        fault = refused.get("labels", "")
        if not fault and [one.status for one in asked] != [200]:
            fault = f"requests ended with {[one.status for one in asked]}"
        self._tell("JSON schema", _way(told), fault)

    def _ask_with_a_bad_key(self) -> None:
        variable = self.provider.key_variables[0]
        task = {"llm": self._llm(api_key="${DISTILFLOW_BAD_KEY}")}
        try:
            self._run([{"instruction": "hi"}], {"name": "answer", "use": "TextGeneration", "with": task})
        except (RunError, RowError) as error:
            is_told = error.code == "auth-failed" and "$DISTILFLOW_BAD_KEY" in f"{error.message} {error.fix}"
            fault = "" if is_told and BAD_KEY not in str(error) else f"it said {error}"
        else:
            fault = f"nothing was said of the key in ${variable}"
        status = self._dialect.unauthorized.status
        self._tell("401", "stops" if status == 401 else f"{status}, stops", fault)

    def _ask_for_no_model(self) -> None:
        if not self._dialect.knows_models:
            self._tell("no such model", "—")
            return
        task = {"llm": self._llm(model=NO_MODEL)}
        try:
            self._run([{"instruction": "hi"}], {"name": "answer", "use": "TextGeneration", "with": task})
        except (RunError, RowError) as error:
            fault = "" if error.code == "model-not-found" and NO_MODEL in error.message else f"it said {error}"
        else:
            fault = "nothing was said of it"
        self._tell("no such model", "stops", fault)


def _way(told: Any) -> str:
    """How the server was told of the schema."""
    if not isinstance(told, dict):
        return "not told"
    if "format" in told:
        return "enforced"
    if told.get("type") == "json_object":
        return "JSON, and the schema" if "schema" in told else "JSON alone"
    return "enforced" if told["json_schema"].get("strict") else "sent"


def trial(provider: Provider, providers: FakeProviders, folder: Path) -> Outcomes:
    """All cases of one provider; `providers` plays those that have a host."""
    if DIALECTS[provider.name].host:
        return Trial(provider, providers, folder).run()
    own = FakeProviders(provider.name)
    with running(own) as url:
        return Trial(provider, own, folder, url).run()


def trials(providers: FakeProviders, folder: Path) -> list[Outcomes]:
    """All cases of all providers, many at a time: most of it is waiting."""
    with ThreadPoolExecutor(len(PROVIDERS)) as pool:
        return list(pool.map(lambda provider: trial(provider, providers, folder), PROVIDERS))


@contextmanager
def surroundings(folder: Path) -> Iterator[FakeProviders]:
    """The variables and servers that trials need."""
    before = dict(os.environ)
    pause = gate.FIRST_PAUSE_S
    with intercepting(folder) as intercepted:
        for name in (*UNSET, *(name.lower() for name in intercepted.environment)):
            os.environ.pop(name, None)
        os.environ.update({**_ENVIRONMENT, **intercepted.environment})
        gate.FIRST_PAUSE_S = 0.01
        try:
            yield intercepted.providers
        finally:
            gate.FIRST_PAUSE_S = pause
            os.environ.clear()
            os.environ.update(before)


def table(found: list[Outcomes]) -> str:
    """The cells as Markdown."""
    head = f"| | {' | '.join(CASES)} |\n|---|{'---|' * len(CASES)}"
    lines = [f"| {one.provider.title} | {' | '.join(one.cells[case] for case in CASES)} |" for one in found]
    return "\n".join([head, *lines])


def provider_table() -> str:
    """Where the providers are, as Markdown."""
    lines = []
    for one in PROVIDERS:
        address = f"`{one.address}{one.path}`" if one.address else f"`${one.address_variable}`"
        keys = " or ".join(f"`${name}`" for name in one.key_variables) + ("" if one.needs_key else ", or none")
        takes = {"logprobs": one.logprobs, "vision": one.vision, "batch": one.batch, "embeddings": one.embeds}
        offers = ", ".join(name for name, has in takes.items() if has)
        notes = "; ".join(note for note in (one.models and f"`model` is {one.models}", one.note) if note)
        lines.append(f"| `{one.name}/` | `{one.class_name}` | {address} | {keys} | {offers} | {notes} |")
    return "| short name | class | address | key | also offers | |\n|---|---|---|---|---|---|\n" + "\n".join(lines)


_BASED = {
    "401": "unauthorized",
    "429": "rate_limited",
    "no such model": "unknown_model",
    "too long": "too_long",
    "content filter": "filtered",
    "500": "failed",
}
"""The cases that a provider words itself, and what its file calls them."""


def basis_table() -> str:
    """What the answers that are played are based on, as Markdown."""
    lines = []
    for one in PROVIDERS:
        played = [getattr(DIALECTS[one.name], name) for name in _BASED.values()]
        lines.append(f"| {one.title} | {' | '.join(failure.basis if failure is not None else '—' for failure in played)} |")
    return "\n".join([f"| | {' | '.join(_BASED)} |\n|---|{'---|' * len(_BASED)}", *lines])


def main() -> None:
    with tempfile.TemporaryDirectory() as name, surroundings(Path(name)) as providers:
        found = trials(providers, Path(name))
        vectors = vector_trials(providers, Path(name))
    print(f"{provider_table()}\n\n{table(found)}\n\n{vector_table(vectors)}\n\n{basis_table()}")
    faults = [(one.provider.name, *fault) for one in found for fault in one.faults.items()]
    faults += [(one.provider.embeddings_class, *fault) for one in vectors for fault in one.faults.items()]
    for who, case, fault in faults:
        print(f"\n{who}, {case}: {fault}")


if __name__ == "__main__":
    main()
