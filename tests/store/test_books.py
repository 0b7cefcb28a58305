"""Runs, exceptions, objects and the ledger."""

import pytest

from backburner.errors import NotFound, StoreUnusable
from backburner.nouns.batch import BatchState
from backburner.nouns.outcome import ExceptionRow, ExceptionState, Outcome
from backburner.store.exceptions import (
    batches_shared,
    exceptions_counted,
    exceptions_due,
    exceptions_end_unsent,
    exceptions_end_waiting,
    exceptions_in_state,
    exceptions_next_due,
    exceptions_of_batch,
    exceptions_put,
    exceptions_send_off,
    exceptions_travelling,
)
from backburner.store.ledger import LedgerRow, ledger_append, ledger_of_run
from backburner.store.objects import object_bury, objects_register
from backburner.store.runs import (
    run_by_identity,
    run_by_name,
    run_by_output,
    run_get,
    run_insert,
    run_update,
    runs_all,
)

HUGE = 2**63 - 1


def unchanged(rows):
    """Exceptions that travel again as they were."""
    return [(row, None) for row in rows]


def booked(batch, paid, model="m", run="r1"):
    tokens = dict.fromkeys(
        (
            "requests",
            "input_tokens",
            "output_tokens",
            "cache_write_5m_tokens",
            "cache_write_1h_tokens",
            "cache_read_tokens",
        ),
        HUGE,
    )
    return LedgerRow(
        batch=batch,
        upstream_id=f"msgbatch_{batch}",
        run=run,
        model=model,
        day="2026-11-22",
        paid=paid,
        sync_price=paid,
        uncached_price=paid,
        price_date="2026-11-22",
        **tokens,
    )


def waiting(batch, position, due_at, **changes):
    values = {
        "batch": batch,
        "position": position,
        "state": ExceptionState.WAITING,
        "outcome": Outcome.SERVER_ERROR,
        "attempts": 1,
        "due_at": due_at,
        "last_batch": batch,
        "last_position": position,
        **changes,
    }
    return ExceptionRow(**values)


@pytest.fixture
def put(store):
    def add(*rows):
        with store.write() as tx:
            exceptions_put(tx, rows)

    return add


def test_sums_beyond_64_bits_are_made_in_python(store, new_batch):
    batches = [new_batch(), new_batch()]
    with store.write() as tx:
        ledger_append(tx, [booked(batch, HUGE) for batch in batches])

    with store.read() as tx:
        rows = ledger_of_run(tx, "r1")
    assert sum(row.paid for row in rows) == 2 * HUGE
    assert sum(row.input_tokens for row in rows) == 2 * HUGE


def test_a_batch_is_booked_once(store, new_batch):
    row = booked(new_batch(), 5)
    with store.write() as tx:
        ledger_append(tx, [row])

    with pytest.raises(StoreUnusable, match="UNIQUE"), store.write() as tx:
        ledger_append(tx, [row])
    with store.read() as tx:
        assert ledger_of_run(tx, "r1") == [row]


def test_an_unknown_price_is_not_zero(store, new_batch):
    row = booked(new_batch(), None)
    with store.write() as tx:
        ledger_append(tx, [row])

    with store.read() as tx:
        assert ledger_of_run(tx, "r1")[0].paid is None


def test_an_object_is_live_or_buried_and_whoever_comes_second_fails(store):
    with store.write() as tx:
        objects_register(tx, ["a", "b"])
    with store.write() as tx:
        assert not object_bury(tx, "a")
        assert object_bury(tx, "c")
        assert object_bury(tx, "c")

    with pytest.raises(StoreUnusable), store.write() as tx:
        objects_register(tx, ["c"])


def test_due_exceptions_come_grouped_by_betas_and_place(store, new_batch, put, now):
    plain, beta = new_batch(), new_batch(betas="b")
    put(
        waiting(beta, 1, now),
        waiting(plain, 2, now - 5),
        waiting(plain, 0, now),
        waiting(plain, 1, now + 9),
    )

    with store.read() as tx:
        found = [(row.batch, row.position) for row in exceptions_due(tx, "default", now, 10)]
        assert found == [(plain, 0), (plain, 2), (beta, 1)]
        assert len(exceptions_due(tx, "default", now, 2)) == 2
        assert exceptions_due(tx, "other", now, 9) == []
        assert exceptions_next_due(tx, "default") == now - 5


def test_an_exception_travels_and_comes_home(store, new_batch, put, now):
    first, carrier = new_batch(), new_batch(run=None)
    rows = [waiting(first, position, now) for position in (0, 2)]
    put(*rows)
    with store.write() as tx:
        exceptions_send_off(tx, unchanged(rows), carrier)

    with store.read() as tx:
        travelling = exceptions_travelling(tx, carrier)
        assert exceptions_next_due(tx, "default") is None
    assert {at: row.position for at, row in travelling.items()} == {0: 0, 1: 2}

    put(waiting(first, 2, 0.0, state=ExceptionState.FINAL, outcome=Outcome.OK, attempts=2))
    with store.read() as tx:
        states = {row.position: row.state for row in exceptions_of_batch(tx, first)}
        counted = exceptions_counted(tx, "r1")
    assert states == {0: "travelling", 2: "final"}
    assert sorted(counted) == [("final", "ok", False, 1), ("travelling", "server_error", False, 1)]


def test_waiting_exceptions_of_a_canceled_run_end(store, new_batch, put, now):
    first = new_batch()
    put(waiting(first, 0, now), waiting(first, 1, now, state=ExceptionState.TRAVELLING))

    with store.write() as tx:
        assert exceptions_end_waiting(tx, "r1") == 1
        assert exceptions_counted(tx, "r1") != []


def test_exceptions_end_with_a_batch_that_never_travelled(store, new_batch, put, now):
    first, carrier = new_batch(), new_batch(run=None)
    rows = [waiting(first, 0, now)]
    put(*rows)
    with store.write() as tx:
        exceptions_send_off(tx, unchanged(rows), carrier)
        assert exceptions_end_unsent(tx, carrier) == 1
        assert exceptions_counted(tx, "r1") == [("final", "canceled", False, 1)]


def test_it_is_known_which_exceptions_are_in_doubt(store, new_batch, put, now):
    first, carrier = new_batch(), new_batch(run=None, state=BatchState.UNKNOWN)
    rows = [waiting(first, 0, now), waiting(first, 1, now)]
    put(*rows)
    with store.write() as tx:
        exceptions_send_off(tx, unchanged(rows[:1]), carrier)
        assert exceptions_in_state(tx, "r1", [BatchState.UNKNOWN]) == 1
        assert exceptions_in_state(tx, "r1", [BatchState.SENT]) == 0


def test_a_batch_of_retries_is_shared_when_others_travel_in_it(store, new_batch, new_run, put, now):
    with store.write() as tx:
        run_insert(tx, new_run("r2"))
    mine, theirs = new_batch(), new_batch(run="r2")
    alone, shared = new_batch(run=None), new_batch(run=None)
    rows = [waiting(mine, 0, now), waiting(mine, 1, now), waiting(theirs, 0, now)]
    put(*rows)
    with store.write() as tx:
        exceptions_send_off(tx, unchanged(rows[:1]), alone)
        exceptions_send_off(tx, unchanged(rows[1:]), shared)

    with store.read() as tx:
        assert batches_shared(tx, "r1") == {alone: False, shared: True}


def test_the_newest_run_that_asks_the_same_is_found_unless_canceled(store, new_run, now):
    with store.write() as tx:
        run_insert(tx, new_run("r2", identity="same", created_at=now))
        run_insert(tx, new_run("r3", identity="same", created_at=now + 5, output="/o"))
        assert run_by_identity(tx, "same").id == "r3"
        run_update(tx, "r3", cancel_asked_at=now)
        assert run_by_identity(tx, "same").id == "r2"
        assert run_by_identity(tx, "other") is None
        assert run_by_output(tx, "/o").id == "r3"
        assert run_by_name(tx, "default", "in.csv").id == "r3"
        assert [run.id for run in runs_all(tx)] == ["r1", "r2", "r3"]


def test_a_run_comes_back_as_it_was(store, new_run):
    run = new_run("r9", parts={"input": "x"}, output="/a b")
    with store.write() as tx:
        run_insert(tx, run)
        assert run_get(tx, "r9") == run
        with pytest.raises(NotFound, match="r0"):
            run_get(tx, "r0")
