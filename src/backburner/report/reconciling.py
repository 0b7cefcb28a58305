"""Our ledger beside Anthropic's own account, by workspace and day of UTC."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from backburner.nouns.money import Money
from backburner.report.bills import Bill, Place
from backburner.store.ledger import Ended

CLOSE: Final = Money(picodollars=5 * 10**9)
"""Half a cent: a gap that is less is none, since how far Anthropic rounds is not documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One workspace on one day.

    Attributes:
        workspace: As Anthropic names it; None is the default workspace.
        ours: What our ledger says, of batches that ended that day.
        theirs: What Anthropic says; None where no cost report was read.
        our_tokens: All tokens of these batches.
        their_tokens: None where no usage report was read.
    """

    workspace: str | None
    day: str
    ours: Money
    theirs: Money | None
    our_tokens: int
    their_tokens: int | None

    @property
    def gap(self) -> Money | None:
        """Theirs less ours."""
        return None if self.theirs is None else self.theirs - self.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """Both accounts of a period.

    Attributes:
        searches: What web searches cost in these workspaces, in batches or not: the cost report
            does not tell, so they are in no line of theirs.
        unpriced: Requests of ours without a known price; they are in no sum of ours.
    """

    lines: tuple[Line, ...]
    searches: Money
    unpriced: int

    @property
    def ours(self) -> Money:
        """All of our side."""
        return Money.total(line.ours for line in self.lines)

    @property
    def theirs(self) -> Money | None:
        """All of theirs; None where no cost report was read."""
        amounts = [line.theirs for line in self.lines if line.theirs is not None]
        return Money.total(amounts) if len(amounts) == len(self.lines) else None

    @property
    def token_gap(self) -> int | None:
        """Their tokens less ours; None where no usage report was read."""
        counts = [line.their_tokens for line in self.lines if line.their_tokens is not None]
        if len(counts) < len(self.lines):
            return None
        return sum(counts) - sum(line.our_tokens for line in self.lines)

    @property
    def agrees(self) -> bool:
        """Whether the whole period agrees, in all that was read."""
        theirs = self.theirs
        is_paid = theirs is None or is_close(theirs - self.ours)
        return is_paid and not self.token_gap

    @property
    def is_only_shifted(self) -> bool:
        """Whether the period agrees, and single days do not."""
        gaps = [line.gap for line in self.lines if line.gap is not None]
        return self.agrees and not all(map(is_close, gaps))


def is_close(gap: Money) -> bool:
    """Whether a gap is less than half a cent."""
    return -CLOSE < gap < CLOSE


def reconcile(booked: Iterable[Ended], bill: Bill) -> Reconciled:
    """Put both accounts side by side, for the workspaces that our lanes used.

    A workspace of ours that the report does not name is taken for the default one, which has no
    name there.
    """
    named = {place[0] for place in (*bill.paid, *bill.tokens) if place[0] is not None}
    paid: Counter[Place] = Counter()
    tokens: Counter[Place] = Counter()
    unpriced = 0
    for one in booked:
        workspace = one.workspace if one.workspace in named else None
        place = workspace, datetime.fromtimestamp(one.at, UTC).date().isoformat()
        if place[1] not in bill.days:
            continue
        tokens[place] += one.tokens
        if one.paid is None:
            unpriced += one.requests
        else:
            paid[place] += one.paid
    ours = {place[0] for place in tokens}
    theirs = {place for place in (*bill.paid, *bill.tokens) if place[0] in ours}
    places = sorted(theirs | tokens.keys(), key=lambda place: (place[0] or "", place[1]))
    return Reconciled(
        lines=tuple(_line(place, paid, tokens, bill) for place in places),
        searches=Money(
            picodollars=sum(cost for place, cost in bill.searches.items() if place[0] in ours)
        ),
        unpriced=unpriced,
    )


def _line(place: Place, paid: Counter[Place], tokens: Counter[Place], bill: Bill) -> Line:
    return Line(
        workspace=place[0],
        day=place[1],
        ours=Money(picodollars=paid[place]),
        theirs=Money(picodollars=bill.paid[place]) if bill.has_costs else None,
        our_tokens=tokens[place],
        their_tokens=bill.tokens[place] if bill.has_usage else None,
    )
