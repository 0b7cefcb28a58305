"""The savings report over whole lives: what counts as what, to the picodollar."""

from typing import Any

import pytest
from sqlalchemy import text

from backburner.client import Backburner
from backburner.clock import FakeClock
from backburner.emulator.faults import DropAfter, Late, Line
from backburner.emulator.settings import ItemFailure
from backburner.errors import NotFound
from backburner.nouns.batch import Via
from backburner.report.savings import By
from backburner.report.spending import STAIRCASE
from backburner.runs.answers import final_lines
from backburner.runs.row_answers import Reader

HOUR = 3600.0
DAY = 24 * HOUR


def costs(bb: Backburner, run: str) -> list[list[int]]:
    """What each attempt of each request of a run cost, by its own line."""
    reader = Reader(bb.tools.tariff([]))
    return [
        [reader.paid(line, Via.BATCH) or 0 for line in (*final.earlier, final.line)]
        for final in final_lines(bb.tools.store, bb.tools.vault, bb.get(run))
    ]


def failing(*kinds: str) -> dict[str, Any]:
    """A world in which the first requests fail once, each in its own way."""
    return {
        "fail_once": tuple(
            ItemFailure(ordinal=0, index=index, kind=kind) for index, kind in enumerate(kinds)
        )
    }


def test_what_retries_cost_and_what_was_wasted_is_the_sum_of_their_lines(make_stage):
    stage = make_stage(**failing("max_tokens", "api_error", "pause_turn", "refusal"))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(6))
    bb.run(run.id)

    total = bb.savings(run=run.id).total

    attempts = costs(bb, run.id)
    cut, broken, paused, *_ = attempts
    assert [len(one) for one in attempts] == [2, 2, 2, 1, 1, 1]
    assert broken[0] == 0
    assert total.retries == cut[1] + broken[1] + paused[1]
    assert total.wasted == cut[0] > 0
    assert total.paid == sum(map(sum, attempts)) == stage.world.bill().total


def test_an_answer_that_waits_for_its_retry_is_not_wasted_yet(make_stage):
    stage = make_stage(**failing("max_tokens"))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    stage.clock.sleep(HOUR)
    bb.drain(collect_only=True)

    assert bb.savings(run=run.id).total.wasted == 0

    bb.run(run.id)

    assert bb.savings(run=run.id).total.wasted > 0


def test_what_was_accepted_late_is_waste_and_no_saving(stage):
    stage.world.script("create", Late(by=2 * HOUR))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)
    before = bb.savings().total
    stage.clock.sleep(25 * HOUR)
    bb.drain()

    total = bb.savings().total

    assert total.twice == total.wasted == total.paid - before.paid > 0
    assert (total.full, total.saved) == (before.full, before.saved)
    assert total.full - total.saved + total.twice == total.paid
    assert total.retries == 0


def test_collapsed_rows_are_saved_on_the_day_of_the_end_and_by_the_runs_model(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["a", "a", "a", "b"]))
    receipt = bb.run(run.id).receipt

    collapse = STAIRCASE[0]
    for by in By:
        (group,) = bb.savings(by).groups
        assert collapse.saved(group.spending) == receipt.saved_by_collapse.picodollars > 0
        assert group.spending.full == receipt.sync_equivalent.picodollars


def test_a_batch_in_doubt_is_told_and_is_in_no_sum(stage):
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()

    total = bb.savings(run=run.id).total

    assert (total.doubted, total.paid, total.answers) == (3, 0, 0)
    assert bb.savings(By.MODEL).groups[0].title == "(not known yet)"

    bb.run(run.id)

    assert bb.savings(run=run.id).total.doubted == 0


def test_the_doubt_of_a_batch_is_its_worst_case_where_that_is_known(stage):
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.drain()
    with bb.tools.store.write() as tx:
        tx.execute(text("DELETE FROM worst_case"))
        tx.execute(text("INSERT INTO worst_case VALUES (1, :run, 3, 1, 5000)"), {"run": run.id})

    total = bb.savings(run=run.id).total

    assert (total.doubted, total.unbounded, total.doubt) == (3, 1, 5000)


def test_a_batch_of_retries_in_doubt_counts_for_each_of_its_runs(make_stage):
    stage = make_stage(**failing("api_error"))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    stage.clock.sleep(HOUR)
    stage.world.script("create", DropAfter())
    for _ in range(3):
        bb.drain()
        stage.clock.sleep(60)

    assert bb.savings(run=run.id).total.doubted == 1

    bb.run(run.id)


def test_an_answer_that_no_download_served_may_have_been_paid(stage):
    stage.world.script("results", Line("missing", at=0), times=5)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)

    total = bb.savings(run=run.id).total

    assert (total.doubted, total.unbounded, total.answers) == (1, 1, 3)
    assert total.paid < stage.world.bill().total


@pytest.mark.unbilled("the store is changed")
def test_answers_of_an_unknown_model_are_counted_and_in_no_amount(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)
    with bb.tools.store.write() as tx:
        tx.execute(text("UPDATE ledger SET paid = NULL, sync_price = NULL, uncached_price = NULL"))

    total = bb.savings(run=run.id).total

    assert (total.answers, total.unpriced, total.paid, total.full) == (3, 3, 0, 0)
    assert bb.receipt(run.id).unpriced == 3
    assert total.usage.prompt_tokens > 0


def test_every_lane_of_the_home_is_reported_and_each_can_be_chosen(stage):
    first, second = stage.open(), stage.open(lane="night")
    one = stage.run_of(first, stage.table(2))
    other = stage.run_of(second, stage.table(3, "b.csv"), "b.out.csv")
    first.run(one.id)
    second.run(other.id)

    report = first.savings(By.LANE)

    assert [(group.key, group.spending.answers) for group in report.groups] == [
        ("default", 2),
        ("night", 3),
    ]
    assert first.savings(lane="night").total.answers == 3
    assert report.total.paid == stage.world.bill().total


def test_days_are_those_of_collection(stage, clock: FakeClock):
    bb = stage.open()
    for name in ("a", "b"):
        run = stage.run_of(bb, stage.table([name], f"{name}.csv"), f"{name}.out.csv")
        bb.run(run.id)
        clock.sleep(DAY)

    report = bb.savings(By.DAY)

    first, second = (group.key for group in report.groups)
    assert first < second
    assert bb.savings(until=first).total.answers == 1
    assert bb.savings(since=second).total.answers == 1
    assert bb.savings(since="2999-01-01").total.answers == 0


def test_tags_and_owners_are_those_of_the_ledger(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)
    with bb.tools.store.write() as tx:
        tx.execute(text("UPDATE ledger SET owner = 'anna', tags = 'labels,q4'"))

    tags, owners = bb.savings(By.TAG), bb.savings(By.OWNER)

    assert [group.key for group in tags.groups] == ["labels", "q4"]
    assert {group.spending.paid for group in tags.groups} == {tags.total.paid}
    assert [group.key for group in owners.groups] == ["anna"]


def test_waste_that_was_booked_at_other_prices_is_said(make_stage):
    stage = make_stage(**failing("max_tokens"))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.run(run.id)
    assert bb.savings().notes == ()

    with bb.tools.store.write() as tx:
        tx.execute(text("UPDATE ledger SET price_date = '2020-01-01'"))

    (note,) = bb.savings().notes
    assert note.startswith("what was wasted is at the prices of now")


def test_a_run_that_is_not_there_is_not_found(stage):
    with pytest.raises(NotFound, match="no run 'x'"):
        stage.open().savings(run="x")
