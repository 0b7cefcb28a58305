"""Two processes collect packs of one run at once: neither undoes what the other has moved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from backburner.client.home import Home
from backburner.emulator.settings import Rule
from backburner.store import Store
from backburner.store.owners import Owner
from backburner.vault import Vault


class MeddlingVault(Vault):
    """Lets another process work as soon as the first map of moved rows is written."""

    meddle: Callable[[], object] | None = None

    @contextmanager
    def file_writer(self, name: str) -> Iterator[BinaryIO]:
        with super().file_writer(name) as file:
            yield file
        if "/moved-" in name and self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            meddle()


def test_rows_that_another_process_moved_meanwhile_stay_moved(
    make_stage: Callable[..., Any],
) -> None:
    rules = (
        Rule(match=r"^Say: (text [13])$", answer=r"\1", slip="drop"),
        Rule(match=r"^Say: (.*)$", answer=r"\1"),
    )
    stage = make_stage(rules=rules)
    other = stage.open(requests=1)
    run = stage.run_of(other, stage.table(4), pack=2)
    other.drain()
    stage.clock.sleep(30)
    vault = MeddlingVault(stage.home / "vault")
    vault.meddle = other.drain
    home = Home(stage.home, Store(stage.home), vault, Owner(stage.home, stage.clock.token(10)))

    stage.open(home=home, requests=1).drain()

    assert vault.meddle is None
    assert other.get(run.id).requests == 4
    other.run(run.id)
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(4)]
    sent = [name for batch in stage.world.ledger() for name in batch.custom_ids()]
    assert len(sent) == 4
    assert not other.verify(run.id).differences
