"""When tickets leave the inbox: gathered, with the window, in time for a deadline, or at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backburner.client import Backburner
from backburner.errors import BudgetReached, InputError
from backburner.nouns.batch import BatchState, Via
from backburner.plan.lanes import ReleaseAll, ReleaseDue
from backburner.plan.sealing import GATHER
from backburner.store.batches import batches_where
from backburner.worker import Idle, Worker

Ask = Callable[..., dict[str, Any]]
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = """
[lanes.default]
zone = "Europe/Berlin"
[[lanes.default.windows]]
from = "23:00"
until = "06:00"
"""


@pytest.fixture
def night(stage: Any) -> Any:
    """A lane that is open from 23:00 to 06:00; it is 17:00."""
    stage.home.mkdir()
    (stage.home / "backburner.toml").write_text(NIGHT)
    go_to(stage, "17:00")
    return stage


def go_to(stage: Any, time: str) -> None:
    """Let time pass until a clock in Berlin shows this."""
    now = datetime.fromtimestamp(stage.clock.now(), BERLIN)
    hour, minute = map(int, time.split(":"))
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    stage.clock.sleep((then - now).total_seconds() % 86400)


def work(bb: Backburner, allowance: Any = ReleaseDue()) -> None:  # noqa: B008  # a frozen value
    """Do all that is due now, as a worker would."""
    worker = Worker(bb.tools, (bb.lane,))
    while not isinstance(worker.tick(allowance), Idle):
        pass


def batches(bb: Backburner) -> list[Any]:
    with bb.tools.store.read() as tx:
        return batches_where(tx, [bb.lane], tuple(BatchState))


def test_a_worker_lets_tickets_gather_into_one_batch(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    for n in range(3):
        bb.submit(ask(f"Say: {n}"), urgency="soon")
        stage.clock.sleep(3)
        work(bb)
    assert stage.sent() == []

    stage.clock.sleep(GATHER - 9)
    work(bb)

    assert [len(ids) for ids in stage.sent()] == [3]


def test_who_waits_for_a_ticket_does_not_wait_for_others_to_come(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    before = stage.clock.now()

    bb.submit(ask("Say: a"), urgency="soon").result()

    (batch,) = batches(bb)
    assert batch.sent_at - before < GATHER


def test_a_ticket_waits_in_the_inbox_until_the_window_opens(night: Any, ask: Ask) -> None:
    bb = night.open()
    ticket = bb.submit(ask("Say: a"))
    night.clock.sleep(3600)
    work(bb)
    assert ticket.status() == "in the inbox"
    (waiting,) = bb.status()[0].inbox
    assert datetime.fromtimestamp(waiting.due_at, BERLIN).strftime("%H:%M") == "23:00"

    go_to(night, "23:00")
    night.clock.sleep(GATHER)
    work(bb)

    assert len(night.sent()) == 1
    assert ticket.result()["content"][0]["text"] == "a"


def test_a_ticket_that_is_wanted_soon_waits_for_no_window(night: Any, ask: Ask) -> None:
    bb = night.open()
    bb.submit(ask("Say: a"), urgency="soon")
    bb.submit(ask("Say: b"))

    night.clock.sleep(GATHER)
    work(bb)

    assert [len(ids) for ids in night.sent()] == [1]


def test_a_window_that_nobody_saw_is_made_up_for(night: Any, ask: Ask) -> None:
    bb = night.open()
    ticket = bb.submit(ask("Say: a"))
    go_to(night, "09:00")

    night.clock.sleep(GATHER)
    work(bb)

    assert len(night.sent()) == 1
    assert ticket.status() == "with Anthropic"


def test_everything_leaves_the_inbox_where_nothing_is_to_wait(night: Any, ask: Ask) -> None:
    bb = night.open()
    for n in range(2):
        bb.submit(ask(f"Say: {n}"))

    work(bb, ReleaseAll())

    assert [len(ids) for ids in night.sent()] == [2]


def test_tickets_of_nearly_the_same_deadline_travel_together(night: Any, ask: Ask) -> None:
    bb = night.open()
    for minute in (0, 10, 40):
        bb.submit(ask(f"Say: {minute}"), by=f"21:{minute:02d}")
    go_to(night, "21:40")

    work(bb)

    runs = sorted((one.run.requests, one.run.deadline) for one in bb.status()[1])
    assert [requests for requests, _ in runs] == [1, 2]
    first = datetime.fromtimestamp(runs[1][1], BERLIN)
    assert first.strftime("%H:%M") == "21:00"


def test_a_ticket_with_a_deadline_leaves_in_time_for_it(night: Any, ask: Ask) -> None:
    bb = night.open()
    ticket = bb.submit(ask("Say: a"), within="5h")

    leaves = ticket.standing().seals_at

    assert night.clock.now() <= leaves < night.clock.now() + 5 * 3600


def test_a_ticket_that_is_wanted_now_is_sealed_at_once_to_be_asked_sync(
    night: Any, ask: Ask
) -> None:
    bb = night.open()
    bb.submit(ask("Say: a"), urgency="now")

    Worker(bb.tools, (bb.lane,)).tick(ReleaseDue())

    assert [(one.via, one.requests) for one in batches(bb)] == [(Via.DIRECT, 1)]


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"urgency": "later"}, "'later' is no urgency"),
        ({"urgency": "now", "by": "07:00"}, "a deadline says when to send"),
        ({"by": "07:00", "within": "6h"}, "two deadlines"),
        ({"rescue": "1.00"}, "a rescue needs a deadline"),
        ({"tags": ["two words"]}, "is no tag"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(
    night: Any, ask: Ask, terms: dict[str, Any], words: str
) -> None:
    bb = night.open()

    with pytest.raises(InputError, match=words):
        bb.submit(ask("Say: a"), **terms)


def test_a_ticket_whose_batch_stalls_is_rescued_before_its_deadline(
    make_stage: Any, ask: Ask
) -> None:
    stage = make_stage(turnaround=20 * 3600.0)
    bb = stage.open()
    deadline = stage.clock.now() + 3600
    ticket = bb.submit(ask("Say: a"), within="1h", rescue="1.00")

    assert ticket.result()["content"][0]["text"] == "a"
    assert stage.clock.now() <= deadline
    assert len(stage.sent()) == 1
    assert len(stage.world.messages()) == 1


def test_who_waits_for_a_ticket_without_a_budget_is_told(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    bb.set_budget("tag:x", "0.000001")
    ticket = bb.submit(ask("Say: a"), urgency="soon", tags=["x"])

    with pytest.raises(BudgetReached) as caught:
        ticket.result()

    assert "tag:x" in caught.value.hint
    assert ticket.status() == "waiting for a budget"
    bb.set_budget("tag:x", "1.00")
    assert ticket.result()["content"][0]["text"] == "a"


def test_a_pass_that_only_collects_takes_no_time_from_a_worker(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    bb.submit(ask("Say: a"), urgency="soon")
    stage.clock.sleep(GATHER)

    bb.drain(collect_only=True)
    assert stage.sent() == []
    work(bb)

    assert [len(ids) for ids in stage.sent()] == [1]
