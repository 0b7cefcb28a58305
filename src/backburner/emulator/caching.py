"""The prompt cache: which tokens of a prompt are read, written or fresh.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (2026-08-22). An entry written
by a plain call is not read by a batch, nor the other way round, as users have measured; entries
live per workspace.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from backburner.emulator import parameters, tokens
from backburner.emulator.cacheplan import HitDeck
from backburner.emulator.catalogue import Model
from backburner.emulator.parameters import Params

BREAKPOINTS = 4
LOOK_BACK = 20
LIFETIMES = {"5m": 300.0, "1h": 3_600.0}
_ENTRIES = 200_000
_FORCED = ("any", "tool")


class CacheMarkError(Exception):
    """Cache marks that the API refuses."""


class Split(Struct, frozen=True, gc=False):
    """The tokens of a prompt by what the cache did for them."""

    fresh: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0


class Place(Struct, frozen=True, gc=False):
    """The end of a block: what came before it, in tokens and as a digest, and its mark."""

    end: int
    digest: bytes
    ttl: str | None


@dataclass(slots=True)
class _Entry:
    since: float
    until: float


def is_marked(raw: bytes) -> bool:
    """Whether a body may hold a cache mark; most do not, and need no look at their blocks."""
    return b'"cache_control"' in raw


def input_tokens(params: Params, model: Model) -> int:
    """Tokens of the whole prompt."""
    total = _overhead(params, model)
    if params.system is not UNSET:
        total += _content_tokens(params.system, model)
    for turn in params.messages or ():
        total += tokens.TURN_TOKENS + _content_tokens(turn.content, model)
    for raw in params.tools or ():
        total += tokens.tokens_of_bytes(len(bytes(raw)), model)
    return total


def _overhead(params: Params, model: Model) -> int:
    if not params.tools:
        return tokens.REQUEST_TOKENS
    choice = params.tool_choice
    forced = choice is not UNSET and choice.type in _FORCED
    return tokens.REQUEST_TOKENS + model.tool_tokens[forced]


def _content_tokens(content: str | list[Any], model: Model) -> int:
    if isinstance(content, str):
        return tokens.tokens_of(content, model)
    return sum(_block(bytes(raw), model).tokens for raw in content)


@dataclass(frozen=True, slots=True)
class _Measured:
    tokens: int
    plain: bytes
    ttl: str | None


@lru_cache(maxsize=256)
def _block(raw: bytes, model: Model) -> _Measured:
    """A block's size, its bytes without the mark, and the mark; long ones recur often."""
    fields: dict[str, Any] = msgspec.json.decode(raw)
    mark = fields.pop("cache_control", None)
    plain = msgspec.json.encode(fields)
    if fields.get("type") == "text" and isinstance(fields.get("text"), str):
        size = tokens.tokens_of(fields["text"], model)
    elif fields.get("type") == "image":
        size = tokens.IMAGE_TOKENS
    else:
        size = tokens.tokens_of_bytes(len(plain), model)
    return _Measured(size, plain, _ttl(mark))


def _ttl(mark: Any) -> str | None:
    if mark is None:
        return None
    if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
        raise CacheMarkError("cache_control: Input should be a valid dictionary")
    ttl = mark.get("ttl") or "5m"
    if ttl not in LIFETIMES:
        raise CacheMarkError("cache_control.ttl: Input should be '5m' or '1h'")
    return str(ttl)


def _layout(params: Params, model: Model) -> list[Place]:
    """The ends of all blocks in the order of the cache: tools, system, messages."""
    digest = hashlib.blake2b(model.id.encode(), digest_size=16)
    end = _overhead(params, model)
    places: list[Place] = []

    def add(kind: str, content: str | list[Any]) -> None:
        nonlocal end
        digest.update(kind.encode())
        for raw in [_as_block(content)] if isinstance(content, str) else content:
            block = _block(bytes(raw), model)
            digest.update(block.plain)
            end += block.tokens
            places.append(Place(end, digest.digest(), block.ttl))

    add("tools", params.tools or [])
    add("system", params.system or [])
    for turn in params.messages or ():
        end += tokens.TURN_TOKENS
        add(turn.role, turn.content)
    return places


def _as_block(text: str) -> bytes:
    return msgspec.json.encode({"type": "text", "text": text})


def _with_automatic_mark(places: list[Place], params: Params) -> list[Place]:
    """The places with the mark that a top-level `cache_control` puts on the last block."""
    automatic = params.cache_control
    if not isinstance(automatic, parameters.CacheControl) or not places:
        return places
    last = places[-1]
    if last.ttl == automatic.ttl:
        return places
    if last.ttl is not None:
        raise CacheMarkError("cache_control: the last block is marked with another ttl")
    if sum(place.ttl is not None for place in places) >= BREAKPOINTS:
        raise CacheMarkError(_too_many(BREAKPOINTS + 1))
    return [*places[:-1], Place(last.end, last.digest, automatic.ttl)]


def _too_many(found: int) -> str:
    return f"A maximum of {BREAKPOINTS} blocks with cache_control may be provided. Found {found}."


def marked_places(params: Params, model: Model) -> list[Place]:
    """All places of a marked prompt.

    Raises:
        CacheMarkError: Too many marks, a short one before a long one, or no proper mark.
    """
    places = _with_automatic_mark(_layout(params, model), params)
    marks = [place.ttl for place in places if place.ttl is not None]
    if len(marks) > BREAKPOINTS:
        raise CacheMarkError(_too_many(len(marks)))
    if "5m" in marks and "1h" in marks[marks.index("5m") :]:
        raise CacheMarkError("a ttl='1h' cache_control block must not come after a ttl='5m' one")
    return places


class PromptCache:
    """The entries of all workspaces, on the world's clock."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, bytes], _Entry] = {}

    def split(
        self,
        places: list[Place],
        model: Model,
        *,
        scope: str,
        at: float,
        lucky: bool = True,
        deck: HitDeck | None = None,
    ) -> Split:
        """What the cache does for a marked prompt at a moment, and remembers for later ones.

        Args:
            places: The prompt.
            model: Its model.
            scope: Who shares entries.
            at: When the request is processed, in POSIX seconds.
            lucky: Whether a possible read happens.
            deck: What says instead whether one happens, possible or not.
        """
        total = places[-1].end if places else 0
        marked = [
            index
            for index, place in enumerate(places)
            if place.ttl is not None and place.end >= model.cache_minimum
        ]
        if not marked:
            return Split(total)
        if deck is not None:
            read = self._dealt(places, marked, scope, deck)
        else:
            read = self._longest(places, marked, scope, at) if lucky else 0
        for index in marked:
            if places[index].end >= read:
                self._write(places[index], scope, at)
        long = max((places[index].end for index in marked if places[index].ttl == "1h"), default=0)
        last = places[marked[-1]].end
        return Split(
            fresh=total - last,
            read=read,
            write_1h=max(0, long - read),
            write_5m=last - max(read, long),
        )

    def _longest(self, places: list[Place], marked: list[int], scope: str, at: float) -> int:
        """Tokens of the longest prefix with an entry, which is thereby refreshed."""
        for index in reversed(marked):
            ttl = places[index].ttl or "5m"
            for place in places[max(0, index - LOOK_BACK + 1) : index + 1][::-1]:
                entry = self._entries.get((scope, place.digest))
                if entry is not None and entry.since <= at < entry.until:
                    entry.until = max(entry.until, at + LIFETIMES[ttl])
                    return place.end
        return 0

    def _dealt(self, places: list[Place], marked: list[int], scope: str, deck: HitDeck) -> int:
        """Tokens read by a request for which a deck decides.

        It reads the longest prefix that anybody has ever written, or all that is marked.
        """
        ends = [places[i].end for i in marked if (scope, places[i].digest) in self._entries]
        if not deck.deal(new=not ends):
            return 0
        return max(ends, default=places[marked[-1]].end)

    def _write(self, place: Place, scope: str, at: float) -> None:
        until = at + LIFETIMES[place.ttl or "5m"]
        entry = self._entries.get((scope, place.digest))
        if entry is not None and entry.since <= at < entry.until:
            entry.until = max(entry.until, until)
            return
        if len(self._entries) >= _ENTRIES:
            # Flat memory matters more than the oldest entries, which come first.
            self._entries.pop(next(iter(self._entries)))
        self._entries[scope, place.digest] = _Entry(at, until)
