"""Which tickets leave the inbox, when, and with whom."""

from dataclasses import replace
from math import inf

import pytest

from backburner.nouns.ticket import TicketRow
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.sealing import (
    DEADLINE_BUCKET,
    GATHER,
    SLICE,
    Seal,
    Waiting,
    next_seal,
    sealed_at,
    seals,
    seals_all,
    slice_of,
    slice_timing,
)
from backburner.plan.turnaround import Curve, learn

NOW = 1_000_000.0


def ticket(name: str = "tk_a", **more: object) -> TicketRow:
    row = TicketRow(
        id=name,
        lane="default",
        key_hash=None,
        body_hash="",
        urgency=Urgency.SOON,
        deadline=None,
        rescue=None,
        owner="",
        tags="",
        betas="",
        route="",
        created_at=NOW,
    )
    return replace(row, **more)  # type: ignore[arg-type]


def ids(rows: tuple[TicketRow, ...]) -> list[str]:
    return [row.id for row in rows]


def curve() -> Curve:
    return learn([], model="", requests=SLICE, at=NOW, now=NOW)


def test_a_ticket_that_is_due_waits_for_others_unless_somebody_waits_for_it() -> None:
    inbox = [Waiting(urgency=Urgency.SOON, due_at=NOW)]

    assert seals(inbox, NOW + GATHER - 1, GATHER) == ()
    assert seals(inbox, NOW + GATHER, GATHER) == (Seal(urgency=Urgency.SOON, due_by=NOW + GATHER),)
    assert seals(inbox, NOW) == (Seal(urgency=Urgency.SOON, due_by=NOW),)
    assert next_seal(inbox, GATHER) == NOW + GATHER


def test_what_is_wanted_now_waits_for_nobody() -> None:
    inbox = [Waiting(urgency=Urgency.NOW, due_at=NOW)]

    assert seals(inbox, NOW, GATHER) == (Seal(urgency=Urgency.NOW, due_by=NOW),)
    assert next_seal(inbox, GATHER) == NOW


def test_a_ticket_that_is_nearly_due_goes_along_where_each_has_its_own_time() -> None:
    inbox = [Waiting(urgency=Urgency.DEADLINE, due_at=NOW)]

    assert seals(inbox, NOW) == (Seal(urgency=Urgency.DEADLINE, due_by=NOW + DEADLINE_BUCKET),)


def test_an_empty_inbox_is_never_sealed() -> None:
    assert seals([], NOW) == ()
    assert seals_all([]) == ()
    assert next_seal([]) is None


def test_everything_goes_where_nothing_is_to_wait() -> None:
    inbox = [Waiting(urgency=Urgency.WINDOW, due_at=NOW + 3600)]

    assert seals(inbox, NOW) == ()
    assert seals_all(inbox) == (Seal(urgency=Urgency.WINDOW, due_by=inf),)


@pytest.mark.parametrize(
    "other",
    [
        {"owner": "ann"},
        {"tags": "seo"},
        {"betas": "context-1m"},
        {"rescue": 5},
        {"deadline": NOW},
    ],
)
def test_a_slice_holds_what_is_alike(other: dict[str, object]) -> None:
    rows = [(ticket("tk_a"), 10), (ticket("tk_b", **other), 10), (ticket("tk_c"), 10)]

    assert ids(slice_of(rows, 1000)) == ["tk_a", "tk_c"]


def test_deadlines_in_a_slice_are_close_to_the_first() -> None:
    later = (0.0, DEADLINE_BUCKET, DEADLINE_BUCKET + 1)
    rows = [(ticket(f"tk_{n}", deadline=NOW + after), 10) for n, after in enumerate(later)]

    assert ids(slice_of(rows, 1000)) == ["tk_0", "tk_1"]


def test_a_slice_ends_where_its_bodies_are_too_large_but_holds_one() -> None:
    rows = [(ticket(f"tk_{n}"), 60) for n in range(3)]

    assert ids(slice_of(rows, 130)) == ["tk_0", "tk_1"]
    assert ids(slice_of(rows, 10)) == ["tk_0"]


def test_a_slice_has_its_most() -> None:
    rows = [(ticket(f"tk_{n}"), 1) for n in range(SLICE + 5)]

    assert len(slice_of(rows, 10**9)) == SLICE


def test_the_earliest_deadline_counts_and_rescues_add_up() -> None:
    rows = [
        ticket("tk_a", urgency=Urgency.DEADLINE, deadline=NOW + 9, rescue=2),
        ticket("tk_b", urgency=Urgency.DEADLINE, deadline=NOW + 5, rescue=3),
    ]

    assert slice_timing(rows) == Timing(urgency=Urgency.DEADLINE, deadline=NOW + 5, rescue=5)


@pytest.mark.parametrize(
    ("urgency", "opens_at", "at"),
    [
        (Urgency.NOW, NOW + 60, NOW),
        (Urgency.SOON, NOW + 60, NOW),
        (Urgency.WINDOW, NOW + 60, NOW + 60),
        (Urgency.WINDOW, NOW - 60, NOW),
        (Urgency.WINDOW, None, NOW),
    ],
)
def test_a_ticket_is_sealed_when_its_urgency_says(
    urgency: Urgency, opens_at: float | None, at: float
) -> None:
    assert sealed_at(Timing(urgency=urgency), curve, opens_at=opens_at, now=NOW) == at


def test_a_ticket_with_a_deadline_is_sealed_with_the_window_or_in_time() -> None:
    far = Timing(urgency=Urgency.DEADLINE, deadline=NOW + 86400)

    with_window = sealed_at(far, curve, opens_at=NOW + 600, now=NOW)
    without = sealed_at(far, curve, opens_at=None, now=NOW)

    assert with_window == NOW + 600
    assert NOW + 600 < without < NOW + 86400
