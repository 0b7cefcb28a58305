"""`backburner doctor`: is everything in place, and is the API as it was thought to be?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from backburner.cli.choosing import is_wanted
from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.errors import ConfigError

if TYPE_CHECKING:
    from backburner.cli.stopping import PatientClock
    from backburner.client.doctor.checking import Checking
    from backburner.client.doctor.observing import Difference, Observation
    from backburner.client.doctor.setup import Check, Subject
    from backburner.clock import Clock

PROBLEM: Final = 4
DIFFERENT: Final = 3
STOPPED: Final = 130

_MINUTE: Final = 60.0

Live = Annotated[
    bool, typer.Option("--live", help="Put ten questions to the API; costs under a cent")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it may cost that")]
Wait = Annotated[
    float,
    typer.Option(metavar="MINUTES", min=0, help="How long its batches may take [60]"),
]


def doctor(
    context: typer.Context,
    *,
    live: Live = False,
    yes: Yes = False,
    wait: Wait = 60.0,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Check the set-up, without a call.

    With --live, check the API itself with two tiny batches: its price is told before it asks.
    """
    from backburner.cli.stopping import PatientClock  # noqa: PLC0415  # not for --help
    from backburner.client.access import address_in  # noqa: PLC0415  # as above
    from backburner.client.doctor.checking import Checking  # noqa: PLC0415  # as above
    from backburner.client.doctor.setup import Subject  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above

    session, page = session_of(context), Page(as_json=json)
    clock = PatientClock(session.clock or StoreClock())
    client = session.client
    environment = _environment(session, home, lane, live=live and client is None)
    asked = Subject(
        environment=environment,
        home=home,
        lane=lane,
        now=clock.now(),
        base_url=address_in(client, environment),
        has_client=client is not None,
    )
    if not live:
        return _check_setup(page, asked)
    checking = Checking(asked, clock, client)
    return _LiveCheck(session, page, asked, checking, clock).run(yes=yes, minutes=wait)


def _environment(
    session: Session, home: Path | None, lane: str, *, live: bool
) -> Mapping[str, str]:
    """The environment with the lane's own address; for calls, with its credential too."""
    from backburner.config import read_config  # noqa: PLC0415  # as above
    from backburner.config.lanes import lane_book, terms_of  # noqa: PLC0415  # as above
    from backburner.upstream.credentials import addressed, with_credential  # noqa: PLC0415  # as above

    try:
        config = read_config(session.environment, home)
    except ConfigError:
        # The check of the settings tells it.
        return session.environment
    terms = terms_of(lane, lane_book(config), None)
    return (with_credential if live else addressed)(session.environment, terms)


def _check_setup(page: Page, asked: "Subject") -> int:
    from backburner.client.doctor.setup import checks  # noqa: PLC0415  # not for --help

    found = [*checks(asked), _emulator()]
    rows = [("ok" if one.ok else "problem", one.name, one.found) for one in found]
    page.table(("", "what", "found"), rows)
    problems = [one for one in found if not one.ok]
    page.line()
    for one in problems:
        page.line(f"{one.name}: {one.next_step}")
    if not problems:
        page.line("Everything is in place. Nothing was sent.")
    page.finish({"ok": not problems, "checks": [_check_json(one) for one in found]})
    return PROBLEM if problems else 0


def _emulator() -> "Check":
    from backburner.client.doctor.setup import Check  # noqa: PLC0415  # not for --help

    try:
        import backburner.emulator.transport  # noqa: F401, PLC0415  # the rest comes with it
    except ImportError as error:
        found = f"{error.name} is missing"
        return Check("emulator", ok=False, found=found, next_step="install backburner again")
    return Check("emulator", ok=True, found="in place; `backburner demo` shows it")


def _check_json(one: "Check") -> dict[str, Any]:
    return {"name": one.name, "ok": one.ok, "found": one.found, "next_step": one.next_step}


class _LiveCheck:
    """One live check under way."""

    def __init__(
        self,
        session: Session,
        page: Page,
        asked: "Subject",
        checking: "Checking",
        clock: "PatientClock",
    ) -> None:
        self._session = session
        self._page = page
        self._asked = asked
        self._checking = checking
        self._clock = clock
        self._emulator: list[Observation] = []

    def run(self, *, yes: bool, minutes: float) -> int:
        if not self._is_agreed(yes=yes):
            self._page.line("Nothing was sent.")
            return STOPPED
        self._emulator = _observed_in_emulator()
        try:
            with self._clock.listening():
                complete = self._probe(minutes)
        except KeyboardInterrupt as stopped:
            self._end(complete=False)
            return getattr(stopped, "exit_code", STOPPED)
        except BaseException:
            self._checking.finish(self._emulator, complete=False)
            raise
        return self._end(complete=complete)

    def _is_agreed(self, *, yes: bool) -> bool:
        page, checking = self._page, self._checking
        price = checking.price()
        most = f"at most {price.most.show()} (prices of {price.as_of})"
        where = self._asked.base_url
        page.facts(
            [
                ("address", where if checking.is_anthropic else f"{where}, not Anthropic's own"),
                ("sends", "two batches of two tiny requests, and a third one cut short"),
                ("price", most if checking.is_anthropic else f"{most}, if it is billed"),
                ("deletes", "whatever it created, at the end"),
            ]
        )
        page.line()
        return is_wanted(self._session, page, "Check the API?", yes=yes)

    def _probe(self, minutes: float) -> bool:
        """Make the probes; whether all of them could be made."""
        from backburner.client.doctor.batches import WaitOver  # noqa: PLC0415  # not for --help

        still = self._checking.clean()
        if still:
            self._page.line(f"{still} of an earlier check have not ended; deleted next time")
        try:
            self._checking.run(minutes * _MINUTE, self._tell)
        except WaitOver:
            self._page.line(f"A batch has not ended within {minutes:g} min.")
            return False
        return True

    def _tell(self, one: "Observation") -> None:
        from backburner.client.doctor.observing import (  # noqa: PLC0415  # not for --help
            ASSUMED,
            differences,
            not_seen,
        )

        page = self._page
        assumed, source = ASSUMED[one.probe]
        found = differences(self._emulator, [one])[one.probe]
        unseen = not_seen(one)
        verdict = "differs" if found else "as the emulator"
        if len(unseen) == len(one.facts):
            verdict = "not seen"
        page.line(f"{one.probe}: {verdict}")
        page.line(f"  assumed: {assumed} ({source})")
        for fact in found:
            page.line(f"  {fact.fact}: emulator {fact.emulator}; here {fact.here}")
        if unseen and len(unseen) < len(one.facts):
            page.line(f"  not seen: {', '.join(unseen)}")
        for name, value in one.notes.items():
            page.line(f"  {name}: {value}")
        page.flush()

    def _end(self, *, complete: bool) -> int:
        page, checking = self._page, self._checking
        found = checking.finish(self._emulator, complete=complete)
        page.line()
        self._tell_left()
        page.line(_summary(found, complete=complete))
        page.finish(self._json(found, complete=complete))
        return 0 if complete and not found else DIFFERENT

    def _tell_left(self) -> None:
        left = self._checking.record.left
        if not left:
            self._page.line("Everything that it created is deleted.")
            return
        self._page.line(f"Left upstream: {', '.join(one.id for one in left)}.")
        self._page.line("`backburner doctor --live` deletes them once they have ended,")
        self._page.line("as does Anthropic after 29 days; they cost nothing more.")

    def _json(self, found: "list[Difference]", *, complete: bool) -> dict[str, Any]:
        check = self._checking.check
        return {
            "base_url": self._asked.base_url,
            "workspace": check.workspace if check else None,
            "complete": complete,
            "probes": [
                {"probe": str(one.probe), "facts": dict(one.facts), "notes": dict(one.notes)}
                for one in (check.observations if check else [])
            ],
            "differences": [
                {
                    "probe": one.probe,
                    "fact": one.fact,
                    "emulator": one.emulator,
                    "here": one.here,
                }
                for one in found
            ],
            "left": [one.id for one in self._checking.record.left],
        }


def _summary(found: "list[Difference]", *, complete: bool) -> str:
    count = len(found)
    told = f"{count} {'difference' if count == 1 else 'differences'} from the emulator."
    return told if complete else f"Not complete. {told}"


def _observed_in_emulator() -> "list[Observation]":
    """What the same probes see in an emulator of our own, on a clock of its own."""
    from backburner.client.doctor.checking import observe  # noqa: PLC0415  # not for --help
    from backburner.client.sdk import sdk_client  # noqa: PLC0415  # as above
    from backburner.clock import FakeClock  # noqa: PLC0415  # as above
    from backburner.emulator.settings import Settings  # noqa: PLC0415  # as above
    from backburner.emulator.transport import EmulatorTransport  # noqa: PLC0415  # as above
    from backburner.emulator.world import World  # noqa: PLC0415  # as above

    clock: Clock = FakeClock()
    world = World(Settings(), now=clock.now)
    try:
        with sdk_client("none", "http://emulator", EmulatorTransport(world)) as client:
            return observe(client, clock)
    finally:
        world.close()
