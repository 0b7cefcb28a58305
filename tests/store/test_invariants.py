"""A store that contradicts itself is found at its start, by the rule that it breaks."""

import pytest
from sqlalchemy import text

from backburner.errors import StoreDamaged
from backburner.nouns.batch import BatchState
from backburner.nouns.outcome import ExceptionRow, ExceptionState, Outcome
from backburner.store import Store
from backburner.store.batches import batch_insert
from backburner.store.claimed_batches import batch_claim
from backburner.store.exceptions import exceptions_put
from backburner.store.invariants import RULES, breaches, check_invariants
from backburner.store.lanes import lane_claim
from backburner.store.ledger import LedgerRow, ledger_append

COLLECTED = {"state": BatchState.DONE, "upstream_id": "u", "outcomes": b"x"}


@pytest.fixture
def found(store):
    """The breaches, in words."""

    def look():
        with store.read() as tx:
            return [str(breach) for breach in breaches(tx)]

    return look


@pytest.fixture
def tell(store):
    """Changes the store behind everybody's back."""

    def execute(sql):
        with store.write() as tx:
            tx.execute(text(sql))

    return execute


def an_exception(batch, position, last, **changes):
    values = {
        "state": ExceptionState.WAITING,
        "outcome": Outcome.EXPIRED,
        "attempts": 1,
        "due_at": 0.0,
        **changes,
    }
    row = ExceptionRow(batch=batch, position=position, last_batch=last, last_position=0, **values)
    return [row]


def a_booking(batch, **changes):
    counts = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    values = {
        "batch": batch,
        "upstream_id": "u",
        "run": "r1",
        "model": "m",
        "day": "2026-11-22",
        "requests": 1,
        "paid": 1,
        "sync_price": 1,
        "uncached_price": 1,
        "price_date": "2026-11-22",
        **{f"{kind}_tokens": 1 for kind in counts},
        **changes,
    }
    return LedgerRow(**values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"state": BatchState.HELD, "hold": "person"},
        {"state": BatchState.RELEASED},
        {"state": BatchState.ARMED, "armed_at": 1.0},
        {"state": BatchState.UNKNOWN, "armed_at": 1.0},
        {"state": BatchState.SENT, "upstream_id": "u"},
        {"state": BatchState.ENDED, "upstream_id": "u"},
        COLLECTED,
        {"state": BatchState.DONE, "outcomes": b"x"},
    ],
)
def test_a_sound_batch_breaks_no_rule(new_batch, found, values):
    new_batch(**values)

    assert found() == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"state": "dreaming"}, "a state and a way to travel that this version knows"),
        ({"via": "pigeon"}, "a state and a way to travel that this version knows"),
        ({"state": BatchState.SENT}, "the id that the upstream gave it"),
        ({"state": BatchState.ENDED}, "the id that the upstream gave it"),
        ({"state": BatchState.RELEASED, "upstream_id": "u"}, "no id of the upstream"),
        ({"state": BatchState.ARMED}, "knows when it was armed"),
        ({"state": BatchState.UNKNOWN}, "knows when it was armed"),
        ({"state": BatchState.DONE, "upstream_id": "u"}, "its outcomes, since it is done"),
        ({"outcomes": b"x"}, "no outcomes, since it was not collected"),
        ({"lease_until": 5.0}, "is leased to somebody"),
        ({"first_request": 1}, "begins where the run's batch before it ends"),
    ],
)
def test_a_batch_that_breaks_a_rule_is_named_with_it(new_batch, found, values, told):
    batch = new_batch(**values)

    (words,) = found()
    assert words.startswith(f"batch {batch} breaks the rule: it ")
    assert told in words


@pytest.mark.parametrize("sizes", [(), (2,), (3, 1)])
def test_a_run_whose_batches_do_not_hold_its_requests_is_named(store, found, sizes):
    with store.write() as tx:
        for number, size in enumerate(sizes):
            values = {"nonce": f"n{number}", "requests": size, "first_request": 3 * number}
            batch_insert(tx, _batch_values(values))

    assert found() == [
        "run r1 breaks the rule: it has batches for all of its requests, and for no more"
    ]


def _batch_values(values):
    fixed = {"lane": "default", "run": "r1", "betas": "", "body_bytes": 1, "segment": "s"}
    return {**fixed, "due_at": 0.0, "created_at": 0.0, **values}


def test_batches_of_a_run_that_overlap_are_named(store, found):
    with store.write() as tx:
        for number, (first, size) in enumerate([(0, 2), (1, 1)]):
            values = {"nonce": f"n{number}", "requests": size, "first_request": first}
            batch_insert(tx, _batch_values(values))

    assert found() == [
        "batch 2 breaks the rule: it begins where the run's batch before it ends",
    ]


@pytest.mark.parametrize("position", [3, -1])
def test_an_exception_beyond_its_batch_is_found(store, new_batch, found, position):
    batch = new_batch(**COLLECTED)
    with store.write() as tx:
        exceptions_put(tx, an_exception(batch, position, batch))

    (words,) = found()
    assert words.startswith(f"batch {batch} breaks the rule: it has exceptions for requests")


@pytest.mark.parametrize(("state", "count"), [(BatchState.SEALED, 0), (BatchState.DONE, 1)])
def test_a_request_that_travels_in_a_batch_that_is_over_is_found(
    store, new_batch, found, state, count
):
    first = new_batch(**COLLECTED)
    changes = {"outcomes": b"x"} if state is BatchState.DONE else {}
    carrier = new_batch(run=None, origins="o", state=state, **changes)
    with store.write() as tx:
        row = an_exception(first, 0, carrier, state=ExceptionState.TRAVELLING)
        exceptions_put(tx, row)

    assert len(found()) == count


def test_a_request_that_travels_in_no_batch_is_found(store, new_batch, found):
    first = new_batch(**COLLECTED)
    with store.write() as tx:
        exceptions_put(tx, an_exception(first, 0, 99, state=ExceptionState.TRAVELLING))

    assert len(found()) == 1
    assert found()[0].startswith("batch 99 ")


def test_money_for_a_batch_that_was_not_collected_is_found(store, new_batch, found):
    batch = new_batch(state=BatchState.SENT, upstream_id="u")
    with store.write() as tx:
        ledger_append(tx, [a_booking(batch)])

    (words,) = found()
    assert "is booked in the ledger" in words


def test_money_for_a_second_batch_upstream_is_no_breach(store, new_batch, found):
    batch = new_batch(state=BatchState.SENT, upstream_id="u")
    with store.write() as tx:
        ledger_append(tx, [a_booking(batch, upstream_id="another")])

    assert found() == []


def test_leases_in_force_break_no_rule(store, new_batch, found, now):
    new_batch(state=BatchState.RELEASED)
    with store.write() as tx:
        assert batch_claim(tx, ("default",), owner="me", now=now, ttl=9.0) is not None
        assert lane_claim(tx, ("default",), owner="me", now=now, ttl=9.0) is not None

    assert found() == []


def test_a_lane_that_is_leased_to_nobody_is_found(new_batch, tell, found):
    new_batch()
    tell("UPDATE lane SET lease_until = 5.0")

    assert found() == ["lane default breaks the rule: it is leased to somebody"]


@pytest.mark.usefixtures("store")
def test_the_first_breach_is_told_and_the_others_counted(new_batch, open_store):
    new_batch(state=BatchState.SENT)
    new_batch(state=BatchState.ARMED, first_request=3)

    with pytest.raises(StoreDamaged, match=r"batch 1 breaks .* \(and 2 more\)") as raised:
        check_invariants(open_store())
    assert "backburner verify" in raised.value.hint


def test_every_rule_has_words_of_its_own():
    assert len({rule.words for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("at", [0, 100, 4096])
def test_a_damaged_file_is_told_in_a_plain_sentence(store, new_batch, tmp_path, at):
    for first in range(0, 600, 3):
        new_batch(first_request=first)
    store.close()
    path = tmp_path / "backburner.db"
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * (path.stat().st_size - at))

    with pytest.raises(StoreDamaged, match=r"backburner\.db is damaged: ") as raised:
        check_invariants(Store(tmp_path))
    assert "restore the home from a backup" in raised.value.hint
