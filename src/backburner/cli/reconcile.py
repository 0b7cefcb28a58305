"""`reconcile`: our ledger beside Anthropic's own account of usage and cost."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, session_of
from backburner.cli.words import many
from backburner.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from backburner.report.reconciling import Line, Reconciled

Since = Annotated[
    str | None, typer.Option("--since", metavar="DAY", help="The first day, of UTC [a week ago]")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="DAY", help="The last day, of UTC [today]")
]
From = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="FILE", help="A saved page of either report; none is asked for"),
]

DIFFERS: Final = 3
_WEEK_DAYS: Final = 7


def reconcile(
    context: typer.Context,
    *,
    since: Since = None,
    until: Until = None,
    files: From = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Compare the ledger with Anthropic's usage and cost reports.

    Needs a key of an administrator in ANTHROPIC_ADMIN_KEY, or saved pages.
    """
    from backburner.client.reconciling import (  # noqa: PLC0415  # not for --help
        reconcile_ledger,
        unsettled,
    )
    from backburner.clock import StoreClock  # noqa: PLC0415  # not for --help
    from backburner.report.bills import bill_of  # noqa: PLC0415  # as above

    session = session_of(context)
    page = Page(as_json=json)
    first, end = _period(since, until, (session.clock or StoreClock()).now())
    pages = _saved(files) if files else _asked(context, first, end)
    bill = bill_of(pages)
    with session.open(home, "default") as backburner:
        found = reconcile_ledger(backburner.tools, bill, first.timestamp(), end.timestamp())
        pending = unsettled(backburner.tools)
    _show(page, found, pending)
    page.finish(_json(found, pending))
    return 0 if found.agrees else DIFFERS


def _period(since: str | None, until: str | None, now: float) -> "tuple[datetime, datetime]":
    """The first moment of the first day, and that after the last day."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415  # not for --help

    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    last = _day(until) if until else today
    first = _day(since) if since else last - timedelta(days=_WEEK_DAYS)
    if first > last:
        raise InputError(f"--since {since} is after the last day", hint="name an earlier day")
    return first, last + timedelta(days=1)


def _day(word: str) -> "datetime":
    from datetime import UTC, datetime  # noqa: PLC0415  # not for --help

    try:
        return datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"{word!r} is no day", hint="write it as 2026-11-22") from None


def _saved(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        try:
            yield str(file), file.read_bytes()
        except OSError as error:
            raise InputError(
                f"{file} cannot be read: {error.strerror}", hint="check the path"
            ) from error


def _asked(
    context: typer.Context, first: "datetime", end: "datetime"
) -> Iterator[tuple[str, bytes]]:
    from backburner.upstream.admin import (  # noqa: PLC0415  # not for --help
        COSTS,
        USAGE,
        admin_client,
        report_pages,
    )

    session = session_of(context)
    client = admin_client(session.environment, session.client)
    for path in (USAGE, COSTS):
        for content in report_pages(client, path, _stamp(first), _stamp(end)):
            yield path, content


def _stamp(at: "datetime") -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(page: Page, found: "Reconciled", pending: int) -> None:
    headings = ("day (UTC)", "workspace", "our tokens", "their tokens", "ours", "theirs", "gap")
    rows = [_row(line) for line in found.lines]
    if found.lines:
        page.table(headings, [*rows, _total(found)], "  rrrrr")
        page.line()
    for note in _notes(found, pending):
        page.line(note)


def _row(line: "Line") -> list[str]:
    return [
        line.day,
        line.workspace or "default",
        f"{line.our_tokens:,}",
        "" if line.their_tokens is None else f"{line.their_tokens:,}",
        line.ours.show(),
        "" if line.theirs is None else line.theirs.show(),
        "" if line.gap is None else line.gap.show(),
    ]


def _total(found: "Reconciled") -> list[str]:
    ours = sum(line.our_tokens for line in found.lines)
    theirs = found.theirs
    return [
        "all",
        "",
        f"{ours:,}",
        "" if found.token_gap is None else f"{ours + found.token_gap:,}",
        found.ours.show(),
        "" if theirs is None else theirs.show(),
        "" if theirs is None else (theirs - found.ours).show(),
    ]


def _notes(found: "Reconciled", pending: int) -> Iterator[str]:
    if not found.lines:
        yield "nothing of ours ended in the days that were read"
    elif found.agrees:
        yield "the ledger agrees with Anthropic's account"
    else:
        yield "the ledger and Anthropic's account differ; what may explain it:"
        yield "- other programs that send batches in the same workspace"
        yield "- reports are some minutes late, and the last hour may lack something"
    if found.is_only_shifted:
        yield (
            "single days differ, and the whole does not: Anthropic books when a request was "
            "processed, we when its batch had ended"
        )
    if pending:
        yield f"{many(pending, 'batch')} sent and not collected: theirs may have them, ours not yet"
    if found.unpriced:
        yield f"{many(found.unpriced, 'request')} without a known price: in no sum of ours"
    if found.searches.picodollars:
        yield (
            f"web searches cost {found.searches.show()} by their account, which does not say "
            "whether in batches: ours are in our sums, and theirs are not"
        )


def _json(found: "Reconciled", pending: int) -> dict[str, Any]:
    return {
        "agrees": found.agrees,
        "ours_usd": found.ours.usd(),
        "theirs_usd": None if found.theirs is None else found.theirs.usd(),
        "token_gap": found.token_gap,
        "searches_usd": found.searches.usd(),
        "requests_unpriced": found.unpriced,
        "batches_not_collected": pending,
        "lines": [
            {
                "day": line.day,
                "workspace": line.workspace,
                "our_tokens": line.our_tokens,
                "their_tokens": line.their_tokens,
                "ours_usd": line.ours.usd(),
                "theirs_usd": None if line.theirs is None else line.theirs.usd(),
            }
            for line in found.lines
        ],
    }
