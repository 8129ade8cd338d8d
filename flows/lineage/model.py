"""What there is to know about a row, or about two runs row by row, as plain data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

Kind = Literal["source", "all", "join", "ask", "step"]
"""`all`: takes all rows at once."""


class Asked(BaseModel):
    """A request to a model, and what it replied. Times are Unix seconds, money is USD."""

    step: str = ""
    row: str = ""
    """The id of the row when it asked; in an earlier session rows may have had others."""
    model: str = ""
    model_name: str = ""
    """What the server called it."""
    asked_as: str = ""
    """Which of the step's models it was, where a step has several: the name of a judge."""
    chat: Any = None
    """The messages of the prompt."""
    texts: list[str] = Field(default_factory=list)
    """The replies; none when the model said nothing."""
    at: float | None = None
    seconds: float = 0.0
    attempts: int = 1
    """How often it was sent, because the server failed or refused it."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """None when nobody knows the price."""
    is_copy: bool = False
    """It was found in another journal: this run did not pay for it."""
    is_free: bool = False
    """A rehearsal or a recording answered: it was made again for this look, and no request was sent in the run either."""
    is_repair: bool = False
    """The model was shown its last reply, and asked to correct it."""
    problem: str = ""
    """Why the step could not use the reply."""


class Refused(BaseModel):
    """A row that comes from the same row and went to the quarantine."""

    step: str
    row: str
    code: str
    message: str
    fix: str = ""


class StepOfRow(BaseModel):
    """What one step did with the row."""

    step: str
    use: str
    kind: Kind
    row: str
    """Id of the row that leaves it."""
    after: list[str]
    received: list[str] = Field(default_factory=list)
    """Columns that it took."""
    added: dict[str, Any] = Field(default_factory=dict)
    """Columns that it made or changed, with their values."""
    is_whole: bool = True
    """Whether the row is on record here; else values are those that later steps have of it, without what they replaced."""
    reused_from: str = ""
    """Empty when this session made it; else "an earlier session" or the run that it was taken over from."""
    siblings: int = 1
    """Rows that the step made of the row that it took, this one included."""
    model: str = ""
    replies: list[Asked] = Field(default_factory=list)
    refused: list[Refused] = Field(default_factory=list)
    note: str = ""


class Why(BaseModel):
    """The way of a row of the result through the steps, from the source on; steps stand after those they need."""

    run_id: str
    leaf: str
    index: int
    """Its number in the result, from 0."""
    row: str
    """Its id: its position in the source, from 0, and its number among siblings for each step that made several rows of one."""
    steps: list[StepOfRow]
    requests: int = 0
    """Those that this run sent, in all its sessions."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    """USD; None when the price of some requests is not known."""


# ---- two runs side by side

Only = Literal["all", "changed", "same", "a", "b"]
PairKind = Literal["same", "changed", "a", "b"]


class Side(BaseModel):
    """One of the runs."""

    run_id: str
    state: str
    rows: int
    duration_s: float
    requests: int
    cost: float | None
    """USD; None when the price of some requests is not known."""


class Pair(BaseModel):
    """A row of each run that comes from the same row; None where one run has none."""

    kind: PairKind
    a: int | None
    b: int | None
    """Their numbers in the results, from 0."""
    changed: list[str]
    row_a: dict[str, Any] | None
    row_b: dict[str, Any] | None


class Comparison(BaseModel):
    """Some rows of two runs side by side, and how many there are of each kind."""

    leaf: str
    a: Side
    b: Side
    same: int
    changed: int
    only_a: int
    only_b: int
    columns: list[str]
    changes: dict[str, int]
    """In how many rows each column differs, most often first."""
    only: Only
    page: int
    pages: int
    pairs: list[Pair]
