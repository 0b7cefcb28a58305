"""Single requests: submitted, sealed, sent in a batch, answered."""

from collections.abc import Callable
from typing import Any

Ask = Callable[..., dict[str, Any]]


def test_a_ticket_is_answered_by_a_batch(stage: Any, ask: Ask) -> None:
    bb = stage.open()

    ticket = bb.submit(ask("Say: yes"), urgency="soon")

    assert ticket.status() == "in the inbox"
    assert ticket.result()["content"][0]["text"] == "yes"
    assert ticket.status() == "ok"
    assert len(stage.sent()) == 1


def test_tickets_that_wait_together_travel_in_one_batch(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    tickets = [bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(5)]

    texts = [one.result()["content"][0]["text"] for one in tickets]

    assert texts == ["0", "1", "2", "3", "4"]
    assert [len(ids) for ids in stage.sent()] == [5]
