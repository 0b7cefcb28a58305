"""Why a prefix is marked or not: values with their numbers, and a sentence of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from backburner.plan.caching.breakpoints import MarkPlan
from backburner.plan.caching.terms import BOTH, CacheTerms, HitRates, Ttl, break_even
from backburner.plan.caching.trie import ROOT, Trie


class Reason(StrEnum):
    """Why a prefix is marked, or why not."""

    PAYS = "pays"
    TOO_SHORT = "too_short"
    TOO_FEW_REQUESTS = "too_few_requests"
    HIT_RATE_TOO_LOW = "hit_rate_too_low"
    OWN_MARK = "own_mark"
    NO_MARK_FREE = "no_mark_free"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about a prefix that requests share.

    Attributes:
        node: Of the trie; None where the prefix was weighed alone.
        prefix_tokens: From the top of the prompt.
        new_tokens: Those behind the nearest mark above.
        ttl: The lifetime decided on, of the user's own mark, or else of what would be best.
        hit_rate: The rate that was reckoned with, for this lifetime.
        break_even: The rate above which it pays; None where it never does.
        saved_tokens: What the mark saves, in uncached input tokens; negative where it would lose.
    """

    reason: Reason
    node: int | None
    prefix_tokens: int
    new_tokens: int
    minimum_tokens: int
    requests: int
    ttl: Ttl
    hit_rate: float
    break_even: Fraction | None
    saved_tokens: Fraction

    @property
    def is_marked(self) -> bool:
        """Whether a mark is added."""
        return self.reason is Reason.PAYS


def best_mark(
    prefix_tokens: int, requests: int, terms: CacheTerms, ttls: Sequence[Ttl] = BOTH
) -> Decision:
    """Whether to mark one prefix that all requests share, and for how long."""
    return _decision(None, (prefix_tokens, prefix_tokens), requests, terms, ttls)


def decisions(
    trie: Trie, plan: MarkPlan, terms: CacheTerms, ttls: Sequence[Ttl] = BOTH
) -> Iterator[Decision]:
    """The decision about each border at which ways part, and about each mark, from the top.

    Borders of a single request are passed over: nothing shares them.
    """
    depths = trie.depths()
    nearest = [0] * len(trie)
    is_passed = _passed(trie)
    for node, parent in enumerate(trie.parents):
        above = nearest[parent] if parent != ROOT else 0
        own = trie.own_at(node)
        ttl = plan.marks.get(node)
        is_marked = (ttl or own) is not None and depths[node] >= terms.minimum_tokens
        nearest[node] = depths[node] if is_marked else above
        if trie.requests[node] < 2 or (is_passed[node] and not ttl and not own):  # noqa: PLR2004
            continue
        lengths = depths[node], depths[node] - above
        allowed = (ttl,) if ttl else (own,) if own else ttls
        weighed = _decision(node, lengths, trie.requests[node], terms, allowed)
        yield _placed(weighed, trie, is_planned=ttl is not None)


def sentence(decision: Decision) -> str:
    """One sentence that says what was decided, with its numbers."""
    rate = f"{decision.hit_rate:.0%}"
    match decision.reason:
        case Reason.PAYS:
            saved = f"{float(decision.saved_tokens):,.0f} input tokens"
            why = f"a {decision.ttl} mark saves about {saved} at a hit rate of {rate}"
            why += _even(decision)
        case Reason.TOO_SHORT:
            why = f"no mark, nothing under {decision.minimum_tokens:,} tokens is sure to be cached"
        case Reason.TOO_FEW_REQUESTS:
            why = "no mark, too few requests to earn back what writing costs"
        case Reason.HIT_RATE_TOO_LOW:
            why = f"no mark, a hit rate of {rate} is too low{_even(decision)}"
        case Reason.OWN_MARK:
            why = f"has its own {decision.ttl} mark, which is kept"
        case Reason.NO_MARK_FREE:
            why = "no mark, the requests carry all the marks they may"
        case Reason.ELSEWHERE:
            why = "no mark, the marks of these requests save more elsewhere"
    shared = f"{decision.prefix_tokens:,} tokens shared by {decision.requests:,} requests"
    return f"{shared}: {why}."


def _even(decision: Decision) -> str:
    even = decision.break_even
    if even is None or even < 0:
        return ""
    return f" (a {decision.ttl} mark pays above {float(even):.0%})"


def _decision(
    node: int | None,
    lengths: tuple[int, int],
    requests: int,
    terms: CacheTerms,
    ttls: Sequence[Ttl],
) -> Decision:
    prefix_tokens, new_tokens = lengths
    ttl = max(ttls, key=lambda one: terms.gain(requests, one))
    gain = terms.gain(requests, ttl)
    return Decision(
        reason=_reason(prefix_tokens, requests, gain, terms, ttls),
        node=node,
        prefix_tokens=prefix_tokens,
        new_tokens=new_tokens,
        minimum_tokens=terms.minimum_tokens,
        requests=requests,
        ttl=ttl,
        hit_rate=terms.hits.of(ttl),
        break_even=break_even(terms, requests, ttl),
        saved_tokens=terms.tokens(new_tokens * gain),
    )


def _reason(
    prefix_tokens: int, requests: int, gain: int, terms: CacheTerms, ttls: Sequence[Ttl]
) -> Reason:
    if prefix_tokens < terms.minimum_tokens:
        return Reason.TOO_SHORT
    if gain > 0:
        return Reason.PAYS
    sure = replace(terms, hits=HitRates(five_minutes=1, one_hour=1))
    if all(sure.gain(requests, ttl) <= 0 for ttl in ttls):
        return Reason.TOO_FEW_REQUESTS
    return Reason.HIT_RATE_TOO_LOW


def _placed(weighed: Decision, trie: Trie, *, is_planned: bool) -> Decision:
    """The decision as the whole trie makes it."""
    node = weighed.node
    if node is None or is_planned:
        return replace(weighed, reason=Reason.PAYS)
    if trie.own_at(node) is not None:
        return replace(weighed, reason=Reason.OWN_MARK)
    if weighed.reason is not Reason.PAYS:
        return weighed
    reason = Reason.ELSEWHERE if trie.free_at(node) else Reason.NO_MARK_FREE
    return replace(weighed, reason=reason)


def _passed(trie: Trie) -> bytearray:
    """Nodes all of whose requests go on to one other."""
    found = bytearray(len(trie))
    for node, parent in enumerate(trie.parents):
        if parent != ROOT and trie.requests[node] == trie.requests[parent]:
            found[parent] = 1
    return found
