"""The prefix trie: what the prompts of many requests have in common, in flat arrays."""

from array import array
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from backburner.plan.caching.terms import MOST_MARKS, Ttl

ROOT: Final = -1
"""The parent of a node that begins a prompt."""

_OWN: Final = (None, Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trie:
    """Borders at which a cache mark may stand; a request is a path down from the top.

    Nodes are numbers. A node's edge leads to it from its parent, which has a smaller number.

    Attributes:
        parents: Of each node, or `ROOT`.
        tokens: Of each node's own edge.
        requests: How many requests go through each node.
        free: How many marks are free in each request through a node: 4 less the most marks that
            any of them carries already. Empty for 4 everywhere.
        own: The mark that the requests through a node carry there already: 0 none, 1 five minutes,
            2 one hour. Empty for none.
        rest_tokens: All tokens of the requests that are behind their last node.
    """

    parents: Sequence[int]
    tokens: Sequence[int]
    requests: Sequence[int]
    free: bytes = b""
    own: bytes = b""
    rest_tokens: int = 0

    def __post_init__(self) -> None:
        count = len(self.parents)
        if len(self.tokens) != count or len(self.requests) != count:
            raise ValueError("a trie's arrays differ in length")
        if len(self.free) not in {0, count} or len(self.own) not in {0, count}:
            raise ValueError("a trie's marks are given for all nodes or for none")
        if any(parent >= node or parent < ROOT for node, parent in enumerate(self.parents)):
            raise ValueError("a node's parent comes before it")
        if min(self.tokens, default=0) < 0 or min(self.requests, default=0) < 0:
            raise ValueError("a count is negative")
        self._check_requests()

    def _check_requests(self) -> None:
        left = array("q", self.requests)
        for node, parent in enumerate(self.parents):
            if parent != ROOT:
                left[parent] -= self.requests[node]
        if min(left, default=0) < 0:
            raise ValueError("more requests go through a node's children than through it")

    def __len__(self) -> int:
        return len(self.parents)

    def depths(self) -> Sequence[int]:
        """Tokens from the top to each node, its own edge included."""
        depths = array("q", self.tokens)
        for node, parent in enumerate(self.parents):
            if parent != ROOT:
                depths[node] += depths[parent]
        return depths

    def free_at(self, node: int) -> int:
        """Marks that are free in each request through a node."""
        return self.free[node] if self.free else MOST_MARKS

    def own_at(self, node: int) -> Ttl | None:
        """The mark that is at a node already."""
        return _OWN[self.own[node]] if self.own else None

    def prompt_tokens(self) -> int:
        """All tokens of all requests."""
        shared = sum(map(int.__mul__, self.tokens, self.requests))
        return shared + self.rest_tokens


@dataclass(slots=True)
class TrieBuilder:
    """Makes a trie of prompts, one after the other; memory grows with its nodes alone."""

    _parents: "array[int]" = field(default_factory=lambda: array("q"))
    _tokens: "array[int]" = field(default_factory=lambda: array("q"))
    _requests: "array[int]" = field(default_factory=lambda: array("q"))
    _nodes: dict[tuple[int, Hashable], int] = field(default_factory=dict)
    _rest_tokens: int = 0

    def add(self, blocks: Iterable[tuple[Hashable, int]], *, rest_tokens: int = 0) -> None:
        """Add a request.

        Args:
            blocks: What its prompt consists of, in the order of the cache: of each block a key,
                equal where the blocks are equal, and its tokens.
            rest_tokens: Tokens behind these blocks, which no other request shares.
        """
        node = ROOT
        for key, tokens in blocks:
            node = self._child(node, key, tokens)
            self._requests[node] += 1
        self._rest_tokens += rest_tokens

    def _child(self, parent: int, key: Hashable, tokens: int) -> int:
        node = self._nodes.setdefault((parent, key), len(self._parents))
        if node == len(self._parents):
            self._parents.append(parent)
            self._tokens.append(tokens)
            self._requests.append(0)
        return node

    def trie(self) -> Trie:
        """The trie of what was added so far."""
        return Trie(
            parents=self._parents[:],
            tokens=self._tokens[:],
            requests=self._requests[:],
            rest_tokens=self._rest_tokens,
        )


def trie_of(prompts: Iterable[Iterable[tuple[Hashable, int]]]) -> Trie:
    """The trie of prompts whose blocks are all given, each as a key and its tokens."""
    builder = TrieBuilder()
    for blocks in prompts:
        builder.add(blocks)
    return builder.trie()
