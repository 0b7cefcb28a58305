"""Single requests at the door: what a person says of them, the route rules, and the checks."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from backburner.client.inbox import Body, bodies_as_written, check_bodies
from backburner.client.parting import Rulebook
from backburner.client.routing import Moment, check_models, timing_given
from backburner.errors import InputError
from backburner.nouns.budget import billing_of
from backburner.nouns.given import several, text
from backburner.nouns.lane import LaneDefaults
from backburner.nouns.model import betas_of
from backburner.nouns.request import read_params
from backburner.nouns.route import UNROUTED, Asked, Route, kind_of
from backburner.nouns.ticket import Submission, TicketTerms
from backburner.nouns.urgency import Timing, Urgency
from backburner.plan.promises import Said, check_may_be_sync, timing_of
from backburner.plan.routing import reroute, route
from backburner.runs.input_warnings import InputWarning
from backburner.runs.routed_list import measured


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOptions:
    """What single requests are to be, as a person says it.

    Attributes:
        urgency: `now`, `soon` or `window`; the lane's next window where nothing is said.
        by: When the answers have to be there: a local time such as `07:00`, a day and a time,
            or a datetime.
        within: The same as a span from now, such as `6h`, or a timedelta.
        rescue: What may be spent on asking sync should a deadline be in danger, in US dollars.
        tags: Words for what they are for; each may have a budget.
        owner: One word for whoever pays.
        betas: Beta names.
        kind: One word for what sort of work it is; route rules look at it.
        routed: Whether the route rules of the configuration are applied.
        allow_unknown_price: Whether a model may be asked of which no price is known.
    """

    urgency: str | None = None
    by: str | datetime | None = None
    within: str | timedelta | None = None
    rescue: str | float | None = None
    tags: tuple[str, ...] = ()
    owner: str = ""
    betas: tuple[str, ...] = ()
    kind: str = ""
    routed: bool = True
    allow_unknown_price: bool = False

    def over(self, usual: LaneDefaults) -> Self:
        """The same, with what holds in a lane where a person said nothing."""
        return replace(self, tags=self.tags or usual.tags, owner=self.owner or usual.owner)

    def timing(self, moment: Moment) -> Timing | None:
        """When they have to travel; None where nobody said.

        Raises:
            InputError: It is no time, lies in the past, or contradicts itself.
            ZoneNeeded: It is a local time, and no zone is known.
        """
        if self.urgency not in (None, Urgency.NOW, Urgency.SOON, Urgency.WINDOW):
            raise InputError(
                f"{self.urgency!r} is no urgency",
                hint="there is now, soon and window; or give a deadline",
            )
        said = Said(by=self.by, within=self.within, urgency=self.urgency, rescue=self.rescue)
        if said.is_nothing:
            return None
        if said == Said(urgency=Urgency.NOW):
            return Timing(urgency=Urgency.NOW)
        return timing_of(said, moment.now, moment.zone)


def submissions(
    book: Rulebook,
    bodies: Iterable[Body],
    options: TicketOptions,
    keys: Iterable[str | None] | None,
    known_models: Collection[str],
    warned: Callable[[InputWarning], None] = lambda _warning: None,
) -> list[Submission]:
    """Single requests under the route rules, checked at the door.

    Raises:
        InputError: One of them is no JSON object, or a word of the options is wrong.
        InputFaults: A batch would refuse one of them.
        ConfigError: A rule gives a model that is not known.
    """
    written = bodies_as_written(bodies)
    terms, asked = _terms(options), options.timing(book.moment)
    routes = _Routes(book, options, terms, known_models)
    routed = [routes.take(body) for body in written]
    for warning in check_bodies([body for body, _ in routed], terms.betas, known_models):
        warned(warning)
    named = (None,) * len(written) if keys is None else several("keys", keys)
    if len(named) != len(written):
        raise InputError(
            f"there are {len(written):,} requests and {len(named):,} keys",
            hint="give each request a key, or None",
        )
    timings = [timing_given(route.give, asked, book.moment) or Timing() for _, route in routed]
    for timing in timings:
        check_may_be_sync(timing, terms.betas)
    return [
        Submission(
            lane=route.give.lane or book.lane,
            asked=before,
            body=body,
            key=None if key is None else text("key", key),
            terms=replace(terms, timing=timing, route=route.rule),
        )
        for before, (body, route), timing, key in zip(written, routed, timings, named, strict=True)
    ]


def _terms(options: TicketOptions) -> TicketTerms:
    billing = billing_of(tags=options.tags, owner=options.owner)
    return TicketTerms(betas=betas_of(options.betas), owner=billing.owner, tags=billing.tags)


class _Routes:
    """Takes single requests under the rules; no rule takes any where none are to be looked at."""

    def __init__(
        self,
        book: Rulebook,
        options: TicketOptions,
        terms: TicketTerms,
        known_models: Collection[str],
    ) -> None:
        self._rules = book.rules if options.routed else ()
        self._asked = Asked(
            kind=kind_of(options.kind),
            tags=frozenset(filter(None, terms.tags.split(","))),
            lane=book.lane,
            owner=terms.owner,
        )
        if not options.allow_unknown_price:
            check_models(self._rules, known_models, book.file)

    def take(self, body: bytes) -> tuple[bytes, Route]:
        """A body with what its rule gives, and the rule."""
        if not self._rules:
            return body, UNROUTED
        model = read_params(body).model
        asked = replace(self._asked, model=model if isinstance(model, str) else "")
        chosen = route(self._rules, measured(asked, body, self._rules))
        return reroute(body, chosen.give)[0], chosen
