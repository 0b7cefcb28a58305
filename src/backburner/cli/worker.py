"""`worker`: the loop that does what is due, for as long as it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from backburner.cli.diary import Diary, JsonDiary, PlainDiary
from backburner.cli.output import Page
from backburner.cli.session import Home, session_of

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.pulse import Pulse

_NAP: Final = 1.0
"""Seconds after which a worker sees what another process enqueued, and that it is to end."""

_SILENCE: Final = 180.0
"""Seconds beyond `quiet` without a beat after which a loop is taken for dead.

The answer to a create may take as long as `quiet`, and nothing moves meanwhile.
"""

Lanes = Annotated[
    list[str] | None,
    typer.Option("--lane", metavar="NAME", help="A lane to work in; repeatable [all]"),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads", metavar="N", min=1, max=64, help="Steps done at once [1]", show_default=False
    ),
]
Health = Annotated[
    str | None,
    typer.Option("--health", metavar="HOST:PORT", help="Where /healthz, /readyz and /metrics are"),
]
JsonLogs = Annotated[
    bool, typer.Option("--json-logs", help="One JSON object a line for each event")
]


def worker(
    context: typer.Context,
    *,
    lane: Lanes = None,
    threads: Threads = 1,
    health: Health = None,
    json_logs: JsonLogs = False,
    home: Home = None,
) -> int:
    """Send, collect, retry and write outputs until stopped.

    Ctrl-C or SIGTERM ends it after the step at hand; a second one ends it at once.
    """
    from backburner.cli.stopping import Ending  # noqa: PLC0415  # not for --help
    from backburner.client.pulse import Pulse  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above

    session = session_of(context)
    clock = session.clock or StoreClock()
    diary: Diary = JsonDiary(clock) if json_logs else PlainDiary(Page(), clock.now)
    ending, pulse = Ending(), Pulse()
    opened = session.with_clock(clock).open(
        home, (lane or ["default"])[0], listener=diary.listen, is_pinned=False
    )
    with opened as backburner, ending.listening(), _health(health, backburner, pulse) as at:
        names = backburner.lanes(lane or ())
        if lane or not backburner.served(with_key=True).lanes:
            backburner.require_credential()
        diary.begin(
            {
                "home": str(backburner.settings.home),
                "lanes": names,
                "threads": threads,
                "health": at,
            }
        )
        try:
            backburner.work(
                lane or (),
                stop=ending.is_asked,
                nap=_NAP,
                threads=threads,
                pulse=pulse,
                finished=diary.finished,
            )
        except KeyboardInterrupt:
            return ending.exit_code
    diary.end()
    return 0


@contextmanager
def _health(text: str | None, backburner: "Backburner", pulse: "Pulse") -> Iterator[str | None]:
    """Tell how the loop is, where that was asked for; gives the address."""
    from backburner.cli.health import Told, address_of, serving  # noqa: PLC0415  # not for --help
    from backburner.report.metrics import CONTENT_TYPE, text_of  # noqa: PLC0415  # as above

    if text is None:
        yield None
        return
    silence = backburner.settings.doubts.quiet + _SILENCE

    def alive() -> Told:
        is_alive = pulse.is_alive(backburner.tools.clock.now(), silence)
        return Told(200, "alive\n") if is_alive else Told(503, "no step moved for long\n")

    def ready() -> Told:
        return Told(200, "ready\n") if pulse.is_ready else Told(503, "not ready\n")

    def metrics() -> Told:
        from backburner.client.measuring import measures  # noqa: PLC0415  # not for --help

        return Told(200, text_of(measures(backburner.tools, pulse)), CONTENT_TYPE)

    answers = {"/healthz": alive, "/readyz": ready, "/metrics": metrics}
    with serving(address_of(text), answers) as at:
        yield at
