"""`windows`: when a lane's windows open; and what other commands say of them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from backburner.cli.output import Facts, Page
from backburner.cli.session import Home, Json, session_of
from backburner.cli.words import either, many
from backburner.nouns.spans import in_words as span

if TYPE_CHECKING:
    from backburner.client.windows import WindowStanding
    from backburner.nouns.lane import LaneTerms
    from backburner.nouns.window import Opening

Next = Annotated[
    int, typer.Option("--next", metavar="N", min=1, max=366, help="How many openings [7]")
]
Which = Annotated[
    str | None, typer.Option("--lane", metavar="NAME", help="This lane alone", show_default=False)
]


def windows(
    context: typer.Context,
    *,
    next: Next = 7,  # noqa: A002  # what a person types
    lane: Which = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Show when windows open next, in local time and UTC.

    Nights on which the clock is changed are marked.
    """
    from backburner.client.access import find_lane  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # not for --help
    from backburner.config import home_from, lane_book, read_config  # noqa: PLC0415  # as above
    from backburner.plan.windows import next_openings  # noqa: PLC0415  # as above

    session, page = session_of(context), Page(as_json=json)
    config = read_config(session.environment, home)
    now = (session.clock or StoreClock()).now()
    book = lane_book(config)
    if lane is not None:
        find_lane(home or home_from(session.environment), book, lane)
    lanes = [one for one in book.values() if lane in (None, one.name)]
    told: list[dict[str, Any]] = []
    for terms in lanes:
        if not terms.windows or terms.zone is None:
            continue
        found = next_openings(terms.windows, terms.zone, now, next)
        if told:
            page.line()
        _show(page, terms, terms.zone, found, now)
        told.append(_json(terms, terms.zone, found, now))
    if not told and lane is None:
        page.line(f"no lane has windows in {config.file}: each may always send")
    elif not told:
        page.line(f"lane {lane} has no windows in {config.file}: it may always send")
    page.finish({"config": str(config.file), "lanes": told})
    return 0


def _show(
    page: Page, terms: "LaneTerms", zone: str, found: "tuple[Opening, ...]", now: float
) -> None:
    spoken = "; ".join(window.in_words() for window in terms.windows)
    page.line(f"lane {terms.name}: {spoken}, {zone}")
    if not found:
        page.line("  no window opens any more")
        return
    rows = [_row(one, zone, now) for one in found]
    page.table(("opens", "closes", "open for", "opens in UTC", ""), rows)


def _row(one: "Opening", zone: str, now: float) -> list[str]:
    first, last = (datetime.fromtimestamp(at, ZoneInfo(zone)) for at in (one.since, one.until))
    return [
        f"{first:%a %d %b %H:%M}",
        f"{last:%a %d %b %H:%M}",
        span(one.until - one.since).removesuffix(" 0 min"),
        f"{first.astimezone(UTC):%a %d %b %H:%M}",
        "; ".join(_remarks(one, first, last, now)),
    ]


def _remarks(one: "Opening", first: datetime, last: datetime, now: float) -> list[str]:
    remarks = []
    if one.since <= now:
        remarks.append("open now")
    before, after = first.utcoffset(), last.utcoffset()
    if before is not None and after is not None and before != after:
        way = "forward" if after > before else "back"
        remarks.append(f"the clock goes {way} {span(abs((after - before).total_seconds()))}")
    return remarks


def _json(
    terms: "LaneTerms", zone: str, found: "tuple[Opening, ...]", now: float
) -> dict[str, Any]:
    return {
        "lane": terms.name,
        "zone": zone,
        "windows": [window.in_words() for window in terms.windows],
        "openings": [
            {
                "opens": _iso(one.since, zone),
                "closes": _iso(one.until, zone),
                "opens_at": one.since,
                "closes_at": one.until,
                "seconds": one.until - one.since,
                "is_open": one.since <= now,
            }
            for one in found
        ],
    }


def _iso(at: float, zone: str) -> str:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat(timespec="minutes")


def waiting_facts(window: "WindowStanding") -> Facts:
    """What waits for a window, where it is not open."""
    if window.is_open or not window.waiting:
        return []
    facts = [("waiting", f"{many(window.waiting, 'request')} for the window: {_opens(window)}")]
    if window.missed is not None:
        facts.append(("missed", f"{window.missed_in_words()}: nobody was there to send"))
    return facts


def show_waiting(page: Page, window: "WindowStanding") -> None:
    """The same as lines."""
    waits = either(window.waiting, "waits", "wait")
    page.line(f"{many(window.waiting, 'request')} {waits} for the window, which {_opens(window)}")
    if window.missed is not None:
        page.line(f"  its window {window.missed_in_words()} was missed: nobody was there to send")
    page.line(f"  `backburner drain --now{in_lane(window.lane)}` sends them now")


def _opens(window: "WindowStanding") -> str:
    if window.present is None:
        return window.opens
    return f"{window.opens} ({window.zone}), in {span(window.present.since - window.now)}"


def in_lane(name: str) -> str:
    """What names a lane on the command line; nothing for the usual one."""
    return "" if name == "default" else f" --lane {name}"


def standing_json(window: "WindowStanding") -> dict[str, Any]:
    """The same for programs."""
    present, missed = window.present, window.missed
    return {
        "lane": window.lane,
        "zone": window.zone,
        "windows": list(window.windows),
        "is_open": window.is_open,
        "opens_at": None if present is None else present.since,
        "closes_at": None if present is None else present.until,
        "requests_waiting": window.waiting,
        "missed_until": None if missed is None else missed.until,
    }
