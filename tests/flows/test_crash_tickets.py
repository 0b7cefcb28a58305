"""A process dies on a ticket's way: no request is lost, sealed twice, sent twice or paid twice."""

from contextlib import suppress

import pytest

from backburner.client.home import Home
from backburner.emulator.settings import ItemFailure
from backburner.emulator.transport import EmulatorTransport
from backburner.store import Store
from backburner.store.inbox import inbox_waiting
from backburner.store.ledger import ledger_of_run
from backburner.store.owners import Owner
from backburner.store.runs import runs_all

from .test_crash import KilledError, Life, TrippingStore, TrippingTransport, TrippingVault, Tripwire

TEXTS = [f"text {n}" for n in range(5)]


class TicketLife(Life):
    """Five single requests, each under a key, one of which fails at first."""

    def __init__(self, stage, ask):
        self.stage = stage
        self.ask = ask
        self.answers: list[str] = []

    def live(self, wire: Tripwire) -> None:
        """One process: it submits all under their keys, and waits for each."""
        stage = self.stage
        stage.home.mkdir(exist_ok=True)
        home = Home(
            stage.home,
            TrippingStore(stage.home, wire),
            TrippingVault(stage.home / "vault", wire),
            Owner(stage.home, stage.clock.token(10)),
        )
        transport = TrippingTransport(EmulatorTransport(stage.world), wire)
        try:
            bb = stage.open(home=home, transport=transport, requests=3)
            tickets = [
                bb.submit(self.ask(f"Say: {text}"), key=text, urgency="soon") for text in TEXTS
            ]
            self.answers = [one.result()["content"][0]["text"] for one in tickets]
        finally:
            home.close()

    def check_the_books(self) -> None:
        """Each request is in one run, and was booked once, as the server bills it."""
        store = Store(self.stage.home)
        with store.read() as tx:
            waiting, runs = inbox_waiting(tx, "default"), runs_all(tx)
            booked = [row for run in runs for row in ledger_of_run(tx, run.id)]
        store.close()
        assert waiting == []
        assert sum(run.requests for run in runs) == len(TEXTS)
        assert all(run.is_inbox and run.finished_at is not None for run in runs)
        assert sum(row.paid or 0 for row in booked) == self.stage.world.bill().total
        assert sum(row.requests for row in booked) == len(TEXTS)


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_death_at_any_effect_loses_and_doubles_no_ticket(make_stage, ask, deaths, side):
    at = 0
    for at in deaths(1, 6):
        failing = (ItemFailure(ordinal=1, index=1),)
        life = TicketLife(make_stage(turnaround=0.5, fail_once=failing), ask)
        wire = Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        if not wire.tripped:
            break

        life.live(Tripwire(0, side))
        assert life.answers == TEXTS, f"{side} effect {at}"
        life.check_the_books()
        life.check_the_server()
        life.stage.close()
        life.stage.world.close()
    assert at > 40
