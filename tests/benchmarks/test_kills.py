"""How interrupted runs are judged: which moments are drawn, and what counts as sent needlessly."""

from __future__ import annotations

import random

import pytest

from benchmarks.kills import CASE, Interrupted, Moment, table
from benchmarks.peers.running import Rows

WHOLE_S = 4.0


def interrupted(sent: int, durable: int, sent_again: int, failure: str = "") -> Interrupted:
    return Interrupted(
        mode="no-prefect",
        how="kill",
        moment=Moment(1000, 0.05),
        was_at_work=True,
        failure=failure,
        sent=sent,
        durable=durable,
        sent_again=sent_again,
        rows=Rows(CASE.rows, 0, 0, 0),
        ended_s=0.1,
        again_s=3.0,
        left_over=0,
    )


def test_moments_lie_in_the_run_by_replies_and_by_time_and_a_seed_brings_them_back() -> None:
    moments = [Moment.draw(random.Random(f"1 {number}"), number, WHOLE_S) for number in range(30)]

    by_replies = [moment for moment in moments if moment.replies]
    by_time = [moment for moment in moments if not moment.replies]
    assert (len(by_replies), len(by_time)) == (20, 10)
    assert all(moment.replies <= CASE.rows and moment.seconds < 1 for moment in by_replies)
    assert max(moment.seconds for moment in by_time) > WHOLE_S / 2
    assert moments == [Moment.draw(random.Random(f"1 {number}"), number, WHOLE_S) for number in range(30)]


@pytest.mark.parametrize(
    ("sent", "durable", "sent_again", "needlessly"),
    [(1500, 1300, 200, 0), (1500, 1300, 150, 0), (1500, 1300, 203, 3), (2500, 2500, 1, 1)],
)
def test_only_replies_that_were_not_kept_may_be_asked_for_again(
    sent: int, durable: int, sent_again: int, needlessly: int
) -> None:
    assert interrupted(sent, durable, sent_again).sent_needlessly == needlessly


def test_the_table_has_the_worst_of_each_kind() -> None:
    shown = table([interrupted(1500, 1300, 200), interrupted(1500, 1300, 203, failure="hangs")]).splitlines()

    assert shown[2] == "| no-prefect | kill | 2 | 2 | 1 | 0 | 0 | 203 | 3 | 0.1 | 3.0 | 0 |"
