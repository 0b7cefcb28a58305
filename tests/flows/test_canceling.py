"""Canceling at each stage: the unsent ends, the rest is asked to stop, and all is booked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backburner.client.home import Home
from backburner.emulator.faults import DropAfter, DropBefore, Status
from backburner.emulator.settings import ItemFailure, Limits
from backburner.errors import LaneStopped
from backburner.nouns.batch import BatchState
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.lanes import ReleaseAll
from backburner.store import Store
from backburner.store.owners import Owner
from backburner.vault import Vault
from backburner.worker import Worker


class MeddlingVault(Vault):
    """Lets something happen once, while a retry is packed: its old line read, or its new written.

    Attributes:
        kind: What the name of the object begins with.
    """

    kind = ""
    meddle: Callable[[], object] | None = None

    @contextmanager
    def finder(self, name: str) -> Iterator[Any]:
        with super().finder(name) as lines:
            self._happen(f"find {name}")
            yield lines

    @contextmanager
    def line_writer(self, name: str, *options: Any) -> Iterator[Any]:
        with super().line_writer(name, *options) as writer:
            yield writer
        self._happen(f"write {name}")

    def _happen(self, what: str) -> None:
        if self.meddle is not None and what.startswith(self.kind):
            meddle, self.meddle = self.meddle, None
            meddle()


def open_meddling(stage, kind, **options):
    stage.home.mkdir(exist_ok=True)
    vault = MeddlingVault(stage.home / "vault")
    vault.kind = kind
    home = Home(stage.home, Store(stage.home), vault, Owner(stage.home, stage.clock.token(10)))
    return stage.open(home=home, **options), vault


def counts(bb, run):
    return bb.status(run.id)[1][0].count.outcomes


def test_what_was_never_sent_ends_at_once(stage):
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(5))

    canceled = bb.cancel(run.id)

    assert (canceled.unsent, canceled.asked) == (5, 0)
    assert counts(bb, run) == {"canceled": 5}
    assert bb.run(run.id).receipt.outcomes == {"canceled": 5}
    assert stage.world.ledger() == []


def test_what_is_upstream_is_asked_to_stop_and_what_was_answered_is_kept_and_paid(make_stage):
    stage = make_stage(turnaround=1000)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(10))
    bb.drain()
    stage.clock.sleep(500)

    assert bb.cancel(run.id).asked == 1
    finished = bb.run(run.id)

    outcomes = finished.receipt.outcomes
    assert sum(outcomes.values()) == 10
    assert outcomes["canceled"] > 0
    assert outcomes["ok"] > 0
    assert finished.receipt.paid.picodollars == stage.world.bill().total
    assert len(stage.world.ledger()) == 1


def test_half_sent_and_half_waiting(make_stage):
    stage = make_stage(limits=Limits(queued_requests=2))
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(4))
    bb.drain()
    assert len(stage.world.ledger()) == 1

    bb.cancel(run.id)
    outcomes = bb.run(run.id).receipt.outcomes

    assert sum(outcomes.values()) == 4
    assert outcomes["canceled"] >= 2
    assert len(stage.world.ledger()) == 1


def test_waiting_retries_end_as_canceled(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    bb.drain()

    bb.cancel(run.id)

    assert bb.run(run.id).receipt.outcomes == {"ok": 2, "canceled": 1}
    assert len(stage.world.ledger()) == 1


def test_retries_that_are_packed_and_not_sent_end_as_canceled(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    bb.drain()
    stage.clock.sleep(60)
    stage.world.script("create", Status(429, "rate_limit_error", {"retry-after": "60"}))
    bb.drain()
    assert len(stage.world.ledger()) == 1

    bb.cancel(run.id)

    assert bb.run(run.id).receipt.outcomes == {"ok": 2, "canceled": 1}
    assert len(stage.world.ledger()) == 1


def test_what_fails_after_the_cancel_is_not_tried_again(make_stage):
    stage = make_stage(
        turnaround=100, fail_once=tuple(ItemFailure(ordinal=0, index=n) for n in range(10))
    )
    bb = stage.open()
    run = stage.run_of(bb, stage.table(10))
    bb.drain()
    stage.clock.sleep(50)

    bb.cancel(run.id)
    outcomes = bb.run(run.id).receipt.outcomes

    assert sum(outcomes.values()) == 10
    assert set(outcomes) <= {"canceled", "server_error"}
    assert len(stage.world.ledger()) == 1


def test_in_a_shared_batch_of_retries_the_other_run_goes_on(make_stage):
    stage = make_stage(
        turnaround=100,
        fail_once=(ItemFailure(ordinal=0, index=0), ItemFailure(ordinal=1, index=0)),
    )
    bb = stage.open()
    one = stage.run_of(bb, stage.table(["a"], "a.csv"), "a.out.csv")
    two = stage.run_of(bb, stage.table(["b"], "b.csv"), "b.out.csv")
    for _ in range(3):
        bb.drain()
        stage.clock.sleep(110)
    bb.drain()
    stage.clock.sleep(5)
    bb.drain()

    canceled = bb.cancel(one.id)

    assert canceled.shared <= 1
    assert bb.run(two.id).receipt.outcomes == {"ok": 1}
    assert sum(bb.run(one.id).receipt.outcomes.values()) == 1


@pytest.mark.parametrize("fault", [DropAfter(), DropBefore()], ids=["arrived", "lost"])
def test_a_batch_in_doubt_is_only_canceled_once_it_is_known_to_be_ours(make_stage, fault):
    stage = make_stage(turnaround=7200.0)
    stage.world.script("create", fault)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()

    assert bb.cancel(run.id).doubted == 1

    assert sum(bb.run(run.id).receipt.outcomes.values()) == 2
    assert not any(batch.canceled for batch in stage.world.ledger())
    assert len(stage.world.ledger()) == isinstance(fault, DropAfter)


def test_a_canceled_run_is_started_anew_by_the_same_call(stage):
    source = stage.table(2)
    bb = stage.open()
    run = stage.run_of(bb, source)
    bb.cancel(run.id)

    again = stage.run_of(bb, source)

    assert again.id != run.id
    assert bb.run(again.id).receipt.outcomes == {"ok": 2}


def test_a_batch_that_is_about_to_be_sent_ends_at_once_and_gives_its_reservation_back(stage):
    bb = stage.open()
    bb.set_budget("lane:default", "5.00")
    run = stage.run_of(bb, stage.table(3))
    Worker(bb.tools, ("default",)).tick(ReleaseAll())
    assert bb.status(run.id)[1][0].count.batches == {BatchState.RELEASED: 1}
    assert bb.budgets()[0].budget.reserved > 0

    canceled = bb.cancel(run.id)

    assert (canceled.unsent, canceled.asked) == (3, 0)
    assert counts(bb, run) == {"canceled": 3}
    assert bb.budgets()[0].budget.reserved == 0


def test_retries_that_wait_for_a_budget_end_at_once(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    bb.drain()
    bb.set_budget("lane:default", "0.0000001")
    stage.clock.sleep(60)
    bb.drain()

    bb.cancel(run.id)

    assert counts(bb, run) == {"ok": 2, "canceled": 1}
    assert bb.run(run.id).receipt.cancellation.not_tried_again == 1


def test_a_run_in_a_stopped_lane_is_canceled_without_the_lane(make_stage):
    stage = make_stage()
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(4))
    stage.world.script("create", Status(401, "authentication_error"))
    with pytest.raises(LaneStopped):
        bb.drain()

    bb.cancel(run.id)

    assert counts(bb, run) == {"canceled": 4}


def test_the_receipt_tells_what_was_never_sent_and_what_was_paid_and_kept(make_stage):
    stage = make_stage(turnaround=1000, limits=Limits(queued_requests=10))
    bb = stage.open(requests=10)
    run = stage.run_of(bb, stage.table(20))
    bb.drain()
    stage.clock.sleep(500)

    bb.cancel(run.id)
    before = bb.status(run.id)[1][0].canceled
    receipt = bb.run(run.id).receipt

    canceled = receipt.cancellation
    assert before == "10 never sent, 10 under way or in doubt"
    assert (canceled.never_sent, canceled.open) == (10, 0)
    assert canceled.stopped > 0
    assert canceled.finished > 0
    assert canceled.stopped + canceled.finished == 10
    said = dict(receipt.lines())["canceled"]
    assert said == (
        f"10 never sent, {canceled.stopped} stopped by Anthropic, unpaid, "
        f"{canceled.finished} finished and paid {receipt.paid.show()}, kept"
    )
    assert bb.status(run.id)[1][0].canceled == said


def test_an_ended_batch_is_collected_and_paid_although_its_run_was_canceled(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    stage.clock.sleep(60)
    stage.world.script("results", Status(503, "overloaded_error"))
    bb.drain(collect_only=True)

    canceled = bb.cancel(run.id)

    assert (canceled.ended, canceled.asked, canceled.unsent) == (1, 0, 0)
    assert bb.run(run.id).receipt.outcomes == {"ok": 3}


def test_a_batch_of_retries_whose_runs_are_all_canceled_is_stopped(make_stage):
    stage = make_stage(
        turnaround=1000,
        fail_once=(ItemFailure(ordinal=0, index=0), ItemFailure(ordinal=1, index=0)),
    )
    bb = stage.open()
    one = stage.run_of(bb, stage.table(["a"], "a.csv"), "a.out.csv")
    two = stage.run_of(bb, stage.table(["b"], "b.csv"), "b.out.csv")
    for _ in range(2):
        bb.drain()
        stage.clock.sleep(1100)
    bb.drain()
    assert len(stage.world.ledger()) == 3

    first, second = bb.cancel(one.id), bb.cancel(two.id)
    bb.run(one.id)
    bb.run(two.id)

    assert (first.shared, first.asked) == (1, 0)
    assert (second.shared, second.asked) == (0, 1)
    assert stage.world.ledger()[-1].canceled


def test_canceled_requests_are_sent_again_when_that_is_wanted(stage):
    bb = stage.open(requests=2)
    run = stage.run_of(bb, stage.table(5))
    bb.cancel(run.id)
    bb.run(run.id)

    assert bb.retry(run.id) == 5
    receipt = bb.run(run.id).receipt

    assert receipt.outcomes == {"ok": 5}
    assert receipt.cancellation is None
    assert len(stage.rows()) == 5


def test_no_more_sync_calls_are_made_for_a_canceled_run(make_stage):
    stage = make_stage()
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3), timing=Timing(urgency=Urgency.NOW))

    canceled = bb.cancel(run.id)

    assert canceled.unsent == 3
    assert bb.run(run.id).receipt.outcomes == {"canceled": 3}
    assert stage.world.bill().total == 0


def test_retries_of_a_run_that_is_canceled_while_they_are_packed_are_not_sent(make_stage):
    stage = make_stage(
        fail_once=(ItemFailure(ordinal=0, index=0), ItemFailure(ordinal=1, index=0)),
    )
    bb, vault = open_meddling(stage, "write segments/")
    one = stage.run_of(bb, stage.table(["a"], "a.csv"), "a.out.csv")
    two = stage.run_of(bb, stage.table(["b"], "b.csv"), "b.out.csv")
    bb.drain()
    vault.meddle = lambda: bb.cancel(one.id)

    outcomes = [bb.run(run.id).receipt.outcomes for run in (one, two)]

    assert vault.meddle is None
    assert outcomes == [{"canceled": 1}, {"ok": 1}]
    assert [batch.count for batch in stage.world.ledger()] == [1, 1, 1]
    assert len([name for name, _ in vault.names() if "origins" in name]) == 1


def test_what_cannot_be_changed_is_canceled_when_its_run_was(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0, kind="max_tokens"),))
    bb, vault = open_meddling(stage, "find segments/")
    run = stage.run_of(bb, stage.table(["some words"]), max_tokens=64_000)
    bb.drain()
    vault.meddle = lambda: bb.cancel(run.id)

    outcomes = bb.run(run.id).receipt.outcomes

    assert vault.meddle is None
    assert outcomes == {"canceled": 1}
