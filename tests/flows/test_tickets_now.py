"""Single requests that somebody waits for: asked sync, through the same inbox, ledger and books."""

from collections.abc import Callable
from typing import Any

import pytest

from backburner.client.single_requests import TicketOptions
from backburner.emulator.faults import DropAfter, Status
from backburner.emulator.settings import Limits
from backburner.errors import LaneStopped, NotAnswered

Ask = Callable[..., dict[str, Any]]
NOW = TicketOptions(urgency="now")


def test_two_hundred_calls_are_answered_at_once_without_a_batch(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    before = stage.clock.now()
    tickets = bb.submit_many([ask(f"Say: {n}") for n in range(200)], NOW)

    texts = [one.result()["content"][0]["text"] for one in tickets]

    assert texts == [str(n) for n in range(200)]
    assert stage.world.ledger() == []
    assert len(stage.world.messages()) == 200
    assert stage.clock.now() - before < 60
    assert bb.receipt(tickets[0].standing().run.id).paid.picodollars == stage.world.bill().calls
    assert bb.verify().differences == []


def test_a_call_does_not_wait_for_a_batch_that_is_on_its_way(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(turnaround=7200.0)
    bb = stage.open()
    bb.submit(ask("Say: later"), urgency="soon")
    bb.drain()

    assert bb.submit(ask("Say: now"), urgency="now").result()["content"][0]["text"] == "now"
    assert stage.world.ledger()[0].status == "in_progress"


def test_a_call_is_answered_while_the_batch_queue_is_full(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(turnaround=7200.0, limits=Limits(queued_requests=2))
    bb = stage.open()
    bb.submit_many([ask(f"Say: {n}") for n in range(4)], TicketOptions(urgency="soon"))
    bb.drain()

    answer = bb.submit(ask("Say: now"), urgency="now").result(timeout=60)

    assert answer["content"][0]["text"] == "now"


def test_a_call_that_failed_at_anthropic_is_made_again(stage: Any, ask: Ask) -> None:
    stage.world.script("messages", Status(500), times=1)

    ticket = stage.open().submit(ask("Say: a"), urgency="now")

    assert ticket.result()["content"][0]["text"] == "a"


def test_a_call_of_which_nobody_knows_the_answer_is_told_as_missing(stage: Any, ask: Ask) -> None:
    stage.world.script("messages", DropAfter(), times=1)
    ticket = stage.open().submit(ask("Say: a"), urgency="now")

    with pytest.raises(NotAnswered, match="no result of it can be had") as caught:
        ticket.result()

    assert caught.value.outcome == "missing"
    assert "retry" in ticket.status()


def test_a_refused_key_stops_whoever_waits_and_loses_nothing(stage: Any, ask: Ask) -> None:
    stage.world.script("messages", Status(401), times=1)
    bb = stage.open()
    ticket = bb.submit(ask("Say: a"), urgency="now")

    with pytest.raises(LaneStopped):
        ticket.result()

    bb.resume()
    assert ticket.result()["content"][0]["text"] == "a"
