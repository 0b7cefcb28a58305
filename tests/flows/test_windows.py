"""Windows in whole lives: what waits, what goes, what was missed, and two who come at once."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from backburner.errors import ConfigError, LanePinned
from backburner.nouns.batch import BatchState
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.lanes import ReleaseDue
from backburner.store.batches import batches_where
from backburner.telemetry import BatchSent, WindowMissed
from backburner.worker import Worker

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = 'windows = [{ from = "23:00", until = "06:00" }]\nzone = "Europe/Berlin"\n'
HOUR = 3600.0
NAP = 1800.0


def ask(text: str) -> dict[str, object]:
    message = {"role": "user", "content": text}
    return {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [message]}


def night(stage, more: str = "", until: str = "06:00") -> None:
    stage.home.mkdir(exist_ok=True)
    text = f"[lanes.default]\n{NIGHT}{more}".replace("06:00", until)
    (stage.home / "backburner.toml").write_text(text)


def go_to(stage, text: str) -> None:
    """Let time pass until a local time in Berlin."""
    at = datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()
    stage.clock.sleep(at - stage.clock.now())


def sent(stage) -> list[BatchSent]:
    return [one for one in stage.events if isinstance(one, BatchSent)]


def hours_of_sending(stage) -> list[str]:
    times = [batch.created_at for batch in stage.world.ledger()]
    return [f"{datetime.fromtimestamp(at, BERLIN):%a %H:%M}" for at in times]


def test_outside_its_window_a_lane_sends_nothing_until_it_is_told_to(stage):
    night(stage)
    bb = stage.open()
    stage.run_of(bb, stage.table(3))
    go_to(stage, "2026-09-21T17:00")

    bb.drain()
    lane, [run] = bb.status()

    assert sent(stage) == []
    assert run.words == "waiting for window, opens 23:00"
    assert lane.window is not None
    assert (lane.window.waiting, lane.window.missed) == (3, None)
    assert lane.window.in_words() == "every day 23:00-06:00 Europe/Berlin, opens 23:00"
    bb.drain(now=True)
    assert [one.requests for one in sent(stage)] == [3]


def test_in_its_window_a_lane_sends_and_collects_later(stage):
    night(stage)
    bb = stage.open()
    stage.run_of(bb, stage.table(3))

    go_to(stage, "2026-09-21T23:00")
    bb.drain()
    go_to(stage, "2026-09-22T07:00")
    drained = bb.drain()

    assert hours_of_sending(stage) == ["Mon 23:00"]
    assert [one.receipt.outcomes["ok"] for one in drained.finished] == [3]


def test_who_waits_does_not_wait_for_a_window(stage):
    night(stage)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    go_to(stage, "2026-09-21T17:00")

    bb.run(run.id)

    assert hours_of_sending(stage) == ["Mon 17:00"]


def test_what_is_wanted_soon_does_not_wait_for_a_window(stage):
    night(stage)
    bb = stage.open()
    stage.run_of(bb, stage.table(3), timing=Timing(urgency=Urgency.SOON))
    stage.run_of(bb, stage.table(4, "other.csv"), "other.out.csv")
    go_to(stage, "2026-09-21T17:00")

    bb.drain()

    assert [one.requests for one in sent(stage)] == [3]


@pytest.mark.parametrize(
    ("evening", "until"),
    [("2027-03-27", "2027-03-28"), ("2027-10-30", "2027-10-31"), ("2028-02-29", "2028-03-01")],
)
def test_a_worker_sends_when_the_window_opens_also_on_odd_nights(stage, evening: str, until: str):
    night(stage)
    go_to(stage, f"{evening}T20:00")
    bb = stage.open()
    stage.run_of(bb, stage.table(3))
    end = datetime.fromisoformat(f"{until}T07:00").replace(tzinfo=BERLIN).timestamp()

    bb.work(until=end, nap=NAP)

    day = datetime.fromisoformat(evening)
    assert hours_of_sending(stage) == [f"{day:%a} 23:00"]
    assert len(stage.rows()) == 3


def test_a_worker_that_was_stopped_for_a_day_makes_up_for_the_window(stage):
    night(stage)
    bb = stage.open()
    stage.run_of(bb, stage.table(3))
    go_to(stage, "2026-09-22T17:00")

    bb.work(until=stage.clock.now() + HOUR, nap=NAP)

    missed = [one for one in stage.events if isinstance(one, WindowMissed)]
    assert [(one.batches, one.requests) for one in missed] == [(1, 3)]
    assert hours_of_sending(stage) == ["Tue 17:00"]
    assert len(stage.rows()) == 3


def test_tickets_whose_window_was_missed_go_at_once_and_others_wait(stage):
    night(stage)
    bb = stage.open()
    ticket = bb.submit(ask("Say: it"))
    go_to(stage, "2026-09-22T17:00")
    later = bb.submit(ask("Say: more"))

    bb.work(until=stage.clock.now() + HOUR, nap=NAP)

    assert [one.requests for one in stage.events if isinstance(one, WindowMissed)] == [1]
    assert hours_of_sending(stage) == ["Tue 17:00"]
    assert (ticket.done, later.done) == (True, False)


def test_what_came_after_a_missed_window_waits_for_the_next(stage):
    night(stage)
    bb = stage.open()
    go_to(stage, "2026-09-22T09:00")
    stage.run_of(bb, stage.table(3))

    bb.work(until=stage.clock.now() + HOUR, nap=NAP)

    assert sent(stage) == []


def test_a_single_pass_says_that_a_window_was_missed_and_sends_nothing(stage):
    night(stage)
    bb = stage.open()
    stage.run_of(bb, stage.table(3))
    go_to(stage, "2026-09-22T09:00")

    bb.drain()
    window = bb.status()[0].window

    assert sent(stage) == []
    assert window is not None
    assert window.missed_in_words() == "Mon 23:00 to 06:00"


def test_what_no_open_window_could_take_is_not_missed(make_stage):
    stage = make_stage(turnaround=900.0)
    night(stage, more="queue_limit = 2\n", until="23:10")
    bb = stage.open(requests=2)
    go_to(stage, "2026-09-21T22:00")
    stage.run_of(bb, stage.table(4))

    bb.work(until=stage.clock.now() + 20 * HOUR, nap=NAP)

    assert hours_of_sending(stage) == ["Mon 23:00"]
    bb.work(until=stage.clock.now() + 24 * HOUR, nap=NAP)
    assert hours_of_sending(stage) == ["Mon 23:00", "Tue 23:00"]


def test_two_drainers_at_the_opening_send_everything_once(stage):
    night(stage)
    one, other = stage.open(requests=1), stage.open(requests=1)
    stage.run_of(one, stage.table(6))
    go_to(stage, "2026-09-21T23:00")
    first, second = (Worker(bb.tools, ("default",)) for bb in (one, other))

    for _ in range(20):
        first.tick(ReleaseDue())
        second.tick(ReleaseDue())

    assert len(sent(stage)) == 6
    texts = [name for names in stage.sent() for name in names]
    assert len(texts) == len(set(texts)) == 6


def test_no_more_than_the_queue_limit_is_with_anthropic_at_once(make_stage):
    stage = make_stage(turnaround=10 * 60.0)
    stage.home.mkdir()
    (stage.home / "backburner.toml").write_text("[lanes.default]\nqueue_limit = 5\n")
    bb = stage.open(requests=2)
    stage.run_of(bb, stage.table(11))
    most = 0

    def stop() -> bool:
        nonlocal most
        with bb.tools.store.read() as tx:
            away = batches_where(tx, ["default"], [BatchState.SENT])
        most = max(most, sum(one.requests for one in away))
        return False

    bb.work(stop=stop, until=stage.clock.now() + 2 * HOUR, nap=NAP)

    assert most == 5
    assert len(stage.rows()) == 11


def test_in_one_pass_a_long_lane_delays_no_short_one(stage):
    long, short = stage.open(requests=1, lane="long"), stage.open(lane="short")
    stage.run_of(long, stage.table(8, "long.csv"), "long.out.csv")
    stage.clock.sleep(1.0)
    run = stage.run_of(short, stage.table(2, "short.csv"), "short.out.csv")

    long.drain(all_lanes=True)

    runs = [one.run for one in sent(stage)]
    assert len(runs) == 9
    assert runs.index(run.id) <= 1


def test_one_pass_can_serve_all_lanes_and_names_those_it_cannot(stage):
    stage.home.mkdir()
    other = '[lanes.elsewhere]\nbase_url = "http://127.0.0.1:9"\n'
    (stage.home / "backburner.toml").write_text(other)
    for lane in ("a", "b"):
        stage.run_of(stage.open(lane=lane), stage.table(2, f"{lane}.csv"), f"{lane}.out.csv")
    bb = stage.open()
    with bb.tools.store.write() as tx:
        tx.exec_driver_sql("UPDATE lane SET base_url = 'http://127.0.0.1:9' WHERE name = 'b'")

    drained = bb.drain(all_lanes=True)

    assert len(sent(stage)) == 1
    assert list(drained.passed_over) == ["b"]
    assert "pinned to http://127.0.0.1:9" in drained.passed_over["b"]


def test_a_lanes_budget_is_the_one_of_the_file(stage):
    stage.home.mkdir()
    file = stage.home / "backburner.toml"
    file.write_text('[lanes.default]\nbudget = "2.50"\n')
    first = [one.budget for one in stage.open().budgets()]
    file.write_text('[lanes.default]\nbudget = "3"\n')

    [second] = [one.budget for one in stage.open().budgets()]

    assert [(one.scope, one.amount) for one in first] == [("lane:default", 25 * 10**11)]
    assert second.amount == 3 * 10**12


def test_a_lanes_budget_that_the_file_names_is_changed_there_alone(stage):
    stage.home.mkdir()
    file = stage.home / "backburner.toml"
    file.write_text('[lanes.default]\nbudget = "2.50"\n\n[lanes.other]\nzone = "UTC"\n')
    bb = stage.open()

    with pytest.raises(ConfigError, match=r"backburner\.toml: lanes\.default\.budget") as raised:
        bb.set_budget("lane:default", "9")
    with pytest.raises(ConfigError, match=r"lanes\.default\.budget"):
        bb.remove_budget("lane:default")

    bb.set_budget("lane:other", "9")
    found = {one.budget.scope: one.budget.amount for one in stage.open().budgets()}
    assert "change it there" in raised.value.hint
    assert found == {"lane:default": 25 * 10**11, "lane:other": 9 * 10**12}


def test_a_budget_that_is_no_longer_in_the_file_is_free(stage):
    stage.home.mkdir()
    file = stage.home / "backburner.toml"
    file.write_text('[lanes.default]\nbudget = "2.50"\n')
    stage.open()
    file.write_text("")
    bb = stage.open()

    changed = bb.set_budget("lane:default", "9")
    bb.remove_budget("lane:default")

    assert changed.amount == 9 * 10**12
    assert bb.budgets() == []


def test_a_key_of_another_workspace_than_the_files_is_refused(stage):
    stage.home.mkdir()
    (stage.home / "backburner.toml").write_text('[lanes.default]\nworkspace = "wrkspc_other"\n')
    bb = stage.open()
    stage.run_of(bb, stage.table(2))

    with pytest.raises(LanePinned, match="belongs to workspace wrkspc_other"):
        bb.drain()

    assert sent(stage) == []


@pytest.mark.parametrize(("zone", "day"), [("Europe/Berlin", "21"), ("Asia/Tokyo", "22")])
def test_a_day_begins_at_midnight_in_the_zone_of_the_file(stage, zone: str, day: str):
    stage.home.mkdir()
    (stage.home / "backburner.toml").write_text(f'zone = "{zone}"\n')
    go_to(stage, "2026-09-21T23:00")
    bb = stage.open()
    stage.run_of(bb, stage.table(2))

    bb.drain()
    stage.clock.sleep(120.0)
    bb.drain()

    [row] = bb.savings("day").groups
    assert row.key == f"2026-09-{day}"
