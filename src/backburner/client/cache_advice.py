"""On what terms cache marks are decided: prices, and how often marked prefixes were read so far."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

import msgspec

from backburner.errors import ModelUnknown
from backburner.nouns.batch import Via
from backburner.nouns.given import one_of
from backburner.nouns.tariff import ModelPrice, undated
from backburner.plan.caching.choices import CachePlan, CachePolicy
from backburner.plan.caching.leading import WaveWish
from backburner.plan.caching.learning import Observation, Start, learned_rates
from backburner.plan.caching.terms import CacheTerms, HitRates, cache_minimum, cache_terms
from backburner.runs.cache_marks import CacheAdvice
from backburner.store import Store
from backburner.store.cache_history import CacheUse, cache_uses, past_plans


def cache_advice(
    policy: CachePolicy | str,
    price_of: Callable[[str], ModelPrice],
    hits_of: Callable[[str], HitRates],
    wish: Callable[[str], WaveWish | None] = lambda _model: None,
    unmarked: Callable[[str], int] = lambda _model: 0,
) -> CacheAdvice | None:
    """The terms of each model; None where a person wants no marks.

    Args:
        policy: Who decides.
        price_of: Gives a model's price.
        hits_of: Gives the hit rates to reckon with.
        wish: Gives what is asked of leaders.
        unmarked: Gives the input tokens sent to a model since marks were last tried.
    """
    policy = one_of("cache", policy, CachePolicy)
    if policy is CachePolicy.OFF:
        return None

    @cache
    def terms(model: str) -> CacheTerms | None:
        try:
            price = price_of(model)
        except ModelUnknown:
            return None
        minimum = cache_minimum(model, estimated=True)
        # A dearer step for long prompts leaves the factors of writing and reading as they are.
        return cache_terms(price.rates(0, Via.BATCH), minimum, hits_of(model))

    return CacheAdvice(policy=policy, terms=terms, wish=wish, unmarked=unmarked)


def untaught(model: str) -> HitRates:
    """The hit rates to reckon with where nothing is known of earlier runs."""
    return learned_rates((), model, Start.COLD)


def taught(store: Store) -> Callable[[str], HitRates]:
    """Gives the hit rates that earlier runs of a store make likely, by model."""

    def rates(model: str) -> HitRates:
        with store.read() as tx:
            seen = list(observations(cache_uses(tx, model)))
        return learned_rates(seen, model, Start.COLD)

    return rates


def taught_wish(store: Store, *, leaders: bool | None) -> Callable[[str], WaveWish | None]:
    """Gives what earlier runs make likely of followers, by model.

    Args:
        store: What knows of earlier runs.
        leaders: Whether leaders are asked for; None where there can be none.
    """

    @cache
    def wish(model: str) -> WaveWish | None:
        if leaders is None:
            return None
        with store.read() as tx:
            seen = list(observations(cache_uses(tx, model)))
        return WaveWish(
            is_asked=leaders, led_hit_rate=learned_rates(seen, model, Start.LED).one_hour
        )

    return wish


def unmarked_since(store: Store) -> Callable[[str], int]:
    """Gives the input tokens sent to a model since any run's marks were sent to it."""

    @cache
    def tokens(model: str) -> int:
        with store.read() as tx:
            plans = list(past_plans(tx))
            uses = list(cache_uses(tx, model))
        marked = (one.created_at for one in plans if _marks(one.plan, model))
        last = max(marked, default=None)
        # Who never marked anything has nothing to try again.
        return 0 if last is None else sum(one.input_tokens for one in uses if one.at > last)

    return tokens


def _marks(plan: str, model: str) -> bool:
    marked = msgspec.json.decode(plan, type=CachePlan).marked
    return any(undated(one.model) == undated(model) for one in marked)


def observations(uses: Iterable[CacheUse]) -> Iterator[Observation]:
    """What can be learnt of earlier batches: of those in which all marks lived equally long.

    Where leaders went first, their followers teach, and nothing else of that run does.
    """
    for use in uses:
        plan = msgspec.json.decode(use.plan, type=CachePlan)
        is_led = bool(plan.leads)
        if is_led and (use.first_request is None or use.first_request in plan.leads):
            continue
        marked = [one for one in plan.marked if undated(one.model) == undated(use.model)]
        if len({one.ttl for one in marked}) != 1:
            continue
        # What a run writes first, nobody could have read.
        is_first = use.first_request == 0 and not is_led
        first = sum(one.tokens for one in marked) if is_first else 0
        prefixes = sum(one.prefixes for one in marked) if is_first else 0
        yield Observation(
            at=use.at,
            model=use.model,
            ttl=marked[0].ttl,
            start=Start.LED if is_led else Start.COLD,
            read_tokens=use.read_tokens,
            written_tokens=use.written_tokens,
            first_tokens=first,
            chances=min(use.requests, sum(one.requests for one in marked)) - prefixes,
        )
