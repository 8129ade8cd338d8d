"""Every provider that turns texts into vectors × what can happen to a request: the second table of `benchmarks.providers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine.outcome import Failure
from flows.plan import plan
from flows.runners.inline import preview
from flows.spec import spec_from
from steps.embeddings.base import Embeddings
from steps.embeddings.open_ai_embeddings import OpenAIEmbeddings
from steps.errors import RowError, RunError
from steps.providers import EMBEDDERS as CLASSES
from steps.providers import Provider
from tests.fakes.providers import BAD_KEY, DIALECTS, EMBEDDERS, NO_MODEL, FakeProviders, Prompt, vector_of
from tests.fakes.serving import running

CASES = ("texts a request", "numbers", "dimensions", "tokens", "429", "401", "no such model", "too long", "500", "cut off")
MODEL = "some-model"
_TEXTS = [f"text {number} of a hundred" for number in range(100)]
_WANTED = 4
"""Numbers per vector that are asked for."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of one provider's rows: by case, a word that says it, or why it is not as it should be."""

    provider: Provider
    cells: Mapping[str, str]
    faults: Mapping[str, str]
    """By case, what is wrong. Empty when everything is as it should be."""


class VectorTrial:
    """One provider, asked for vectors in all ways."""

    def __init__(self, use: str, provider: Provider, providers: FakeProviders, folder: Path, url: str = "") -> None:
        """`url`: where a server of one's own is played."""
        self._use, self._provider = use, provider
        self._dialect, self._embedder = DIALECTS[provider.name], EMBEDDERS[provider.name]
        self._providers = providers
        self._folder = folder / provider.name / "vectors"
        if not url and provider.name == "huggingface":  # only endpoints have vectors, and those have an address of their own
            url = provider.address
        self._at = {"base_url": url} if url else {}
        self._cells: dict[str, str] = {}
        self._faults: dict[str, str] = {}

    def run(self) -> Outcomes:
        for ask in (self._ask_for_many, self._ask_for_fewer_numbers, self._ask_what_fails, self._ask_with_a_bad_key):
            self._try(ask)
        self._try(self._ask_for_no_model)
        return Outcomes(self._provider, {case: self._cells.get(case, "?") for case in CASES}, self._faults)

    def _try(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except (RunError, RowError) as error:  # it ended for all rows, where it should not
            self._faults[ask.__name__] = str(error)

    def _tell(self, case: str, cell: str, fault: str = "") -> None:
        self._cells[case] = cell if not fault else "FAILS"
        if fault:
            self._faults[case] = fault

    def _model(self, **more: Any) -> dict[str, Any]:
        return {"use": self._use, "model": MODEL, **self._at, "max_retries": 2, "timeout": 20, "max_concurrency": 1, **more}

    def _run(self, texts: list[str], **model: Any) -> tuple[list[dict[str, Any]], dict[str, Failure]]:
        """The rows made, and those that failed by their text."""
        load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": text} for text in texts]}}
        with_model = {"embeddings": self._model(**model)}
        embed = {"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": with_model}
        planned = plan(spec_from({"distilflow": 1, "name": self._provider.name, "steps": [load, embed]})[0])
        found = preview(planned, len(texts), runs_dir=self._folder)
        return found.rows["embed"], {str(failure.row["text"]): failure for failure in found.failures}

    def _sent(self, words: str) -> list[Any]:
        """The requests for vectors of these words, as the server saw them."""
        return [one for one in self._providers.requests(self._provider.name, words) if "input" in one.body]

    # ---- the cases
    def _ask_for_many(self) -> None:
        rows, failed = self._run(_TEXTS, inputs_per_request=2048)
        sent = self._sent("of a hundred")
        right = [row["embedding"] for row in rows] == [vector_of(text) for text in _TEXTS]
        fault = "" if right and not failed else f"{len(rows)} rows, {failed}, or in another order"
        sizes = [len(one.body["input"]) for one in sent]
        most = Embeddings.model_validate(self._model(inputs_per_request=2048))
        assert isinstance(most, OpenAIEmbeddings)
        if not fault and ({one.status for one in sent} != {200} or not 1 < max(sizes) <= most.rows_per_request):
            fault = f"requests with {sizes} texts ended with {[one.status for one in sent]}"
        self._tell("texts a request", f"{most.rows_per_request:,}", fault)
        told = sent[0].body.get("encoding_format") if sent else None
        self._tell("numbers", str(told or "as it sends them"))
        self._tell("tokens", "counted" if self._embedder.counts else "not told")

    def _ask_for_fewer_numbers(self) -> None:
        model = Embeddings.model_validate(self._model(dimensions=_WANTED))
        assert isinstance(model, OpenAIEmbeddings)
        if any("dimensions" in str(problem) for problem in model.problems()):
            self._tell("dimensions", "no choice", "" if not self._embedder.dimensions else "it leaves a choice")
            return
        rows, failed = self._run(["a few numbers"], dimensions=_WANTED)
        seen = [len(row["embedding"]) for row in rows]
        self._tell("dimensions", f"`{self._embedder.dimensions}`", "" if seen == [_WANTED] else f"{seen}, {failed}")

    def _ask_what_fails(self) -> None:
        for case, words, told in (
            ("429", Prompt.WAIT, "waits"),
            ("500", Prompt.FAIL, "again"),
            ("cut off", Prompt.CUT, "again"),
        ):
            has_it = case != "429" or self._dialect.rate_limited is not None
            _, failed = self._run(["a neighbour", words])
            sent = self._sent(words)
            fault = failed[words].message if words in failed else ""
            fault = fault or ("" if len(sent) == 1 + has_it else f"it was asked {len(sent)} times")
            status = sent[0].status if sent else 0
            cell = "—" if not has_it else f"{status}, {told}" if status and str(status) != case else told
            self._tell(case, cell, fault)
        rows, failed = self._run(["a neighbour", Prompt.LONG, "another one"])
        if self._embedder.too_long is None:
            self._tell("too long", "—", "" if not failed else str(failed))
            return
        found = failed.get(Prompt.LONG)
        is_told = found is not None and found.code == "context-too-long" and len(rows) == 2
        self._tell("too long", "told", "" if is_told else f"the row: {found}; {len(rows)} others")

    def _ask_with_a_bad_key(self) -> None:
        try:
            self._run(["hi"], api_key="${DISTILFLOW_BAD_KEY}")
        except (RunError, RowError) as error:
            is_told = error.code == "auth-failed" and "$DISTILFLOW_BAD_KEY" in f"{error.message} {error.fix}"
            fault = "" if is_told and BAD_KEY not in str(error) else f"it said {error}"
        else:
            fault = "nothing was said of the key"
        status = self._dialect.unauthorized.status
        self._tell("401", "stops" if status == 401 else f"{status}, stops", fault)

    def _ask_for_no_model(self) -> None:
        if not self._dialect.knows_models:
            self._tell("no such model", "—")
            return
        try:
            self._run(["hi"], model=NO_MODEL)
        except (RunError, RowError) as error:
            fault = "" if error.code == "model-not-found" and NO_MODEL in error.message else f"it said {error}"
        else:
            fault = "nothing was said of it"
        self._tell("no such model", "stops", fault)


def _trial(use: str, provider: Provider, providers: FakeProviders, folder: Path) -> Outcomes:
    if DIALECTS[provider.name].host:
        return VectorTrial(use, provider, providers, folder).run()
    own = FakeProviders(provider.name)
    with running(own) as url:
        return VectorTrial(use, provider, own, folder, url).run()


def vector_trials(providers: FakeProviders, folder: Path) -> list[Outcomes]:
    """All cases of all providers, many at a time: most of it is waiting."""
    with ThreadPoolExecutor(len(CLASSES)) as pool:
        return list(pool.map(lambda use: _trial(use, CLASSES[use], providers, folder), CLASSES))


def vector_table(found: list[Outcomes]) -> str:
    """The cells as Markdown."""
    head = f"| | class | {' | '.join(CASES)} |\n|---|---|{'---|' * len(CASES)}"
    lines = [
        f"| {one.provider.title} | `{one.provider.embeddings_class}` | {' | '.join(one.cells[case] for case in CASES)} |"
        for one in found
    ]
    return "\n".join([head, *lines])
