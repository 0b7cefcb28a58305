"""Whole lives without a crash: what is asked comes back, is booked, and adds up."""

import json
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest

from backburner.emulator.settings import ItemFailure, Rule
from backburner.errors import LaneStopped
from backburner.nouns.outcome import Outcome
from backburner.store.ledger import ledger_of_run
from backburner.telemetry import RunFinished

DAY = 24 * 3600


def columns_of(rows):
    return Counter(row["outcome"] for row in rows)


def test_every_row_comes_back_in_order_with_its_answer(stage):
    bb = stage.open(requests=7)
    run = stage.run_of(bb, stage.table(20))

    finished = bb.run(run.id)

    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(20)]
    assert [row["id"] for row in stage.rows()] == [str(n) for n in range(20)]
    assert [batch.count for batch in stage.world.ledger()] == [7, 7, 6]
    assert finished.receipt.outcomes == {"ok": 20}


def test_the_end_of_a_run_is_told_once_whoever_saw_it(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))

    bb.run(run.id)
    bb.run(run.id)
    stage.open().drain()

    told = [one for one in stage.events if isinstance(one, RunFinished)]
    assert [(one.run, one.outcomes) for one in told] == [(run.id, {"ok": 3})]
    assert told[0].paid == stage.world.bill().total


def test_the_end_of_a_run_that_is_retried_is_told_again(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0, kind="refusal"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.run(run.id)

    bb.retry(run.id)
    bb.run(run.id)

    told = [one.outcomes for one in stage.events if isinstance(one, RunFinished)]
    assert told == [{"ok": 1, "refused": 1}, {"ok": 2}]


def test_every_custom_id_names_batch_try_and_position(stage):
    bb = stage.open(requests=3)
    bb.run(stage.run_of(bb, stage.table(6)).id)

    first, second = stage.sent()
    assert [one[13:] for one in first] == ["-00000", "-00001", "-00002"]
    assert len({one[:13] for one in first}) == 1
    assert first[0][:12] != second[0][:12]
    assert first[0][12] == "0"


def test_only_what_failed_is_sent_again(make_stage):
    stage = make_stage(errored_share=0.03)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(300))

    finished = bb.run(run.id)

    first, second = stage.world.ledger()
    again = [params for _, params in stage.world.received(second.id)]
    lines = results_of(stage, first)
    failed = [
        params
        for custom_id, params in stage.world.received(first.id)
        if lines[custom_id]["type"] == "errored"
    ]
    assert 0 < len(again) < 30
    assert again == failed
    assert finished.receipt.outcomes == {"ok": 300}
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(300)]


def results_of(stage, batch):
    client = stage.make_client(stage.world)
    return {
        line.custom_id: line.result.to_dict() for line in client.messages.batches.results(batch.id)
    }


def test_retries_wait_longer_each_time_and_end_at_five_attempts(make_stage):
    failures = tuple(ItemFailure(ordinal=n, index=0, kind="api_error") for n in range(10))
    stage = make_stage(fail_once=failures)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["stubborn"]))

    finished = bb.run(run.id)

    ledger = stage.world.ledger()
    assert len(ledger) == 5
    assert finished.receipt.outcomes == {"server_error": 1}
    pauses = [b.created_at - a.created_at - 20 for a, b in pairwise(ledger)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 500
    (review,) = stage.rows("out.review.csv")
    assert "api_error" in review["reason"]


def test_a_request_that_is_itself_at_fault_is_not_sent_again(make_stage):
    stage = make_stage(rules=(Rule(match="bad", kind="invalid_request_error"),))
    bb = stage.open()

    finished = bb.run(stage.run_of(bb, stage.table(["bad", "good"])).id)

    assert finished.receipt.outcomes == {"ok": 1, "rejected": 1}
    assert len(stage.world.ledger()) == 1


@pytest.mark.parametrize(
    ("kind", "outcome", "batches"),
    [("refusal", "refused", 1), ("max_tokens", "truncated", 2), ("pause_turn", "paused", 11)],
)
def test_a_success_that_is_no_answer_is_called_by_its_name_and_paid(
    make_stage, kind, outcome, batches
):
    stage = make_stage(rules=(Rule(match="odd", answer="some words", kind=kind),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["odd", "even"]))

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"ok": 1, outcome: 1}
    assert finished.receipt.paid.picodollars == stage.world.bill().total
    assert len(stage.world.ledger()) == batches


def test_what_expires_after_a_day_is_sent_again(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1, kind="expired"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))

    finished = bb.run(run.id, lambda _count: stage.clock.sleep(3600))

    assert finished.receipt.outcomes == {"ok": 3}
    first, second = stage.world.ledger()
    assert (first.count, second.count) == (3, 1)
    assert second.created_at - first.created_at > DAY


def test_an_account_error_is_held_and_stops_the_lane(make_stage):
    stage = make_stage(rules=(Rule(match="poor", kind="billing_error"),))
    bb = stage.open()

    with pytest.raises(LaneStopped, match="billing_error"):
        bb.run(stage.run_of(bb, stage.table(["poor", "rich"])).id)

    lane, (standing,) = bb.status()
    assert standing.count.outcomes == {"ok": 1}
    assert standing.count.held == 1
    assert lane.state == "stopped"
    assert len(stage.world.ledger()) == 1


def test_the_ledger_is_the_servers_bill_to_the_picodollar(make_stage):
    stage = make_stage(errored_share=0.1, expired_share=0.02)
    bb = stage.open(requests=50)
    run = stage.run_of(bb, stage.table(200))

    finished = bb.run(run.id, lambda _count: stage.clock.sleep(1800))

    with bb.tools.store.read() as tx:
        booked = ledger_of_run(tx, run.id)
    assert sum(row.paid for row in booked) == stage.world.bill().total
    assert finished.receipt.paid.picodollars == stage.world.bill().total
    assert sum(row.requests for row in booked) == 200


def test_outcomes_sum_to_the_rows_and_columns_to_the_receipt_with_collapse(make_stage):
    stage = make_stage(
        rules=(
            Rule(match="two", kind="max_tokens", answer="cut"),
            Rule(match="(?s)Say: (.*)", answer=r"\1"),
        )
    )
    bb = stage.open(requests=2)
    texts = ["one", "two", "one", "three", "two", "one", "four"]
    run = stage.run_of(bb, stage.table(texts))

    finished = bb.run(run.id)

    rows = stage.rows()
    receipt = finished.receipt
    assert receipt.requests == 4
    assert receipt.outcomes == {"ok": 5, "truncated": 2} == columns_of(rows)
    paid = sum(Decimal(row["cost_usd"]) for row in rows)
    assert paid == Decimal(receipt.paid.picodollars).scaleb(-12)
    assert receipt.paid.picodollars == stage.world.bill().total
    assert receipt.sync_equivalent - receipt.saved == receipt.paid
    assert receipt.saved_by_collapse.picodollars > 0
    again = [row for row in rows if row["text"] == "one"][1:]
    assert all(row["input_tokens"] == "0" and row["answer"] == "one" for row in again)


def test_a_list_of_requests_comes_back_under_the_callers_own_keys(stage, ask):
    bb = stage.open(requests=2)
    requests = [{"custom_id": f"mine/{n} ü", "params": ask(f"Say: {n}")} for n in range(5)]
    run = bb.enqueue(requests)
    assert stage.world.ledger() == []

    bb.run(run.id)

    found = list(bb.results(run))
    assert [one.custom_id for one in found] == [one["custom_id"] for one in requests]
    assert [one.message["content"][0]["text"] for one in found] == [str(n) for n in range(5)]
    assert {one.outcome for one in found} == {Outcome.OK}


def test_the_same_call_again_resumes_and_sends_nothing(stage):
    source = stage.table(5)
    bb = stage.open()
    run = stage.run_of(bb, source)
    bb.run(run.id)
    bb.close()

    again = stage.open()
    same = stage.run_of(again, source)
    finished = again.run(same.id)

    assert same.id == run.id
    assert finished.receipt.outcomes == {"ok": 5}
    assert len(stage.world.ledger()) == 1


def test_drain_sends_all_that_waits_and_waits_for_nothing(stage):
    bb = stage.open(requests=2)
    one = stage.run_of(bb, stage.table(3, "a.csv"), "a.out.csv")
    two = stage.run_of(bb, stage.table(["x", "y"], "b.csv"), "b.out.csv")
    before = stage.clock.now()

    assert bb.drain().finished == ()
    assert stage.clock.now() == before
    assert len(stage.world.ledger()) == 3

    stage.clock.sleep(60)
    finished = bb.drain().finished
    assert {done.receipt.run for done in finished} == {one.id, two.id}
    assert len(stage.rows("a.out.csv")) == 3
    assert len(stage.rows("b.out.csv")) == 2


def test_drain_to_collect_releases_no_first_attempt(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0),))
    bb = stage.open()
    sent = stage.run_of(bb, stage.table(2, "a.csv"), "a.out.csv")
    bb.drain()
    stage.run_of(bb, stage.table(["kept"], "b.csv"), "b.out.csv")

    for _ in range(4):
        stage.clock.sleep(60)
        ended = bb.drain(collect_only=True).finished

    assert [batch.count for batch in stage.world.ledger()] == [2, 1]
    assert ended == () or ended[0].receipt.run == sent.id
    assert len(stage.rows("a.out.csv")) == 2


def test_run_releases_only_its_own_batches(stage):
    bb = stage.open()
    other = stage.run_of(bb, stage.table(["other"], "a.csv"), "a.out.csv")
    mine = stage.run_of(bb, stage.table(["mine"], "b.csv"), "b.out.csv")

    bb.run(mine.id)

    assert len(stage.world.ledger()) == 1
    assert bb.status(other.id)[1][0].words == "waiting to be sent"


def test_retries_of_two_runs_share_a_batch_and_go_home(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0), ItemFailure(ordinal=1, index=1)))
    bb = stage.open()
    one = stage.run_of(bb, stage.table(2, "a.csv"), "a.out.csv")
    two = stage.run_of(bb, stage.table(["x", "y"], "b.csv"), "b.out.csv")
    bb.drain()
    for _ in range(3):
        stage.clock.sleep(60)
        bb.drain()

    assert [batch.count for batch in stage.world.ledger()] == [2, 2, 2]
    assert [row["answer"] for row in stage.rows("a.out.csv")] == ["text 0", "text 1"]
    assert [row["answer"] for row in stage.rows("b.out.csv")] == ["x", "y"]
    bills = [bb.receipt(run.id).paid.picodollars for run in (one, two)]
    assert sum(bills) == stage.world.bill().total


def test_retries_go_in_quarter_batches_and_all_of_them_in_one_pass(make_stage):
    failures = tuple(ItemFailure(ordinal=0, index=n) for n in range(3)) + tuple(
        ItemFailure(ordinal=1, index=n) for n in range(3)
    )
    stage = make_stage(fail_once=failures)
    bb = stage.open(requests=3)
    stage.run_of(bb, stage.table(6))
    bb.drain()
    stage.clock.sleep(60)
    bb.drain()
    stage.clock.sleep(5)

    bb.drain()

    assert [batch.count for batch in stage.world.ledger()] == [3, 3, 1, 1, 1, 1, 1, 1]


def test_rows_of_different_betas_never_travel_together(stage, ask):
    bb = stage.open()
    one = bb.enqueue([{"custom_id": "a", "params": ask("Say: a")}])
    two = bb.enqueue(
        [{"custom_id": "b", "params": ask("Say: b")}], betas=["output-300k-2026-03-24"]
    )

    bb.drain()

    assert [batch.count for batch in stage.world.ledger()] == [1, 1]
    assert one.id != two.id


def test_a_jsonl_output_holds_the_whole_result(stage, ask, tmp_path):
    source = tmp_path / "requests.jsonl"
    lines = [json.dumps({"custom_id": f"k{n}", "params": ask(f"Say: {n}")}) for n in range(3)]
    source.write_text("\n".join(lines), encoding="utf-8")
    bb = stage.open()
    run = stage.run_of(bb, source, "out.jsonl", prompt=None, model="", max_tokens=0)

    bb.run(run.id)

    written = (stage.home.parent / "out.jsonl").read_text(encoding="utf-8").splitlines()
    parsed = [json.loads(line) for line in written]
    assert [one["custom_id"] for one in parsed] == ["k0", "k1", "k2"]
    assert [one["result"]["message"]["content"][0]["text"] for one in parsed] == ["0", "1", "2"]
