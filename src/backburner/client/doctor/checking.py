"""A live check from its price to its record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from backburner.client.doctor.batches import MODEL
from backburner.client.doctor.live import LiveCheck, LiveTerms, worst_price
from backburner.client.doctor.observing import Difference, Observation, Probe, differences
from backburner.client.doctor.record import LastCheck, Left, Record, read_record, write_record
from backburner.client.doctor.setup import Subject
from backburner.clock import Clock
from backburner.config import price_terms, read_config
from backburner.errors import LanePinned
from backburner.nouns.money import Money
from backburner.store.looking import look_into
from backburner.upstream.connect import ANTHROPIC, client_from

if TYPE_CHECKING:
    import anthropic

    from backburner.client.sdk import SdkClient


@dataclass(frozen=True, slots=True)
class Price:
    """The most that a check can cost, and the date of the prices."""

    most: Money
    as_of: str


class Checking:
    """One live check of the upstream that a lane would use.

    Args:
        asked: The environment, the home and the lane.
        clock: Time, sleep and chance.
        client: The SDK client to speak through; one from the environment if None.

    Raises:
        KeyMissing: There is no credential.
        LanePinned: The lane belongs to another upstream.
    """

    def __init__(self, asked: Subject, clock: Clock, client: "SdkClient | None" = None) -> None:
        self._asked = asked
        self._clock = clock
        self._client: anthropic.Anthropic = client or client_from(asked.environment)
        self._workspace = _workspace_of(asked)
        self.record = read_record(asked.folder)
        self.check: LiveCheck | None = None

    @property
    def is_anthropic(self) -> bool:
        """Whether it is Anthropic's own address that is checked."""
        return self._asked.base_url == ANTHROPIC

    def price(self) -> Price:
        """What the check may cost."""
        from backburner import prices  # noqa: PLC0415  # slow to import, and not needed for --help

        own = price_terms(read_config(self._asked.environment, self._asked.home)).own
        tariff = prices.tariff([MODEL], datetime.fromtimestamp(self._clock.now(), UTC), own)
        return Price(worst_price(tariff), str(tariff.price(MODEL).as_of))

    def clean(self) -> int:
        """Delete what earlier checks left at this address; gives how much of it is still there."""
        mine = [one.id for one in self._left_here()]
        check = self._new(LiveTerms(), lambda _one: None)
        check.batches.clean(mine)
        self._keep(check.batches.left)
        return len(check.batches.left)

    def run(self, wait: float, tell: Callable[[Observation], None]) -> None:
        """Make every probe. What was seen stays in `check`, however it ends.

        Args:
            wait: Seconds that a batch may take to end.
            tell: Told each observation as it is made.
        """
        earlier = [one.id for one in self._left_here()]
        terms = LiveTerms(wait=wait, workspace=self._workspace)
        self.check = self._new(terms, tell)
        self.check.batches.left = earlier
        self.check.run()

    def finish(self, emulator: Sequence[Observation], *, complete: bool) -> list[Difference]:
        """Compare with the emulator, and keep what was found, if anything was seen."""
        check = self.check
        if check is None or not check.observations:
            return []
        found = by_probe(differences(emulator, check.observations))
        last = LastCheck(
            at=self._clock.now(),
            base_url=self._asked.base_url,
            workspace=check.workspace,
            backburner=version("backburner"),
            sdk=version("anthropic"),
            complete=complete,
            differences=found,
        )
        self._write(msgspec.structs.replace(self.record, last=last))
        return found

    def _new(self, terms: LiveTerms, tell: Callable[[Observation], None]) -> LiveCheck:
        return LiveCheck(self._client, self._clock, terms, keep=self._keep, tell=tell)

    def _left_here(self) -> list[Left]:
        return [one for one in self.record.left if one.base_url == self._asked.base_url]

    def _keep(self, ids: Sequence[str]) -> None:
        """Note what is upstream before anything else happens, so that no death forgets it."""
        others = [one for one in self.record.left if one.base_url != self._asked.base_url]
        here = [Left(id=one, base_url=self._asked.base_url) for one in ids]
        if [*others, *here] != self.record.left:
            self._write(msgspec.structs.replace(self.record, left=[*others, *here]))

    def _write(self, record: Record) -> None:
        self.record = record
        write_record(self._asked.folder, record)


def observe(client: "SdkClient", clock: Clock) -> list[Observation]:
    """What the same probes see at another upstream, such as an emulator of one's own."""
    check = LiveCheck(client, clock, LiveTerms())
    check.run()
    return check.observations


def by_probe(found: Mapping[Probe, Sequence[Difference]]) -> list[Difference]:
    """All differences, in the order of the probes."""
    return [one for some in found.values() for one in some]


def _workspace_of(asked: Subject) -> str | None:
    """The workspace that the lane is pinned to, if it was used."""
    look = look_into(asked.folder)
    for row in look.lanes if look else ():
        if row.name == asked.lane:
            if row.base_url != asked.base_url:
                raise LanePinned(
                    f"the lane {row.name!r} is pinned to {row.base_url}, not to {asked.base_url}",
                    hint="use --lane NAME for another upstream",
                )
            return row.workspace
    return None
