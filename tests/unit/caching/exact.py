"""Two exact answers for small tries, found without any cleverness."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import combinations, product

from backburner.plan.caching.terms import CacheTerms, Ttl
from backburner.plan.caching.trie import ROOT, Trie


def paths(trie: Trie) -> list[list[int]]:
    """The nodes from the top to each node, itself included."""
    found: list[list[int]] = []
    for node, parent in enumerate(trie.parents):
        found.append([*(found[parent] if parent != ROOT else []), node])
    return found


def expected_cost(trie: Trie, marks: Mapping[int, Ttl], terms: CacheTerms) -> Fraction:
    """What all prompts cost in units of the rates, token by token of every request."""
    total = Fraction(trie.rest_tokens * terms.input)
    routes = paths(trie)
    for node, route in enumerate(routes):
        ending = trie.requests[node] - sum(
            trie.requests[child] for child, parent in enumerate(trie.parents) if parent == node
        )
        total += ending * _plain_tail(trie, route, marks, terms)
    for node, ttl in marks.items():
        before, covered = _split(trie, routes[node], marks, terms)
        if covered is None:
            continue
        total += (covered - before) * _shared(terms, trie.requests[node], ttl)
    return total


def _shared(terms: CacheTerms, requests: int, ttl: Ttl) -> Fraction:
    hit = Fraction(round(terms.hits.of(ttl) * 1_000_000), 1_000_000)
    again = hit * terms.read + (1 - hit) * terms.write(ttl)
    return terms.write(ttl) + (requests - 1) * again if requests else Fraction(0)


def _effective(
    trie: Trie, route: list[int], marks: Mapping[int, Ttl], terms: CacheTerms
) -> list[tuple[int, int]]:
    """The marked nodes of a route that are deep enough, with their depths."""
    depth, found = 0, []
    for node in route:
        depth += trie.tokens[node]
        if node in marks and depth >= terms.minimum_tokens:
            found.append((node, depth))
    return found


def _split(
    trie: Trie, route: list[int], marks: Mapping[int, Ttl], terms: CacheTerms
) -> tuple[int, int | None]:
    """The depths of a marked node's nearest mark above and of itself; None without effect."""
    found = _effective(trie, route, marks, terms)
    if not found or found[-1][0] != route[-1]:
        return 0, None
    return (found[-2][1] if len(found) > 1 else 0), found[-1][1]


def _plain_tail(trie: Trie, route: list[int], marks: Mapping[int, Ttl], terms: CacheTerms) -> int:
    found = _effective(trie, route, marks, terms)
    whole = sum(trie.tokens[node] for node in route)
    return (whole - (found[-1][1] if found else 0)) * terms.input


def legal_marks(trie: Trie, ttls: tuple[Ttl, ...], most: int) -> Iterator[dict[int, Ttl]]:
    """Every choice of marks that the API takes, next to those that are there already."""
    routes = paths(trie)
    own = {node: ttl for node in range(len(trie)) if (ttl := trie.own_at(node))}
    open_nodes = [node for node in range(len(trie)) if node not in own]
    for choice in product((None, *ttls), repeat=len(open_nodes)):
        added = {node: ttl for node, ttl in zip(open_nodes, choice, strict=True) if ttl}
        if all(_is_legal(trie, routes[node], added, own, most) for node in range(len(trie))):
            yield added


def _is_legal(
    trie: Trie, route: list[int], added: Mapping[int, Ttl], own: Mapping[int, Ttl], most: int
) -> bool:
    mine = [node for node in route if node in added]
    for place, node in enumerate(mine):
        if place >= min(most, most - 4 + trie.free_at(node)):
            return False
    every = [(node, added.get(node) or own[node]) for node in route if node in added or node in own]
    for place, (node, ttl) in enumerate(every):
        shorter = any(
            other is Ttl.FIVE_MINUTES and (node in added or above in added)
            for above, other in every[:place]
        )
        if ttl is Ttl.ONE_HOUR and shorter:
            return False
    return True


def best_saving(trie: Trie, terms: CacheTerms, ttls: tuple[Ttl, ...], most: int) -> Fraction:
    """The best that any marking saves, the same for all requests through a node."""
    own = {node: ttl for node in range(len(trie)) if (ttl := trie.own_at(node))}
    before = expected_cost(trie, own, terms)
    return before - min(
        expected_cost(trie, {**own, **added}, terms) for added in legal_marks(trie, ttls, most)
    )


def best_cost_per_request(trie: Trie, terms: CacheTerms, ttl: Ttl, most: int) -> int:
    """The least cost if each request chooses its own marks and every possible read happens.

    Requests go in the order of the trie. A request reads the deepest living entry that is not
    behind its last mark; all borders are within the API's look-back of 20 blocks.
    """
    states: dict[frozenset[int], int] = {frozenset(): 0}
    for route in _in_order(trie):
        states = _serve(states, route, trie.depths(), terms, ttl, most)
    return min(states.values())


def _serve(
    states: dict[frozenset[int], int],
    route: list[int],
    depths: list[int],
    terms: CacheTerms,
    ttl: Ttl,
    most: int,
) -> dict[frozenset[int], int]:
    end = depths[route[-1]]
    places = [node for node in route if depths[node] >= terms.minimum_tokens]
    after: dict[frozenset[int], int] = {}
    for live, so_far in states.items():
        kept = live & frozenset(route)
        for count in range(min(most, len(places)) + 1):
            for marks in combinations(places, count):
                last = depths[marks[-1]] if marks else 0
                read = max((depths[n] for n in kept if depths[n] <= last), default=0)
                cost = read * terms.read + (last - read) * terms.write(ttl)
                cost += so_far + (end - last) * terms.input
                state = kept | frozenset(marks)
                after[state] = min(cost, after.get(state, cost))
    return after


def _in_order(trie: Trie) -> list[list[int]]:
    """The route of every request, depth first."""
    routes = paths(trie)
    found = []
    for node, route in enumerate(routes):
        below = sum(trie.requests[n] for n, parent in enumerate(trie.parents) if parent == node)
        found += [route] * (trie.requests[node] - below)
    return sorted(found)
