"""Sealing while others are at work: a ticket is sealed once, or stays where it was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from backburner.nouns.ticket import InboxSlice
from backburner.plan.lanes import ReleaseAll
from backburner.store.runs import runs_all
from backburner.worker import Idle, Tools, Worker
from backburner.worker.tools import StagedSlice

Ask = Callable[..., dict[str, Any]]


def work(tools: Tools) -> None:
    """Do all that is due."""
    worker = Worker(tools, ("default",))
    while not isinstance(worker.tick(ReleaseAll()), Idle):
        pass


def meanwhile(tools: Tools, happens: Callable[[], object]) -> Tools:
    """The same tools, with which something happens once between staging and its commit."""
    left = [happens]

    def stage(taken: InboxSlice) -> StagedSlice:
        staged = tools.stage(taken)
        if left:
            left.pop()()
        return staged

    return replace(tools, stage=stage)


def test_a_ticket_that_is_canceled_while_it_is_staged_does_not_travel(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    tickets = [bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(3)]

    work(meanwhile(bb.tools, tickets[1].cancel))

    assert [len(ids) for ids in stage.sent()] == [2]
    assert [one.result()["content"][0]["text"] for one in (tickets[0], tickets[2])] == ["0", "2"]
    assert tickets[1].status() == "canceled"


def test_who_lost_the_lane_while_staging_seals_nothing(stage: Any, ask: Ask) -> None:
    slow, other = stage.open(), stage.open()
    ticket = slow.submit(ask("Say: a"), urgency="soon")

    def taken_over() -> None:
        stage.clock.sleep(slow.tools.terms.ttl + 1)
        work(other.tools)

    work(meanwhile(slow.tools, taken_over))

    with slow.tools.store.read() as tx:
        (run,) = runs_all(tx)
    assert run.requests == 1
    assert len(stage.sent()) == 1
    assert ticket.result()["content"][0]["text"] == "a"
    left = [name for name, _ in slow.tools.vault.names() if name.startswith("runs/")]
    assert all(name.startswith(f"runs/{run.id}/") for name in left)


def test_a_ticket_submitted_while_others_are_staged_waits_for_the_next_slice(
    stage: Any, ask: Ask
) -> None:
    bb = stage.open()
    bb.submit(ask("Say: a"), urgency="soon")

    work(meanwhile(bb.tools, lambda: bb.submit(ask("Say: b"), urgency="soon")))

    assert [len(ids) for ids in stage.sent()] == [1, 1]
