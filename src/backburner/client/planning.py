"""What a run would do and cost: nothing is kept, and nothing is sent but samples to be counted."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from backburner.client.access import Access
from backburner.client.answered import answered_like
from backburner.client.cache_advice import taught, untaught
from backburner.client.checking import Checked, check
from backburner.client.counting import Counts, count
from backburner.client.home import open_home
from backburner.client.preparing import RunOptions, spec_of
from backburner.clock import Clock
from backburner.nouns.batch import Via
from backburner.nouns.lane import LaneTerms
from backburner.nouns.own_price import PriceTerms
from backburner.nouns.urgency import Timing, via_of
from backburner.plan.caching.terms import HitRates
from backburner.plan.estimating import Estimate, Known, estimate_all, planned_hit_rate
from backburner.plan.inputs import UNCOUNTED
from backburner.plan.other_models import cheaper
from backburner.plan.outputs import Answered
from backburner.plan.packing import PackLimits
from backburner.plan.workloads import Workload
from backburner.runs.identity import parts_of
from backburner.store.lanes import lane_get
from backburner.upstream import Upstream
from backburner.upstream.connect import connect
from backburner.upstream.credentials import with_credential

_COUNT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a plan is made.

    Attributes:
        home: The folder whose earlier runs are looked at, if it is there.
        base_url: What a lane with such runs must be pinned to.
        upstream: Counts samples; None where nothing may be sent.
    """

    home: Path
    lane: str
    base_url: str
    clock: Clock
    limits: PackLimits
    terms: PriceTerms
    upstream: Upstream | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a run would do and cost.

    Attributes:
        estimate: None where there are faults, nothing to send, or no known price.
        cheaper: What it would cost with the next cheaper models; for batches of one model only.
        counts: What counting samples came to; None where nothing may be sent.
    """

    checked: Checked
    estimate: Estimate | None = None
    cheaper: tuple[tuple[str, Estimate], ...] = ()
    counts: Counts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What earlier runs of a home say."""

    hits_of: Callable[[str], HitRates] = untaught
    answered: Callable[[str], Answered | None] = lambda _model: None


def plan(
    options: RunOptions,
    setting: Setting,
    stdin: Callable[[], BinaryIO],
    content: BinaryIO | None = None,
) -> Planned:
    """Read an input as `run` would, and say what it would do and cost.

    Args:
        options: What a person asks.
        setting: Where it is asked.
        stdin: Gives standard input.
        content: What is read instead of the source's own bytes.

    Raises:
        InputError: The input cannot be read at all, or options do not go together.
    """
    from backburner import prices  # noqa: PLC0415  # slow to import, and not needed for --help

    now = datetime.fromtimestamp(setting.clock.now(), UTC)
    spec = spec_of(options)
    with _past(setting, options.source, parts_of(spec, "", setting.lane)) as past:
        checked = check(options, setting.limits, now, stdin, setting.terms, past.hits_of, content)
        if checked.fault_count or checked.unpriced or not checked.works:
            return Planned(checked=checked)
        works, counts = checked.works, None
        if setting.upstream is not None:
            counts = count(setting.upstream, setting.clock, works, ",".join(spec.betas))
        known = {work.model: _known(work, checked, past, counts) for work in works}
    tariff = prices.tariff(None, now, setting.terms.own)
    first, via = works[0], via_of((options.timing or Timing()).urgency)
    has_cheaper = len(works) == 1 and via is Via.BATCH
    return Planned(
        checked=checked,
        estimate=estimate_all(tariff, works, lambda work: known[work.model], via),
        cheaper=cheaper(tariff, first, known[first.model]) if has_cheaper else (),
        counts=counts,
    )


def counter(access: Access, lane: LaneTerms) -> Upstream | None:
    """What can count: the upstream behind a client or a credential; None where there is neither."""
    if access.client is not None:
        return Upstream(access.client)
    if not access.has_credential(lane):
        return None
    environment = with_credential(access.environment, lane)
    return connect(environment, create_seconds=_COUNT_SECONDS)


def _known(work: Workload, checked: Checked, past: _Past, counts: Counts | None) -> Known:
    corrections = {} if counts is None else counts.corrections
    return Known(
        answered=past.answered(work.model),
        correction=corrections.get(work.model, UNCOUNTED),
        hit_rate=planned_hit_rate(checked.cache, work.model),
    )


@contextmanager
def _past(setting: Setting, name: str, parts: Mapping[str, str]) -> Iterator[_Past]:
    """What a lane's earlier runs say; nothing where there is no such lane behind that address."""
    if not setting.home.is_dir():
        yield _Past()
        return
    with closing(open_home(setting.home, setting.clock)) as home:
        with home.store.read() as tx:
            lane = lane_get(tx, setting.lane)
        if lane is None or lane.base_url != setting.base_url:
            yield _Past()
            return
        answered = answered_like(home.store, home.vault, setting.lane, name, parts)
        yield _Past(hits_of=taught(home.store), answered=answered)
