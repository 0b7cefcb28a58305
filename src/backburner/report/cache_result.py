"""What came of a run's cache marks, beside what was expected of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from backburner.nouns.money import Money
from backburner.plan.caching.choices import CachePlan
from backburner.store.ledger import LedgerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheResult:
    """Planned against observed. Of tokens that were written or read, the share that was read.

    Attributes:
        expected_reads: The share that the plan reckoned with, first writes included.
        expected_saving: What the plan expected the marks to save.
        read_tokens: Read from the cache, in all answers that were billed so far.
        written_tokens: Written to it.
        saving: What those answers cost less with the cache than without; negative where they cost
            more.
    """

    expected_reads: float
    expected_saving: Money
    read_tokens: int
    written_tokens: int
    saving: Money

    @property
    def reads(self) -> float | None:
        """The share that was read; None where nothing was cached."""
        cached = self.read_tokens + self.written_tokens
        return self.read_tokens / cached if cached else None

    def in_words(self) -> str:
        """Both, in one line."""
        if self.reads is None:
            return "nothing was cached so far: a prefix that is shorter than estimated is not"
        read = f"{_percent(self.reads)} of the marked tokens were read"
        expected = f"{_percent(self.expected_reads)} expected"
        saved = f"saved {self.saving.show()}, {self.expected_saving.show()} expected"
        return f"{read}, {expected}; {saved}"

    def to_json(self) -> dict[str, object]:
        """The same as JSON values. Money is exact, as decimal strings of US dollars."""
        return {
            "expected_reads": self.expected_reads,
            "reads": self.reads,
            "read_tokens": self.read_tokens,
            "written_tokens": self.written_tokens,
            "expected_saving_usd": self.expected_saving.usd(),
            "saving_usd": self.saving.usd(),
        }


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def plan_of(text: str) -> CachePlan | None:
    """The plan that a run's row holds; None where nothing was to be decided."""
    return msgspec.json.decode(text, type=CachePlan) if text else None


def cache_result(text: str, booked: Iterable[LedgerRow]) -> CacheResult | None:
    """What came of the marks of a run; None where it has none.

    Args:
        text: The plan, as the run's row holds it.
        booked: The run's ledger.
    """
    plan = plan_of(text)
    if plan is None or not plan.marked:
        return None
    rows = [row for row in booked if row.paid is not None and row.uncached_price is not None]
    tokens = sum(one.marked_tokens for one in plan.marked)
    reads = sum(one.expected_reads * one.marked_tokens for one in plan.marked)
    return CacheResult(
        expected_reads=reads / tokens if tokens else 0.0,
        expected_saving=Money(picodollars=sum(one.saving for one in plan.marked)),
        read_tokens=sum(row.cache_read_tokens for row in rows),
        written_tokens=sum(row.cache_write_5m_tokens + row.cache_write_1h_tokens for row in rows),
        saving=Money(picodollars=sum((row.uncached_price or 0) - (row.paid or 0) for row in rows)),
    )
