"""What earlier batches read and wrote is found beside what was decided for their run."""

from backburner.store.cache_history import CacheUse, PastPlan, cache_uses, past_plans
from backburner.store.ledger import LedgerRow, ledger_append
from backburner.store.runs import run_insert

PLAN = '{"policy":"auto","choices":[]}'
HAIKU = "claude-haiku-4-5"


def booked(batch, run, model=HAIKU, **tokens):
    zero = dict.fromkeys(
        (
            "input_tokens",
            "output_tokens",
            "cache_write_5m_tokens",
            "cache_write_1h_tokens",
            "cache_read_tokens",
        ),
        0,
    )
    return LedgerRow(
        batch=batch,
        upstream_id=f"msgbatch_{batch}",
        run=run,
        model=model,
        day="2026-11-22",
        requests=3,
        paid=1,
        sync_price=2,
        uncached_price=2,
        price_date="2026-10-14",
        **{**zero, **tokens},
    )


def test_each_batch_of_a_run_with_a_plan_is_found_newest_first(store, new_run, new_batch, now):
    with store.write() as tx:
        run_insert(tx, new_run("planned", cache=PLAN))
    first = new_batch(run="planned", ended_at=now)
    second = new_batch(run="planned", ended_at=now + 9, first_request=3)
    with store.write() as tx:
        ledger_append(tx, [booked(first, "planned", cache_write_5m_tokens=7)])
        ledger_append(tx, [booked(second, "planned", cache_read_tokens=5, cache_write_1h_tokens=2)])

    with store.read() as tx:
        found = list(cache_uses(tx, HAIKU))

    common = {"plan": PLAN, "model": HAIKU, "requests": 3, "input_tokens": 0}
    assert found == [
        CacheUse(first_request=3, at=now + 9, read_tokens=5, written_tokens=2, **common),
        CacheUse(first_request=0, at=now, read_tokens=0, written_tokens=7, **common),
    ]


def test_a_model_is_known_by_its_dated_id_too_but_not_by_a_longer_name(
    store, new_run, new_batch, now
):
    names = ["claude-opus-4", "claude-opus-4-20250514", "claude-opus-4-5", "claude-opus-4-1"]
    with store.write() as tx:
        run_insert(tx, new_run("planned", cache=PLAN))
    batches = [new_batch(run="planned", ended_at=now) for _ in names]
    with store.write() as tx:
        ledger_append(tx, [booked(b, "planned", n) for b, n in zip(batches, names, strict=True)])

    with store.read() as tx:
        found = {use.model for use in cache_uses(tx, "claude-opus-4")}

    assert found == {"claude-opus-4", "claude-opus-4-20250514"}


def test_runs_without_a_plan_and_batches_that_have_not_ended_teach_nothing(
    store, new_run, new_batch, now
):
    with store.write() as tx:
        run_insert(tx, new_run("planned", cache=PLAN))
    batches = [new_batch(ended_at=now), new_batch(run="planned")]
    with store.write() as tx:
        ledger_append(tx, [booked(batches[0], "r1"), booked(batches[1], "planned")])

    with store.read() as tx:
        found = list(cache_uses(tx, HAIKU))

    assert found == []


def test_what_was_decided_for_runs_is_found_newest_first(store, new_run, now):
    with store.write() as tx:
        run_insert(tx, new_run("first", cache=PLAN, created_at=now))
        run_insert(tx, new_run("second", cache=PLAN, created_at=now + 5))
        run_insert(tx, new_run("off", cache="", created_at=now + 9))

    with store.read() as tx:
        found = list(past_plans(tx))

    assert found == [PastPlan(plan=PLAN, created_at=now + 5), PastPlan(plan=PLAN, created_at=now)]
