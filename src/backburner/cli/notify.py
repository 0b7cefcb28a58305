"""`notify`: which notices wait, whether channels work, and trying again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, session_of
from backburner.cli.words import many, when
from backburner.errors import NothingChosen, NoticeUndelivered

if TYPE_CHECKING:
    from backburner.nouns.notice import Channel, Delivery

app = typer.Typer(
    name="notify",
    help="Test the channels of notices, list and replay notices.",
    add_completion=False,
    no_args_is_help=True,
)

Which = Annotated[
    list[str] | None, typer.Argument(metavar="CHANNEL", help="Channels of backburner.toml [all]")
]
NoticeId = Annotated[
    str | None, typer.Argument(metavar="ID", help="A notice, as `notify list` shows it [all]")
]


@app.command("test")
def try_out(
    context: typer.Context, channel: Which = None, *, home: Home = None, json: Json = False
) -> int:
    """Send a trial to every channel, or to those that are named."""
    page = Page(as_json=json)
    with session_of(context).open(home, "default", is_pinned=False) as backburner:
        channels = {one.name: one for one in backburner.notices.channels}
        if not channels:
            raise NothingChosen(
                f"{backburner.settings.config.file} names no channel",
                hint='[notify.ops] and apprise = { env = "OPS_URL" } is one; see docs/notices.md',
            )
        failed = backburner.notices.test(channel or ())
    for name, error in failed.items():
        told = "arrived" if error is None else str(error)
        page.line(f"{name} ({_target(channels[name])}): {told}")
        if error is not None and error.hint:
            page.line(f"  {error.hint}")
    page.finish(
        {"channels": {name: None if one is None else str(one) for name, one in failed.items()}}
    )
    wrong = [name for name, error in failed.items() if error is not None]
    if wrong:
        raise NoticeUndelivered(
            f"the test did not reach {', '.join(wrong)}",
            hint="mend [notify] in backburner.toml, or what its references point to",
        )
    return 0


def _target(channel: "Channel") -> str:
    from backburner.nouns.notice import Webhook  # noqa: PLC0415  # not for --help

    return "webhook" if isinstance(channel.target, Webhook) else "apprise"


@app.command("list")
def list_(context: typer.Context, *, home: Home = None, json: Json = False) -> int:
    """List the notices that wait, and those that were given up."""
    from backburner.clock import StoreClock  # noqa: PLC0415  # not for --help

    session, page = session_of(context), Page(as_json=json)
    now = (session.clock or StoreClock()).now()
    with session.open(home, "default", is_pinned=False) as backburner:
        found = backburner.notices.undelivered()
        channels = backburner.notices.channels
    page.line("channels  " + (", ".join(f"{one.name} ({_target(one)})" for one in channels) or "-"))
    page.line()
    if found:
        names = {one.name for one in channels}
        rows = [_row(one, now, is_known=one.channel in names) for one in found]
        page.table(("notice", "channel", "state", "tries", "last failure"), rows, "   r")
    else:
        page.line("every notice has arrived")
    if any(one.given_up_at for one in found):
        page.line("`backburner notify replay` tries those again that were given up")
    page.finish(
        {"channels": [one.name for one in channels], "notices": [_json(one) for one in found]}
    )
    return 0


def _row(one: "Delivery", now: float, *, is_known: bool) -> tuple[str, ...]:
    if one.given_up_at is not None:
        state = f"given up {when(one.given_up_at, now)}"
    elif is_known:
        state = f"due {when(one.due_at, now)}"
    else:
        state = "its channel is gone"
    return (one.id, one.channel, state, str(one.tries), one.failure)


def _json(one: "Delivery") -> dict[str, Any]:
    return {
        "id": one.id,
        "channel": one.channel,
        "kind": one.kind.value,
        "subject": one.subject,
        "created_at": one.created_at,
        "due_at": one.due_at,
        "tries": one.tries,
        "given_up_at": one.given_up_at,
        "failure": one.failure,
    }


@app.command("replay")
def replay(
    context: typer.Context, notice: NoticeId = None, *, home: Home = None, json: Json = False
) -> int:
    """Try again now what was given up, or the one notice that is named."""
    page = Page(as_json=json)
    with session_of(context).open(home, "default", is_pinned=False) as backburner:
        revived = backburner.notices.replay(notice)
        arrived = backburner.notices.deliver()
    page.line(f"{many(revived, 'notice')} to be tried again, {arrived} arrived")
    page.finish({"replayed": revived, "arrived": arrived})
    return 0
