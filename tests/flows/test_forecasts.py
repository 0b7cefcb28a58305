"""What is noted of turnarounds, and how a deadline shapes batches."""

import pytest

from backburner.store.batches import batches_of_run
from backburner.store.turnarounds import forecasts_of, trips_of
from backburner.worker.forecasting import curve_of


def batches(opened, run):
    with opened.tools.store.read() as tx:
        return batches_of_run(tx, run.id)


def trips(opened):
    with opened.tools.store.read() as tx:
        return trips_of(tx, opened.lane, opened.tools.clock.now())


def requests(ask, count=3):
    return [{"custom_id": f"r{n}", "params": ask(f"Say: {n}")} for n in range(count)]


def test_a_sent_batch_has_a_forecast_and_later_its_turnaround(stage, ask):
    opened = stage.open()
    run = opened.enqueue(requests(ask))
    opened.drain()

    [sent] = batches(opened, run)
    stage.clock.sleep(4000)
    opened.drain()
    [back] = batches(opened, run)

    assert sent.forecast_median == pytest.approx(sent.sent_at + 420, abs=5)
    assert sent.forecast_late == pytest.approx(sent.sent_at + 6660, rel=1e-4)
    # It took 20 seconds, although we looked an hour later.
    assert back.turnaround == pytest.approx(20, abs=1)
    assert back.ended_at > back.sent_at + 3600


def test_history_is_what_batches_took_and_not_when_we_looked(stage, ask):
    opened = stage.open()
    opened.enqueue(requests(ask))
    opened.drain()
    stage.clock.sleep(4000)
    running = trips(opened)
    opened.drain()

    assert [(one.has_ended, one.seconds >= 4000) for one in running] == [(False, True)]
    assert [(one.has_ended, round(one.seconds)) for one in trips(opened)] == [(True, 20)]


def test_a_canceled_batch_was_watched_until_its_cancel(make_stage, ask):
    stage = make_stage(turnaround=5000.0)
    opened = stage.open()
    run = opened.enqueue(requests(ask))
    opened.drain()
    stage.clock.sleep(100)
    opened.cancel(run.id)
    opened.drain()
    stage.clock.sleep(4000)
    opened.drain()

    [trip] = trips(opened)

    assert opened.is_finished(run.id)
    assert not trip.has_ended
    assert trip.seconds == pytest.approx(100, abs=5)


def test_forecasts_follow_the_history(stage, ask):
    opened = stage.open()
    for _ in range(12):
        opened.enqueue(requests(ask, 1), new=True)
        opened.drain()
        stage.clock.sleep(60)
        opened.drain()

    with opened.tools.store.read() as tx:
        newest, *_, oldest = forecasts_of(tx, opened.lane)

    assert newest.median - newest.sent_at < 60
    assert oldest.median - oldest.sent_at > 400
    assert newest.ended_at == pytest.approx(newest.sent_at + 20, abs=2)


def test_another_upstreams_batches_are_no_history(stage, ask):
    opened = stage.open()
    opened.enqueue(requests(ask))
    opened.drain()
    stage.clock.sleep(60)
    opened.drain()

    elsewhere = curve_of(opened.tools, "unknown", model="", requests=1, at=stage.clock.now())

    assert elsewhere.is_prior


def test_a_run_with_a_deadline_travels_in_smaller_batches(stage, ask):
    opened = stage.open()
    many = requests(ask, 4_500)

    free = opened.enqueue(many)
    promised = opened.enqueue(many, within="20m", new=True)

    assert [one.requests > 4_400 for one in batches(opened, free)] == [True]
    assert [one.requests <= 2_000 for one in batches(opened, promised)] == [True] * 3
    assert {one.deadline for one in batches(opened, promised)} == {stage.clock.now() + 1200}


def test_a_deadline_does_not_change_what_a_run_is(stage):
    opened = stage.open()
    table = stage.table(3)

    first = stage.run_of(opened, table)
    again = stage.run_of(opened, table, timing=opened.intake.timing(within="6h"))

    assert again.id == first.id
    assert opened.get(first.id).deadline == stage.clock.now() + 6 * 3600
