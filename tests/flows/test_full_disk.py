"""The disk is full at the n-th write, for every n: a plain message, and the next call goes on.

A write is one by the vault to a file of its own, or a commit of the store.
"""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from sqlalchemy.exc import OperationalError

from backburner.client.home import Home
from backburner.emulator.settings import ItemFailure
from backburner.errors import StoreUnusable
from backburner.store import Store, Transaction
from backburner.store.invariants import breaches
from backburner.store.owners import Owner
from backburner.vault import Vault

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Disk:
    """Has room for so many writes."""

    def __init__(self, room: int | None) -> None:
        self.room = room
        self.used = 0

    def take(self) -> None:
        """A write."""
        self.used += 1
        if self.room is not None and self.used > self.room:
            raise FULL


class SmallStore(Store):
    def __init__(self, home: Path, disk: Disk) -> None:
        super().__init__(home)
        self._disk = disk

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with super().write() as tx:
            yield tx
            try:
                self._disk.take()
            except OSError as error:
                # What SQLite says, and the driver's wrapping of it.
                full = Exception("database or disk is full")
                raise OperationalError("COMMIT", {}, full) from error


class SmallVault(Vault):
    def __init__(self, root: Path, disk: Disk) -> None:
        super().__init__(root)
        self._disk = disk

    @contextmanager
    def file_writer(self, name: str) -> Iterator[BinaryIO]:
        with super().file_writer(name) as file:
            yield file
            self._take(name)

    @contextmanager
    def temporary(self) -> Iterator[BinaryIO]:
        self._take("a temporary file")
        with super().temporary() as file:
            yield file

    def _take(self, name: str) -> None:
        from backburner.vault.files import cannot  # noqa: PLC0415  # the vault's own words

        with cannot(self.root, f"write {name}"):
            self._disk.take()


class Life:
    """A run of four rows and three requests, one of which fails at first.

    So every kind of write comes, and as few of each as can be.
    """

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.source = stage.table([*(f"text {n}" for n in range(3)), "text 0"])

    def live(self, disk: Disk) -> None:
        """What `backburner run` does."""
        stage = self.stage
        stage.home.mkdir(exist_ok=True)
        home = Home(
            stage.home,
            SmallStore(stage.home, disk),
            SmallVault(stage.home / "vault", disk),
            Owner(stage.home, stage.clock.token(10)),
        )
        try:
            bb = stage.open(home=home)
            run = stage.run_of(bb, self.source)
            bb.run(run.id)
            assert bb.verify(run.id).differences == []
        finally:
            home.close()

    def rows(self) -> list[dict[str, str]]:
        """The output without the column that differs between lives."""
        return [{k: v for k, v in row.items() if k != "request_id"} for row in self.stage.rows()]

    def sent(self) -> Counter[bytes]:
        """How often each request was accepted."""
        world = self.stage.world
        return Counter(params for batch in world.ledger() for _, params in world.received(batch.id))


@pytest.fixture
def make_life(make_stage: Callable[..., Any]) -> Callable[[], Life]:
    return lambda: Life(make_stage(turnaround=0.5, fail_once=(ItemFailure(ordinal=0, index=1),)))


@pytest.mark.parametrize("first", range(4))
def test_a_full_disk_at_any_write_loses_nothing_and_sends_nothing_twice(
    make_life: Callable[[], Life], first: int
) -> None:
    undisturbed, disk = make_life(), Disk(None)
    undisturbed.live(disk)
    doubts = 0
    for room in range(first, disk.used, 4):
        life = make_life()

        with pytest.raises(StoreUnusable, match=r"No space left|disk is full") as raised:
            life.live(Disk(room))

        assert str(life.stage.home) in str(raised.value)
        assert "nothing was lost" in raised.value.hint
        doubts += is_in_doubt(life)
        life.live(Disk(None))
        assert life.rows() == undisturbed.rows(), f"room for {room} writes"
        assert life.sent() == undisturbed.sent(), f"room for {room} writes"
        life.stage.close()
        life.stage.world.close()
    assert disk.used > 30
    assert doubts <= 3


def is_in_doubt(life: Life) -> bool:
    """Whether an answer came that could not be written down: then it rests until it is resolved."""
    store = Store(life.stage.home)
    with store.read() as tx:
        assert breaches(tx) == []
        count = tx.exec_driver_sql(
            "SELECT count(*) FROM batch WHERE state IN ('armed', 'unknown')"
        ).scalar_one()
    store.close()
    return bool(count)


def test_a_file_of_the_vault_tells_that_the_disk_is_full(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    (vault.root / "a.partial").symlink_to("/dev/full")

    with pytest.raises(StoreUnusable, match="cannot write a: No space left"):  # noqa: SIM117, PT012
        with vault.line_writer("a") as writer:
            for _ in range(10):
                writer.add(os.urandom(300_000))

    assert list(vault.names()) == []


def test_a_failure_beside_an_open_file_is_not_blamed_on_the_vault(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")

    with pytest.raises(IsADirectoryError), vault.line_writer("a"):
        cast("Any", tmp_path).read_bytes()
