"""What is measured of a store is exact, however much there is."""

from backburner.nouns.budget import MOST
from backburner.store.ledger import LedgerRow, ledger_append
from backburner.store.measures import paid_by_lane


def a_booking(batch, paid):
    counts = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    return LedgerRow(
        batch=batch,
        upstream_id=f"u{batch}",
        run="r1",
        model="m",
        day="2026-11-22",
        requests=1,
        paid=paid,
        sync_price=paid,
        uncached_price=paid,
        price_date="2026-11-22",
        **{f"{kind}_tokens": 1 for kind in counts},
    )


def test_what_a_lane_has_paid_is_the_sum_of_its_bookings(store, new_batch):
    amounts = [1_700_000, 1_700_000, 999_999, 1, MOST, MOST]
    batches = [new_batch(first_request=3 * number) for number in range(len(amounts))]

    with store.write() as tx:
        ledger_append(tx, [a_booking(*pair) for pair in zip(batches, amounts, strict=True)])

    with store.read() as tx:
        assert paid_by_lane(tx) == {"default": sum(amounts)}
