"""Small tries, and terms usual and odd."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import strategies as st

from backburner.plan.caching.terms import CacheTerms, HitRates, Ttl
from backburner.plan.caching.trie import ROOT, Trie

Maker = Callable[..., CacheTerms]


def make_terms(
    *,
    read: int = 100,
    minimum: int = 0,
    hit: float = 1,
    one_hour: float | None = None,
    **rates: int,
) -> CacheTerms:
    """Terms with the usual factors, on a plain rate of 1,000."""
    chosen = {"input": 1_000, "write_5m": 1_250, "write_1h": 2_000, **rates}
    hits = HitRates(five_minutes=hit, one_hour=hit if one_hour is None else one_hour)
    return CacheTerms(minimum_tokens=minimum, read=read, hits=hits, **chosen)


@pytest.fixture
def terms() -> Maker:
    return make_terms


def trie_from(parents: Sequence[int], tokens: Sequence[int], ending: Sequence[int]) -> Trie:
    """A trie by how many requests end at each node."""
    requests = list(ending)
    for node in range(len(parents) - 1, -1, -1):
        if parents[node] != ROOT:
            requests[parents[node]] += requests[node]
    return Trie(parents=parents, tokens=tokens, requests=requests)


@st.composite
def tries(draw: st.DrawFn, most: int = 7, own: bool = False) -> Trie:  # noqa: FBT001, FBT002
    """Any trie of a few nodes, perhaps with users' own marks."""
    count = draw(st.integers(0, most))
    parents = [draw(st.integers(ROOT, node - 1)) for node in range(count)]
    tokens = draw(st.lists(st.integers(0, 2_000), min_size=count, max_size=count))
    ending = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    plain = trie_from(parents, tokens, ending)
    if not own:
        return plain
    marks = bytes(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    free = bytearray(draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)))
    for node in range(count):
        if parents[node] != ROOT:
            free[node] = max(free[node], free[parents[node]])
    return Trie(
        parents=parents, tokens=tokens, requests=plain.requests, free=bytes(free), own=marks
    )


hits = st.one_of(st.sampled_from([0.0, 0.3, 0.6, 0.98, 1.0]), st.floats(0, 1))
rates = st.integers(0, 3_000)
usual = st.builds(
    make_terms,
    hit=hits,
    one_hour=hits,
    read=st.sampled_from([25, 50, 100]),
    minimum=st.sampled_from([0, 1_024]),
)
odd = st.builds(
    make_terms,
    hit=hits,
    one_hour=hits,
    read=rates,
    minimum=st.integers(0, 3_000),
    input=rates,
    write_5m=rates,
    write_1h=rates,
)
ttls = st.sampled_from([(Ttl.FIVE_MINUTES,), (Ttl.ONE_HOUR,), tuple(Ttl)])
