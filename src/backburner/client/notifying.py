"""Delivering notices: at least once, under an id that stays, until they arrive or are given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backburner.client.noticing import notice
from backburner.client.posting import Post, Poster
from backburner.config import Settings
from backburner.config.notify import channels_of
from backburner.errors import BackburnerError, NotFound
from backburner.nouns.notice import Channel, Delivery, Kind
from backburner.plan.notices import try_again_after
from backburner.store.notices import (
    notice_claim,
    notice_settle,
    notices_revive,
    notices_undelivered,
)
from backburner.telemetry import NoticeDelivered, NoticeFailed
from backburner.worker import Tools

_REST: Final = 120.0
"""Seconds after which a notice is sent again whose sender died before saying that it arrived."""


def crier_of(
    tools: Tools, settings: Settings, post: Post | None, environment: Mapping[str, str]
) -> "Crier":
    """The crier of a home, by its file of settings."""
    return Crier(
        tools=tools,
        channels=channels_of(settings.config),
        post=post or Poster(environment=environment, now=tools.clock.now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crier:
    """Tells what there is to tell, to all channels of a home."""

    tools: Tools
    channels: Sequence[Channel]
    post: Post

    def tell(self, *, anew: bool = True) -> None:
        """Notice what is new, if that is wanted, and deliver what is due."""
        if not self.channels:
            return
        if anew:
            notice(self.tools, self.channels)
        self.deliver()

    def deliver(self) -> int:
        """Deliver every notice that is due; gives how many arrived."""
        arrived = 0
        names = [channel.name for channel in self.channels]
        while True:
            now = self.tools.clock.now()
            with self.tools.store.write() as tx:
                one = notice_claim(tx, names, now, _REST)
            if one is None:
                return arrived
            arrived += self._deliver(one)

    def _deliver(self, one: Delivery) -> bool:
        channel = next(each for each in self.channels if each.name == one.channel)
        failure = self.attempt(channel, one)
        if failure is not None:
            self._failed(one, failure)
            return False
        with self.tools.store.write() as tx:
            notice_settle(tx, one, delivered_at=self.tools.clock.now(), failure="")
        self.tools.emit(NoticeDelivered(id=one.id, channel=one.channel, tries=one.tries))
        return True

    def attempt(self, channel: Channel, one: Delivery) -> BackburnerError | None:
        """Try once; gives what kept it from arriving."""
        try:
            self.post(channel, one)
        except BackburnerError as error:
            return error
        except Exception as error:  # noqa: BLE001  # of a foreign library; its message may hold a secret
            return BackburnerError(f"it failed with {type(error).__name__}")
        return None

    def _failed(self, one: Delivery, error: BackburnerError) -> None:
        now, wait = self.tools.clock.now(), try_again_after(one.tries)
        changes = {"given_up_at": now} if wait is None else {"due_at": now + wait}
        with self.tools.store.write() as tx:
            notice_settle(tx, one, failure=str(error), **changes)
        self.tools.emit(
            NoticeFailed(
                id=one.id, channel=one.channel, tries=one.tries, failure=str(error), wait=wait
            )
        )

    def undelivered(self) -> list[Delivery]:
        """The notices that wait, and those that were given up."""
        with self.tools.store.read() as tx:
            return notices_undelivered(tx)

    def replay(self, notice_id: str | None = None) -> int:
        """Try again what was given up, or the one named; gives how many notices that is.

        Raises:
            NotFound: None of that id was given up.
        """
        with self.tools.store.write() as tx:
            revived = notices_revive(tx, self.tools.clock.now(), notice_id)
        if notice_id is not None and not revived:
            raise NotFound(
                f"no notice {notice_id!r} was given up",
                hint="`backburner notify list` lists them",
            )
        return revived

    def test(self, names: Sequence[str] = ()) -> dict[str, BackburnerError | None]:
        """Send a trial to channels, all if none is named; gives what failed of each.

        Raises:
            NotFound: There is no channel of that name.
        """
        known = {channel.name: channel for channel in self.channels}
        for name in names:
            if name not in known:
                raise NotFound(
                    f"there is no channel {name!r}",
                    hint=f"there is {', '.join(known)}" if known else "[notify.NAME] adds one",
                )
        return {name: self.attempt(known[name], self._trial(name)) for name in names or known}

    def _trial(self, channel: str) -> Delivery:
        now = self.tools.clock.now()
        return Delivery(
            id=f"test:{self.tools.clock.token(10)}",
            channel=channel,
            kind=Kind.RUN_FINISHED,
            subject="Backburner: this is a test",
            text="If you can read it, notices arrive.",
            facts={"test": True},
            created_at=now,
            due_at=now,
            tries=1,
            delivered_at=None,
            given_up_at=None,
            failure="",
        )
