"""What the prompts of a list begin with in common: a prefix trie in bounded memory."""

import struct
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import msgspec

from backburner.plan.caching.terms import MOST_MARKS, Ttl
from backburner.plan.caching.trie import ROOT, Trie
from backburner.runs.blocks import Block, Prompt, Section
from backburner.runs.marking import own_marks

MOST_NODES: Final = 50_000
"""Prefixes that are kept in memory at a time: some 15 MB."""

_DIGEST_BYTES: Final = 16
_FRAME: Final = struct.Struct("<BIQ")
"""Before a block's bytes: its section, its message and its length, so that no two prompts agree
whose blocks only run together to the same bytes."""

_FOR_ALL: Final = ("model", "mcp_servers", "inference_geo", "container", "context_management")
_FOR_MESSAGES: Final = ("tool_choice", "thinking", "output_config")
"""What makes another prefix though it stands in no block: of all, and of messages alone.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (what invalidates the cache),
read 2026-08-22. What the page does not name counts for all, which costs at most a saving.
"""

_CODES: Final = {None: 0, Ttl.FIVE_MINUTES: 1, Ttl.ONE_HOUR: 2}
_IMAGE: Final = b'"image"'
_CITATIONS: Final = b'"citations"'
_TEXT: Final = b'{"type":"text","text":'


class Border(msgspec.Struct, frozen=True, gc=False):
    """The end of a block that takes a mark or has one.

    Attributes:
        digest: Of all that the cache compares up to here.
        block: The number of the block.
        text_bytes: Bytes of text up to here.
    """

    digest: bytes
    block: int
    text_bytes: int


def borders(prompt: Prompt) -> Iterator[Border]:
    """The places of a prompt where a mark may stand, from the front."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for key in _FOR_ALL:
        _take(digest, prompt, key)
    _take_format(digest, prompt)
    size, section = 0, Section.TOOLS
    for number, block in enumerate(prompt.blocks):
        if section < block.section:
            _enter(digest, prompt, section, block.section)
            section = block.section
        _take_block(digest, prompt.body, block)
        size += block.text_bytes
        if block.takes_mark or block.own is not None:
            yield Border(digest.digest(), number, size)


def _enter(digest: blake2b, prompt: Prompt, before: Section, now: Section) -> None:
    """Take in what counts from a section on."""
    messages = prompt.parts.get("messages", msgspec.Raw(b""))
    if before is Section.TOOLS:
        digest.update(b"\x01" if _CITATIONS in bytes(messages) else b"\x00")
    if now is Section.MESSAGES:
        digest.update(b"\x01" if _IMAGE in bytes(messages) else b"\x00")
        for key in _FOR_MESSAGES:
            _take(digest, prompt, key)


def _take(digest: blake2b, prompt: Prompt, key: str) -> None:
    value = bytes(prompt.parts.get(key, msgspec.Raw(b"")))
    digest.update(len(value).to_bytes(8, "little"))
    digest.update(value)


class _Output(msgspec.Struct, gc=False):
    format: msgspec.Raw = msgspec.Raw(b"")


_output = msgspec.json.Decoder(_Output | None).decode


def _take_format(digest: blake2b, prompt: Prompt) -> None:
    """Take in the schema of the answer, which may become part of the system prompt."""
    try:
        output = _output(prompt.parts["output_config"])
    except (KeyError, ValueError):
        return
    digest.update(b"" if output is None else bytes(output.format))


def _take_block(digest: blake2b, body: bytes, block: Block) -> None:
    raw = memoryview(body)[block.start : block.end]
    said = block.role.encode()
    size = len(raw) + (len(_TEXT) + 1 if block.is_string else 0)
    digest.update(_FRAME.pack(block.section, block.turn, size) + said)
    if block.is_string:
        digest.update(_TEXT)
        digest.update(raw)
        digest.update(b"}")
    else:
        digest.update(raw)


class Prefixes:
    """The prefixes of one model's prompts, and how many requests begin with each.

    Where there are too many, those seen least are forgotten, and counted from the start when they
    come again: a count is never too high.

    Args:
        shortest_bytes: Bytes of text below which a prefix is not worth keeping.
        most: How many prefixes are kept.
    """

    def __init__(self, shortest_bytes: int, most: int = MOST_NODES) -> None:
        self._shortest = shortest_bytes
        self._most = most
        self._numbers: dict[bytes, int] = {}
        self._parents = array("q")
        self._sizes = array("q")
        self._requests = array("q")
        self._sections = bytearray()
        self._free = bytearray()
        self._own = bytearray()
        self._firsts = array("q")

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def digests(self) -> list[bytes]:
        """Of each prefix, in the order of the trie's nodes."""
        return list(self._numbers)

    def text_bytes(self, node: int) -> int:
        """Bytes of text of one of them."""
        return self._sizes[node]

    @property
    def sections(self) -> list[Section]:
        """What each of them ends in."""
        return [Section(number) for number in self._sections]

    @property
    def firsts(self) -> list[int]:
        """The number of the first request of each of them, by order of counting in."""
        return list(self._firsts)

    def add(
        self,
        prompt: Prompt,
        requests: int = 1,
        until: Section = Section.MESSAGES,
        number: int = 0,
    ) -> None:
        """Count a prompt in, up to the end of a section.

        Args:
            prompt: A request's.
            requests: How many requests have it.
            until: The last section that is looked at.
            number: The request's, by which it is known as the first with its prefix.
        """
        own = own_marks(prompt)
        parent = ROOT
        for border in borders(prompt):
            section = prompt.blocks[border.block].section
            if section > until:
                break
            if border.text_bytes >= self._shortest:
                parent = self._node(parent, border, section, own)
                if parent == len(self._firsts):
                    self._firsts.append(number)
                self._requests[parent] += requests
        if len(self._numbers) > self._most:
            self._forget()

    def _node(self, parent: int, border: Border, section: Section, own: dict[int, Ttl]) -> int:
        node = self._numbers.setdefault(border.digest, len(self._parents))
        free, mark = MOST_MARKS - len(own), _CODES[own.get(border.block)]
        if node == len(self._parents):
            self._parents.append(parent)
            self._sizes.append(border.text_bytes)
            self._requests.append(0)
            self._sections.append(section)
            self._free.append(max(free, 0))
            self._own.append(mark)
        self._free[node] = max(min(self._free[node], free), 0)
        if self._own[node] != mark:
            self._own[node] = 0
        return node

    def _forget(self) -> None:
        """Forget what was seen least, until at most half is left."""
        least = 1
        while len(self._numbers) > self._most // 2:
            self._keep([node for node, seen in enumerate(self._requests) if seen > least])
            least *= 2

    def _keep(self, kept: list[int]) -> None:
        # A prefix is seen at least as often as what goes on from it, so no parent goes alone.
        place = {node: number for number, node in enumerate(kept)}
        digests = list(self._numbers)
        self._numbers = {digests[node]: number for number, node in enumerate(kept)}
        parents = self._parents
        self._parents = array("q", (place.get(parents[node], ROOT) for node in kept))
        self._sizes = array("q", (self._sizes[node] for node in kept))
        self._requests = array("q", (self._requests[node] for node in kept))
        self._sections = bytearray(self._sections[node] for node in kept)
        self._free = bytearray(self._free[node] for node in kept)
        self._own = bytearray(self._own[node] for node in kept)
        self._firsts = array("q", (self._firsts[node] for node in kept))

    def trie(self, bytes_per_hundred_tokens: int) -> Trie:
        """The prefixes as a planner takes them."""
        depths = [size * 100 // bytes_per_hundred_tokens for size in self._sizes]
        tokens = (
            depth if parent == ROOT else depth - depths[parent]
            for depth, parent in zip(depths, self._parents, strict=True)
        )
        return Trie(
            parents=self._parents[:],
            tokens=array("q", tokens),
            requests=self._requests[:],
            free=bytes(self._free),
            own=bytes(self._own),
        )
