"""What the command line was started with, and the queue it opens."""

import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Self
from zoneinfo import ZoneInfo

import typer

from backburner.cli.output import Page
from backburner.cli.words import show_times_in

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.posting import Post
    from backburner.client.sdk import SdkClient
    from backburner.clock import Clock
    from backburner.plan.packing import PackLimits
    from backburner.telemetry import Listener

Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="FOLDER", help="Where the queue is kept [BACKBURNER_HOME]"),
]
Lane = Annotated[
    str,
    typer.Option(
        "--lane", metavar="NAME", help="The stream of work to use [default]", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, and nothing else")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run, as `status` lists it")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One call of the command line.

    Attributes:
        environment: Where settings, address and credentials are read.
        arguments: The words after `backburner`.
        clock: The time; the real one if None.
        client: The SDK client to speak through; one made from the environment if None.
        stdin: Opens standard input.
        post: Brings notices to their channels; over the network if None.
        ask: Puts a question to a person; None where none is there to answer.
    """

    environment: MutableMapping[str, str]
    arguments: tuple[str, ...] = ()
    clock: "Clock | None" = None
    client: "SdkClient | None" = None
    stdin: Callable[[], BinaryIO] = lambda: sys.stdin.buffer
    post: "Post | None" = None
    ask: Callable[[Page, str], str] | None = None

    @contextmanager
    def open(
        self,
        home: Path | None,
        lane: str,
        *,
        limits: "PackLimits | None" = None,
        listener: "Listener | None" = None,
        is_checked: bool = True,
        is_pinned: bool = True,
        takes_in: bool = False,
    ) -> "Iterator[Backburner]":
        """The queue of a home.

        Unchecked, it is opened even if its store contradicts itself; unpinned, whichever upstream
        its lanes belong to. Where it takes work in, the lane may be a new one.
        """
        from backburner.client import Backburner  # noqa: PLC0415  # slow, not needed for --help

        with Backburner(
            home,
            lane=lane,
            client=self.client,
            limits=limits,
            clock=self.clock,
            listener=listener,
            post=self.post,
            environment=self.environment,
            is_checked=is_checked,
            is_pinned=is_pinned,
        ) as backburner:
            if not takes_in:
                backburner.require_lane()
            # What a person writes as --by 08:00 is read in the lane's zone, and shown in it.
            zone = backburner.settings.lane_terms(lane).zone
            show_times_in(ZoneInfo(zone) if zone else None)
            yield backburner

    def with_config(self, file: Path) -> Self:
        """The same session with another file of settings."""
        from backburner.config import CONFIG  # noqa: PLC0415  # not for --help

        return replace(self, environment={**self.environment, CONFIG: str(file)})

    def with_clock(self, clock: "Clock") -> Self:
        """The same session by another clock."""
        return replace(self, clock=clock)


def session_of(context: typer.Context) -> Session:
    """The session that `main` handed to the commands."""
    session: Session = context.obj
    return session
