"""Looking at an input without keeping it: what `plan` and `check` have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from backburner.cli.choosing import with_model
from backburner.cli.options import Wanted
from backburner.cli.output import Facts, Page
from backburner.cli.route_words import route_facts, routes_json
from backburner.cli.session import Session

if TYPE_CHECKING:
    from backburner.client.access import Access
    from backburner.client.routing import Part
    from backburner.clock import Clock
    from backburner.nouns.own_price import PriceTerms

_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where an input is looked at."""

    session: Session
    page: Page
    access: "Access"
    lane: str
    clock: "Clock"

    @property
    def now(self) -> datetime:
        """When it is looked at."""
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def prices(self, wanted: Wanted) -> "PriceTerms":
        """What is said of prices, here and in the settings."""
        terms = self.access.settings.prices
        return replace(terms, allow_unknown=terms.allow_unknown or wanted.allow_unknown_price)

    def at_parts(
        self, wanted: Wanted, see: "Callable[[Part, Callable[[], BinaryIO]], _Seen]"
    ) -> "list[tuple[Part, _Seen]]":
        """What is seen of each part into which the route rules part an input.

        Args:
            wanted: What a person typed, with what holds in the lane.
            see: Looks at a part; given standard input, which can be read again.
        """
        from backburner import prices  # noqa: PLC0415  # slow to import, not needed for --help
        from backburner.client.checking import models_to_send  # noqa: PLC0415  # as above
        from backburner.client.parting import Reread, each_part, rulebook  # noqa: PLC0415

        terms, stdin = self.prices(wanted), Reread(self.session.stdin)
        settings = self.access.settings
        book = rulebook(
            settings, self.lane, self.clock.now(), lambda: models_to_send(self.now, terms)
        )
        asked = with_model(
            self.session,
            self.page,
            wanted.options(wanted.model or ""),
            stdin,
            book=book,
            usual=settings.lane_terms(self.lane).defaults.model,
            tariff=lambda: prices.tariff(None, self.now, terms.own),
        )
        return each_part(book, asked, stdin, lambda part: see(part, stdin))


def look_of(session: Session, page: Page, home: Path | None, lane: str) -> Look:
    """Where a command looks at its input.

    Raises:
        ConfigError: The file of settings or a variable says something that cannot be.
    """
    from backburner.client.access import access_from  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above

    access = access_from(session.client, session.environment, home)
    clock = session.clock or StoreClock()
    return Look(session=session, page=page, access=access, lane=lane, clock=clock)


def part_facts(part: "Part", requests: int, among: int) -> Facts:
    """What the route rules make of a part, and where its answers would go if there are several."""
    output = part.options.output if among > 1 else None
    return [
        *route_facts(part.taken_of(requests)),
        *([("output", output)] if output is not None else []),
    ]


def parts_json(told: "Sequence[tuple[Part, int, dict[str, Any]]]") -> dict[str, Any]:
    """What was seen of each part, as JSON values: one part alone, or `runs`.

    Args:
        told: The parts, with how many requests each has and what was seen of it.
    """
    runs = [
        {
            **seen,
            "lane": part.lane,
            "output": part.options.output,
            "routes": routes_json(part.taken_of(requests)),
        }
        for part, requests, seen in told
    ]
    return runs[0] if len(runs) == 1 else {"runs": runs}
