"""Several judges answer one question about each row."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from random import Random
from typing import Any, ClassVar

import xxhash
from pydantic import Field, PrivateAttr

from steps.base import FILL_IT, Group, Row, is_missing, require, require_values
from steps.chances import row_text
from steps.chats import user_asks
from steps.errors import BadReply, Complaint, DistilflowError, LLMError, MissingValue, RowError, TooFewAnswers
from steps.labels.annotations import COLUMNS, MOST_ROUNDS, Annotation, name_of
from steps.labels.answers import Answer, Form
from steps.labels.judges import Judge
from steps.labels.questions import Question
from steps.labels.rehearsed_answers import rehearsed_reply
from steps.llms.base import LLM, Ask, Chat, JSONSchema
from steps.row_texts import filled_text_in
from steps.tasks.base import Generation, Task
from steps.tasks.material import NO_ORDERS, tagged
from steps.tasks.repairs import Reader
from steps.tasks.replies import schema_instructions
from steps.templates import compile_template, template_columns, template_problem
from steps.wording import counted, listed

ANNOTATIONS = "annotations"
MODEL_NAME = "model_name"
GRACE_S = 10.0
"""How long the replies of other judges are waited for when one has met what ends the run: they may be paid for."""

_ROLE = (
    "You annotate data. You look at what is shown, answer one question about it, and say what you yourself find, whatever "
    "others might say."
)
_ASKED = {
    "label": "Choose the one label that fits.",
    "multi_label": "Choose all labels that fit: none, one or several.",
    "rating": "Choose one rating. From lowest to highest they are:",
    "ranking": "Put all of these in order, from best to worst:",
    "spans": "Mark the passages of <{first}> that one of these labels fits, by quoting each; none if there is none.",
    "text": "Answer in words.",
}


@dataclass(frozen=True, slots=True)
class _Said:
    """What came of asking one judge."""

    judge: Judge
    answer: Answer
    model_name: str
    chat: Chat | None = None
    reply: str | None = None


class JudgePanel(Task):
    """Has several judges answer one question about each row.

    A judge is a model, alone or with instructions of its own (`prompt`), or a rule (`template`) whose text is the answer; each
    is an annotator by its name. They are asked side by side, and none sees what another says. Each answer becomes a row, with
    the columns of the row it is about: what ConsolidateLabels takes. With `group_generations` they are a list in `annotations`.

    A judge that fails is left out, and the run's log says so; with fewer answers than `min_judges` the row goes to the
    quarantine. Judges whose models have the same maker are a `family`, unless told otherwise. Models quote spans, and where
    they lie in the first of `columns` is found out here. `timestamp` stays empty, so that a replay makes the same rows.

    Rows that come with a `model_name` keep it: it says who wrote what is judged, and `annotator` says who judged. In others it
    is the judge's model; to have that besides, give it a name with `output_mappings: {model_name: judge_model}`.

    Example:
        >>> panel = JudgePanel(
        ...     question={"title": "Is the answer polite?", "labels": ["yes", "no"]},
        ...     columns=["answer"],
        ...     judges=[{"name": "ada"}, {"name": "thanks", "template": "{{ 'yes' if 'thank' in answer|lower else '' }}"}],
        ... )
        >>> [row["annotator"] for row in panel.process([{"answer": "Thank you!"}])]
        ['ada', 'thanks']
    """

    group: ClassVar[Group] = "labels"
    outputs: ClassVar[tuple[str, ...]] = COLUMNS
    kept_outputs: ClassVar[tuple[str, ...]] = (MODEL_NAME,)
    changes_rows: ClassVar[bool] = True

    question: Question = Field(
        description="What is asked: `type`, `title`, `guideline` and `labels`.",
        examples=[{"type": "label", "title": "Is the answer right?", "labels": ["right", "wrong"]}],
    )
    columns: list[str] = Field(
        min_length=1, description="Columns that judges are shown.", examples=[["instruction", "generation"]]
    )
    judges: list[Judge] = Field(
        min_length=1,
        description="Who answers: a `name`, and `llm` (else the step's), `prompt`, `template`, `family` or `kind`.",
        examples=[
            [
                {"name": "mini", "llm": {"use": "OpenAILLM", "model": "gpt-4o-mini"}},
                {"name": "strict mini", "llm": {"use": "OpenAILLM", "model": "gpt-4o-mini"}, "prompt": "Be strict."},
            ]
        ],
    )
    item_column: str = Field(default="", description="Column with the id of the item. Empty: a hash of what judges are shown.")
    round: int = Field(default=1, ge=1, le=MOST_ROUNDS, description="Round of annotation: answers of a later one replace none.")
    min_judges: int = Field(default=1, ge=1, description="Fewest answers; a row with fewer goes to the quarantine.")
    explains: bool = Field(default=False, description="Ask for a short reason.")
    asks_confidence: bool = Field(default=False, description="Ask how sure a judge is, from 0 to 1.")
    system_prompt: str = Field(
        default=_ROLE, description="What the models are told about their role.", json_schema_extra={"multiline": True}
    )
    _failed: Counter[tuple[str, str]] = PrivateAttr(default_factory=Counter)

    # ---- parameters
    def models(self) -> Mapping[str, LLM]:
        return {judge.name: judge.llm or self.llm for judge in self.judges if not judge.is_rule}

    def may_change_rows(self) -> bool:
        return not self.group_generations

    def needs(self) -> list[str]:
        return list(dict.fromkeys([*self._shown_columns, *sorted(self._template_columns)]))

    def makes(self) -> list[str]:
        made = super().makes()
        return [ANNOTATIONS, *made[len(COLUMNS) :]] if self.group_generations else made

    @property
    def _shown_columns(self) -> list[str]:
        return [*self.columns, *([self.item_column] if self.item_column else [])]

    @property
    def _template_columns(self) -> frozenset[str]:
        return _columns_of(tuple(self._templates.values()))

    @property
    def _templates(self) -> dict[str, str]:
        """Jinja of judges, by the words for where it stands."""
        texts = {(judge.name, part): getattr(judge, part) for judge in self.judges for part in ("prompt", "template")}
        return {f"`{part}` of judge {name!r}": text for (name, part), text in texts.items() if text}

    @property
    def _form(self) -> Form:
        return Form(self.question, self.explains, self.asks_confidence)

    def check(self) -> Iterable[Complaint]:
        twice = [name for name, count in Counter(judge.name for judge in self.judges).items() if count > 1]
        if twice:
            yield f"several judges are called {listed(map(repr, twice))}", "give each a name of its own"
        if self.min_judges > len(self.judges):
            yield f"`min_judges` is {self.min_judges}, of {counted(len(self.judges), 'judge')}", "lower it, or add judges"
        if self.question.type != "text" and len(self.question.labels) < (2 if self.question.type == "ranking" else 1):
            what = {"ranking": "the things to rank", "rating": "the ratings, from lowest to highest"}
            yield f"the question names no `labels`: {what.get(self.question.type, 'what to choose from')}", "add them"
        if self.num_generations > 1:
            fix = "give a judge a second time, under another name, for a second answer"
            yield f"`num_generations` is {self.num_generations}, and each judge answers once", fix
        for where, text in self._templates.items():
            if problem := template_problem(text):
                yield f"{where}: {problem}"

    # ---- asking
    def check_row(self, row: Row) -> None:
        require_values(row, self._shown_columns)
        require(row, self._template_columns)
        if self.item_column and not self._item(row).strip():
            raise MissingValue(f"column {self.item_column!r}, the id of the item, is blank", FILL_IT)
        self.check_metadata(row)
        if all(isinstance(row[column], str) and not row[column].strip() for column in self.columns):
            raise MissingValue(f"there is nothing to judge: {listed(map(repr, self.columns))} hold blanks", FILL_IT)
        if self.question.type == "spans":
            filled_text_in(row, self.columns[0])

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        self.check_row(row)
        item = self._item(row)
        came = await _side_by_side([self._answer_of(judge, row, item, ask) for judge in self.judges])
        said = [one for one in came if isinstance(one, _Said)]
        failed = {judge.name: one for judge, one in zip(self.judges, came, strict=True) if isinstance(one, RowError)}
        if len(said) < self.min_judges:
            raise self._too_few(len(said), failed)
        for name, error in failed.items():
            self._tell(name, error)
        return self._rows_of_annotations(row, item, said)

    async def _answer_of(self, judge: Judge, row: Row, item: str, ask: Ask) -> _Said | RowError | None:
        """What a judge says; the error if it cannot say anything about this row, None if it abstains."""
        try:
            return self._by_rule(judge, row) if judge.is_rule else await self._by_model(judge, row, item, ask)
        except LLMError as error:
            if error.is_fatal:
                raise
            return error
        except RowError as error:
            return error

    def _by_rule(self, judge: Judge, row: Row) -> _Said | None:
        said = compile_template(judge.template)(row).strip()
        return _Said(judge, Answer(self._form.of_rule(said, self._text(row))), "") if said else None

    async def _by_model(self, judge: Judge, row: Row, item: str, ask: Ask) -> _Said:
        chat, llm, found = self._chat(judge, row), self.models()[judge.name], list[Answer]()
        rehearse = partial(self._rehearsed, row, item, judge)
        request = self.request_of(chat, row, rehearse, self._form.schema(), model=judge.name)
        request = replace(request, asker=f"{request.asker}/{judge.name}")

        def read(text: str) -> Row:
            found.append(self._form.read(text, self._text(row)))
            return {}

        repairs = self.max_repairs if llm.answers_anew else 0
        reader = Reader(read, ask, repairs, is_json=True, fix_of_rehearsal=self.mend_rehearsal if llm.is_rehearsal else "")
        [one] = await reader.read_all(request, await ask(request))
        return _Said(judge, found[-1], one.reply.model_name, chat, one.reply.text)

    def first_chats(self, row: Row) -> Sequence[Chat]:
        return [self._chat(judge, row) for judge in self.judges if not judge.is_rule]

    def reply_schema(self, row: Row) -> JSONSchema:
        return self._form.schema()

    def rehearse(self, row: Row, rng: Random) -> str:
        return self._rehearsed(row, self._item(row), self.judges[0], rng)

    def _rehearsed(self, row: Row, item: str, judge: Judge, rng: Random) -> str:
        return json.dumps(rehearsed_reply(self._form, item, judge.name, self._text(row), rng), ensure_ascii=False)

    def _chat(self, judge: Judge, row: Row) -> Chat:
        question = self.question
        asked = _ASKED[question.type].format(first=self.columns[0])
        own = compile_template(judge.prompt)(row).strip() if judge.prompt else ""
        parts = [
            f"Question: {question.title}",
            question.guideline,
            own,
            "\n".join([asked, *(f"- {label}" for label in question.labels)]),
            *(tagged(column, row[column]) for column in self.columns),
            NO_ORDERS,
            schema_instructions(self._form.schema()),
        ]
        return user_asks("\n\n".join(filter(None, parts)), self.system_prompt)

    def _text(self, row: Row) -> str:
        """What spans lie in."""
        return filled_text_in(row, self.columns[0]) if self.question.type == "spans" else ""

    # ---- rows
    def _item(self, row: Row) -> str:
        if self.item_column:
            return str(name_of(row[self.item_column]))
        shown = {column: row[column] for column in self.columns}
        return xxhash.xxh3_64_hexdigest(row_text(shown).encode("utf-8", "surrogatepass"))

    def _rows_of_annotations(self, row: Row, item: str, said: Sequence[_Said]) -> list[Row]:
        annotations = [self._annotation(item, one).row(self.question) for one in said]
        if not self.group_generations:
            told = zip(annotations, said, strict=True)
            return self.rows_of(
                row, [Generation(made, self._wrote(row, one.model_name), one.chat, one.reply) for made, one in told]
            )
        names = ", ".join(dict.fromkeys(one.model_name for one in said if one.model_name))
        grouped = {**row, ANNOTATIONS: annotations, MODEL_NAME: self._wrote(row, names)}
        return [self.with_raw(grouped, [one.chat for one in said], [one.reply for one in said])]

    def _wrote(self, row: Row, judged: str) -> str:
        """What `model_name` says: who wrote the row, else who judged it. Under another name it is who judged in any case."""
        keeps = MODEL_NAME not in self.output_mappings and not is_missing(row.get(MODEL_NAME))
        return str(row[MODEL_NAME]) if keeps else judged

    def _annotation(self, item: str, said: _Said) -> Annotation:
        judge, answer = said.judge, said.answer
        return Annotation(
            item=item,
            annotator=judge.name,
            label=answer.label,
            kind=judge.kind_in_words(),
            family=judge.family_with(judge.llm or self.llm),
            confidence=answer.confidence,
            explanation=answer.explanation,
            round=self.round,
        )

    # ---- judges that fail
    def _too_few(self, came: int, failed: Mapping[str, RowError]) -> RowError:
        why = "; ".join(f"{name!r}: {error.message}" for name, error in failed.items()) or "the others abstain"
        what = f"{counted(came, 'judge')} of {len(self.judges)} answered, at least {self.min_judges} should: {why}"
        fix = next((error.fix for error in failed.values() if error.fix), "") or "lower `min_judges`, or add judges"
        bad = next((error.reply for error in failed.values() if isinstance(error, BadReply)), None)
        error = TooFewAnswers(what, fix) if bad is None else BadReply(what, fix, bad)  # a retry asks anew after a bad reply
        error.attempts = max((one.attempts for one in failed.values()), default=1)
        return error

    def _tell(self, judge: str, error: RowError) -> None:
        """Say that a judge failed: the first time of each kind at once, how often in the end."""
        self._failed[judge, error.code] += 1
        if self._failed[judge, error.code] == 1:
            self._logger.warning("judge %r is left out of a row: [%s] %s", judge, error.code, error.message)

    def unload(self) -> None:
        for (judge, code), rows in self._failed.items():
            if rows > 1:
                self._logger.warning("judge %r was left out of %s: [%s]", judge, counted(rows, "row"), code)
        self._failed.clear()


Coming = Coroutine[Any, Any, _Said | RowError | None]


async def _side_by_side(asked: Sequence[Coming]) -> list[_Said | RowError | None]:
    """What comes of several requests at a time.

    One that cannot be sent, or ends the run, ends this too, but not at once: replies that are under way may be paid for.

    Raises:
        Exception: What ended one of them, first what ends the run.
    """
    tasks = [asyncio.ensure_future(one) for one in asked]
    try:
        waiting: set[asyncio.Future[_Said | RowError | None]] = set(tasks)
        while waiting:
            ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
            if waiting and any(isinstance(task.exception(), LLMError) for task in ended):
                await asyncio.wait(waiting, timeout=GRACE_S)  # no longer: their server may be what is gone
                break
    finally:
        for task in tasks:
            task.cancel()
    broken = [error for task in tasks if task.done() and not task.cancelled() and (error := task.exception()) is not None]
    if broken:
        raise next((error for error in broken if isinstance(error, DistilflowError)), broken[0])
    return [task.result() for task in tasks]


@lru_cache(maxsize=64)
def _columns_of(templates: tuple[str, ...]) -> frozenset[str]:
    """The columns that templates take from a row, as far as they can be read."""
    return frozenset(column for text in templates if not template_problem(text) for column in template_columns(text))
