"""The receipt: what a run cost, what it would have cost sync, and each saving by its cause."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from backburner.nouns.money import Charge, Money, usd
from backburner.nouns.tariff import WEB_SEARCH
from backburner.report.cache_result import CacheResult
from backburner.report.cancellation import Cancellation

_NOTHING: Final = Money(picodollars=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a run cost.

    The savings are steps of one staircase, so they always add up. It starts with every row as a
    call of its own, through the Messages API, without caching: `sync_equivalent`. Where rows were
    packed, it starts with the packs: what rows would have cost alone was never seen.

    Attributes:
        outcomes: Rows by outcome, or by state where a run is unfinished.
        rows: Rows of the input.
        requests: Requests that were made of them.
        packs: Those of them that asked several rows at once; the others are rows asked alone.
        paid: What the calls cost, as they travelled: batch calls at batch rates, direct calls at
            sync rates, cached tokens at cache rates, every billed attempt included.
        sync_equivalent: A call for each row, sync, with every prompt token as plain input.
        saved_by_collapse: What the rows that share another row's request would have cost again,
            at the sync price of that request without caching.
        saved_by_reuse: What the requests would have cost again whose answers are those of earlier
            runs, sync and without caching.
        saved_by_batch: The calls that were made, without caching, at sync rates, less the same at
            the rates of the service they travelled by. Direct calls save nothing.
        saved_by_cache: The calls that were made, at the rates of their service, without caching,
            less with it. Negative where writes cost more than reads brought back.
        paid_twice: What batches cost that were accepted a second time; part of `paid`.
        unpriced: Billed answers whose model has no known price: they are in no amount.
        web_searches: How many the answers made: part of `paid` at their full price, and of no
            saving.
        reused: Requests whose answers are those of earlier runs.
        took: From the run's start to its end, or to now.
        price_date: The date of the prices.
        price_source: Where the prices come from.
        cache: What came of the run's cache marks; None where it has none.
        cancellation: What came of its requests when it was canceled; None where it was not.
        direct: Answers to direct calls, and `paid_directly` what these cost; part of `paid`.

    Invariant:
        The outcomes sum to `rows`, and sync_equivalent - saved_by_collapse - saved_by_reuse -
        saved_by_batch - saved_by_cache + paid_twice == paid, to the picodollar.
    """

    run: str
    outcomes: Mapping[str, int]
    rows: int
    requests: int
    paid: Money
    sync_equivalent: Money
    saved_by_batch: Money
    saved_by_cache: Money
    saved_by_collapse: Money
    paid_twice: Money
    unpriced: int
    took: timedelta
    price_date: date
    price_source: str
    cache: CacheResult | None = None
    web_searches: int = 0
    packs: int = 0
    reused: int = 0
    saved_by_reuse: Money = _NOTHING
    cancellation: Cancellation | None = None
    direct: int = 0
    paid_directly: Money = _NOTHING

    def __post_init__(self) -> None:
        if sum(self.outcomes.values()) != self.rows:
            raise ValueError(f"{self.rows} rows, but outcomes of {dict(self.outcomes)}")
        if not 0 <= self.requests <= self.rows and not self.packs:
            raise ValueError(f"{self.rows} rows cannot make {self.requests} requests")
        if not 0 <= self.reused <= self.requests:
            raise ValueError(f"{self.requests} requests cannot have reused {self.reused}")
        if self.sync_equivalent - self.saved + self.paid_twice != self.paid:
            raise ValueError(f"savings of {self.saved.usd()} do not add up: {self}")

    @property
    def rows_collapsed(self) -> int:
        """Rows that share the request of another row."""
        return 0 if self.packs else self.rows - self.requests

    @property
    def saved(self) -> Money:
        """All savings together."""
        return Money.total(
            (
                self.saved_by_batch,
                self.saved_by_cache,
                self.saved_by_collapse,
                self.saved_by_reuse,
            )
        )

    def lines(self) -> list[tuple[str, str]]:
        """Labels and values for a terminal, in reading order."""
        return [
            ("rows", f"{self.rows:,}{self._by_outcome()}"),
            ("requests", f"{self.requests:,}{self._collapsed()}"),
            *self._canceled(),
            ("paid", self.in_words(self.paid)),
            *self._searches(),
            *self._direct(),
            ("the same calls sync", self.in_words(self.sync_equivalent)),
            ("saved by batch", self.in_words(self.saved_by_batch)),
            ("saved by cache", self.in_words(self.saved_by_cache)),
            ("saved by collapsing", self.in_words(self.saved_by_collapse)),
            *self._packing(),
            *self._reuse(),
            *self._marks(),
            *self._twice(),
            *self._unpriced(),
            ("took", _duration(self.took)),
            ("prices of", f"{self.price_date.isoformat()} ({self.price_source})"),
        ]

    def in_words(self, amount: Money) -> str:
        """One of its amounts for people: unknown, in whole or in part, where a price is."""
        if not self.unpriced:
            return amount.show()
        return f"{amount.show()} and an unknown amount" if self.paid.picodollars else "unknown"

    def to_json(self) -> dict[str, object]:
        """The receipt as JSON values.

        Money is exact, as decimal strings of US dollars; null where a price is not known.
        """
        return {
            "run": self.run,
            "rows": self.rows,
            "outcomes": {str(name): count for name, count in self.outcomes.items()},
            "requests": self.requests,
            "rows_collapsed": self.rows_collapsed,
            "requests_packed": self.packs,
            "rows_asked_alone": self._alone,
            "paid_usd": self._usd(self.paid),
            "sync_equivalent_usd": self._usd(self.sync_equivalent),
            "saved_by_batch_usd": self._usd(self.saved_by_batch),
            "saved_by_cache_usd": self._usd(self.saved_by_cache),
            "saved_by_collapse_usd": self._usd(self.saved_by_collapse),
            "requests_reused": self.reused,
            "saved_by_reuse_usd": self._usd(self.saved_by_reuse),
            "paid_twice_usd": self._usd(self.paid_twice),
            "answers_unpriced": self.unpriced,
            "answers_direct": self.direct,
            "paid_directly_usd": self._usd(self.paid_directly),
            "web_searches": self.web_searches,
            "web_searches_usd": usd(self.web_searches * WEB_SEARCH),
            "took_seconds": self.took.total_seconds(),
            "price_date": self.price_date.isoformat(),
            "price_source": self.price_source,
            "cache": None if self.cache is None else self.cache.to_json(),
            "canceled": None if self.cancellation is None else self.cancellation.to_json(),
        }

    def _canceled(self) -> list[tuple[str, str]]:
        if self.cancellation is None:
            return []
        return [("canceled", self.cancellation.in_words(self.in_words(self.paid)))]

    def _usd(self, amount: Money) -> str | None:
        return None if self.unpriced else amount.usd()

    def _unpriced(self) -> list[tuple[str, str]]:
        if not self.unpriced:
            return []
        return [("no known price", f"{self.unpriced:,} answers, which are in no amount here")]

    def _packing(self) -> list[tuple[str, str]]:
        if not self.packs:
            return []
        return [("saved by packing", "in no amount: what the rows cost alone is not known")]

    def _marks(self) -> list[tuple[str, str]]:
        return [] if self.cache is None else [("cache marks", self.cache.in_words())]

    def _reuse(self) -> list[tuple[str, str]]:
        if not self.reused:
            return []
        requests = "1 request" if self.reused == 1 else f"{self.reused:,} requests"
        answers = f"the answers of {requests} are those of earlier runs"
        return [("saved by reuse", f"{self.in_words(self.saved_by_reuse)}: {answers}")]

    def _searches(self) -> list[tuple[str, str]]:
        if not self.web_searches:
            return []
        price = Money(picodollars=self.web_searches * WEB_SEARCH).show()
        return [("of it web searches", f"{price} for {self.web_searches:,}, at full price")]

    def _direct(self) -> list[tuple[str, str]]:
        if not self.direct:
            return []
        answers = "1 answer" if self.direct == 1 else f"{self.direct:,} answers"
        words = f"{self.in_words(self.paid_directly)} for {answers}, at the price of sync calls"
        return [("of it asked directly", words)]

    def _twice(self) -> list[tuple[str, str]]:
        if not self.paid_twice.picodollars:
            return []
        return [("paid twice", f"{self.paid_twice.show()} for batches that were accepted late")]

    def _by_outcome(self) -> str:
        parts = [f"{count:,} {name}" for name, count in self.outcomes.items() if count]
        return f": {', '.join(parts)}" if parts else ""

    @property
    def _alone(self) -> int:
        return self.requests - self.packs if self.packs else 0

    def _collapsed(self) -> str:
        if self.packs:
            per_pack = f"{self.rows / self.packs:.1f}".removesuffix(".0")
            packed = f"{self.packs:,} of {per_pack} rows each on average"
            return f" ({packed}; {self._alone:,} rows asked alone)"
        if not self.rows_collapsed:
            return ""
        rows = "1 row" if self.rows_collapsed == 1 else f"{self.rows_collapsed:,} rows"
        return f" ({rows} shared one)"


def make_receipt(
    *,
    run: str,
    outcomes: Mapping[str, int],
    requests: int,
    charges: Iterable[Charge],
    paid_twice: int,
    unpriced: int,
    collapsed_sync: int,
    took: timedelta,
    price_date: date,
    price_source: str,
    cache: CacheResult | None = None,
    web_searches: int = 0,
    packs: int = 0,
    reused: int = 0,
    reused_sync: int = 0,
    cancellation: Cancellation | None = None,
    direct: int = 0,
    paid_directly: int = 0,
) -> Receipt:
    """Add up a run.

    `outcomes` counts rows, and their sum is the number of rows; `charges` are those of every billed
    answer that counts, or sums of them: the run's ledger. `paid_twice` is what late duplicates
    cost, in picodollars. `unpriced` counts answers of which no price is known. `collapsed_sync` is
    in picodollars: for every request, `Charge.sync` of its answers times the rows that share it
    beyond the first. `web_searches` are those of all answers. `packs` are requests that asked
    several rows. `reused` requests have the answers of earlier runs, and would have cost
    `reused_sync` picodollars again. `direct` answers were asked for directly, for `paid_directly`.

    Raises:
        ValueError: There are more requests than rows.
    """
    total = sum(charges, start=Charge())
    return Receipt(
        run=run,
        outcomes=dict(outcomes),
        rows=sum(outcomes.values()),
        requests=requests,
        paid=Money(picodollars=total.paid + paid_twice),
        paid_twice=Money(picodollars=paid_twice),
        unpriced=unpriced,
        sync_equivalent=Money(picodollars=total.sync + collapsed_sync + reused_sync),
        saved_by_batch=Money(picodollars=total.sync - total.uncached),
        saved_by_cache=Money(picodollars=total.uncached - total.paid),
        saved_by_collapse=Money(picodollars=collapsed_sync),
        took=took,
        price_date=price_date,
        price_source=price_source,
        cache=cache,
        web_searches=web_searches,
        packs=packs,
        reused=reused,
        saved_by_reuse=Money(picodollars=reused_sync),
        cancellation=cancellation,
        direct=direct,
        paid_directly=Money(picodollars=paid_directly),
    )


def _duration(took: timedelta) -> str:
    seconds = max(round(took.total_seconds()), 0)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {seconds % 60} s"
    return f"{seconds} s"
