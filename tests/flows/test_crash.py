"""A process dies before or after its n-th effect, for every n, and the next one finishes the run.

An effect is a commit in the store, a rename in the vault, or a call upstream. The death is an
exception outside `Exception`, and after it the dead process can do nothing any more.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import httpx2
import msgspec
import pytest

from backburner.client.home import Home
from backburner.emulator.settings import ItemFailure
from backburner.emulator.transport import EmulatorTransport
from backburner.nouns.run import Run
from backburner.store import Store, Transaction
from backburner.store.ledger import ledger_of_run
from backburner.store.owners import Owner
from backburner.vault import Vault

Rows = list[dict[str, str]]
PARTS = 4


class KilledError(BaseException):
    """The process is dead."""


class Tripwire:
    """Kills at the n-th effect, on one side of it."""

    def __init__(self, at: int, side: str) -> None:
        self.left = at
        self.side = side
        self.tripped = False

    @contextmanager
    def around(self) -> Iterator[None]:
        """An effect: it happens when the block ends."""
        if self.tripped:
            raise KilledError
        yield
        self.reach("before")

    def reach(self, side: str) -> None:
        """Come by one side of an effect."""
        if self.tripped:
            raise KilledError
        if side == self.side:
            self.left -= 1
            if self.left == 0:
                self.tripped = True
                raise KilledError


class TrippingStore(Store):
    def __init__(self, home: Path, wire: Tripwire) -> None:
        super().__init__(home)
        self._wire = wire

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with super().write() as tx, self._wire.around():
            yield tx
        self._wire.reach("after")


class TrippingVault(Vault):
    def __init__(self, root: Path, wire: Tripwire) -> None:
        super().__init__(root)
        self._wire = wire

    @contextmanager
    def file_writer(self, name: str) -> Iterator[BinaryIO]:
        with super().file_writer(name) as file, self._wire.around():
            yield file
        self._wire.reach("after")

    def delete(self, name: str) -> None:
        with self._wire.around():
            pass
        super().delete(name)
        self._wire.reach("after")

    def delete_folder(self, name: str) -> None:
        with self._wire.around():
            pass
        super().delete_folder(name)
        self._wire.reach("after")


class TrippingTransport(httpx2.BaseTransport):
    def __init__(self, inner: httpx2.BaseTransport, wire: Tripwire) -> None:
        self._inner = inner
        self._wire = wire

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._wire.reach("before")
        response = self._inner.handle_request(request)
        self._wire.reach("after")
        return response


class Life:
    """A run of six rows in two batches, one request of which fails at first."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.source = stage.table([*(f"text {n}" for n in range(5)), "text 0"])

    def live(self, wire: Tripwire) -> None:
        """One process: what `backburner run` does."""
        stage = self.stage
        stage.home.mkdir(exist_ok=True)
        home = Home(
            stage.home,
            TrippingStore(stage.home, wire),
            TrippingVault(stage.home / "vault", wire),
            Owner(stage.home, stage.clock.token(10)),
        )
        transport = TrippingTransport(EmulatorTransport(stage.world), wire)
        bb = None
        try:
            bb = stage.open(home=home, transport=transport, requests=3)
            run = self.begin(bb)
            self.run = run.id
            bb.run(run.id)
        finally:
            home.close()

    def begin(self, bb: Any) -> Run:
        """Commit the run, or find it again."""
        return self.stage.run_of(bb, self.source)

    def rows(self) -> Rows:
        """The output without the column that differs between lives."""
        return [{k: v for k, v in row.items() if k != "request_id"} for row in self.stage.rows()]

    def check_the_server(self) -> None:
        """Nothing was accepted again after it succeeded, or while it was under way."""
        accepted: Counter[bytes] = Counter()
        failed: Counter[bytes] = Counter()
        client = self.stage.make_client(self.stage.world)
        for batch in self.stage.world.ledger():
            params = dict(self.stage.world.received(batch.id))
            accepted.update(params.values())
            if batch.status != "ended":
                continue
            lines = client.get(
                f"/v1/messages/batches/{batch.id}/results", cast_to=httpx2.Response
            ).content
            for line in map(msgspec.json.decode, lines.splitlines()):
                if line["result"]["type"] != "succeeded":
                    failed[params[line["custom_id"]]] += 1
        assert all(count <= 1 + failed[one] for one, count in accepted.items())

    def check_the_books(self) -> None:
        """What was booked is what the server bills, once each."""
        store = Store(self.stage.home)
        with store.read() as tx:
            booked = ledger_of_run(tx, self.run)
        store.close()
        assert sum(row.paid or 0 for row in booked) == self.stage.world.bill().total
        assert sum(row.requests for row in booked) == 5


@pytest.fixture
def make_life(make_stage: Callable[..., Any]) -> Callable[[], Life]:
    return lambda: Life(make_stage(turnaround=0.5, fail_once=(ItemFailure(ordinal=1, index=1),)))


@pytest.fixture
def undisturbed(make_life: Callable[[], Life]) -> Rows:
    life = make_life()
    life.live(Tripwire(0, "before"))
    life.check_the_server()
    life.check_the_books()
    rows = life.rows()
    assert [row["outcome"] for row in rows] == ["ok"] * 6
    return rows


@pytest.mark.parametrize(
    ("side", "first", "stride"),
    [(side, first, PARTS) for side in ("before", "after") for first in range(1, PARTS + 1)],
)
def test_a_death_at_any_effect_loses_nothing_and_sends_nothing_twice(
    make_life: Callable[[], Life], undisturbed: Rows, side: str, first: int, stride: int
) -> None:
    for at in range(first, 10_000, stride):
        life, wire = make_life(), Tripwire(at, side)
        with suppress(KilledError):
            life.live(wire)
        if not wire.tripped:
            break

        life.live(Tripwire(0, side))
        assert life.rows() == undisturbed, f"{side} effect {at}"
        life.check_the_books()
        life.check_the_server()
        life.stage.close()
        life.stage.world.close()
    assert at > 40
